/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of lib/stream: bytes arrive in order across the end of the area, and no more than fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/stream/stream.h"
#include "tests/unit/link_pair.h"

static void test_bytes_in_order(void **state) {
    struct link_pair pair;
    struct ring a, b;
    uint8_t out[100], in[77];
    uint8_t next_out = 0, next_in = 0;
    uint32_t total = 0;

    (void)state;
    link_pair_make(&pair, 4096, 1024);
    stream_open(&a, &pair.a, 1);
    stream_open(&b, &pair.b, 2);
    stream_check(&a);
    stream_check(&b);
    stream_check(&a);
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t count;

        for (unsigned i = 0; i < sizeof(out); i++)
            out[i] = (uint8_t)(next_out + i);
        count = stream_write(&a, out, sizeof(out));
        next_out = (uint8_t)(next_out + count);
        stream_flush(&a);
        count = stream_read(&b, in, sizeof(in));
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(in[i], next_in++);
        total += count;
        stream_flush(&b);
    }
    assert_true(total > 100000);
    link_pair_free(&pair);
}

static void test_full_and_empty(void **state) {
    struct link_pair pair;
    struct ring a, b;
    char bytes[2000] = { 0 };

    (void)state;
    link_pair_make(&pair, 4096, 1024);
    stream_open(&a, &pair.a, 1);
    assert_int_equal(stream_write(&a, bytes, 10), 0);
    stream_open(&b, &pair.b, 2);
    stream_check(&a);
    stream_check(&b);
    stream_check(&a);
    assert_int_equal(stream_read(&b, bytes, 10), 0);
    assert_int_equal(stream_write(&a, bytes, 2000), 1024);
    assert_int_equal(stream_write(&a, bytes, 1), 0);
    stream_flush(&a);
    assert_int_equal(stream_read(&b, bytes, 2000), 1024);
    link_pair_free(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_in_order),
        cmocka_unit_test(test_full_and_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
