/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of lib/c/format against the host's printf, and of the parsers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/c/format.h"

#define SAME_AS_PRINTF(...) do { \
        char own[64], hosts[64]; \
        format_text(own, sizeof(own), __VA_ARGS__); \
        snprintf(hosts, sizeof(hosts), __VA_ARGS__); \
        assert_string_equal(own, hosts); \
    } while (0)

static void test_like_printf(void **state) {
    (void)state;
    SAME_AS_PRINTF("%d %d %d", 0, -1, 2147483647);
    SAME_AS_PRINTF("%ld", INT64_MIN);
    SAME_AS_PRINTF("%u %lu %zu", 4000000000u, UINT64_MAX, (size_t)7);
    SAME_AS_PRINTF("%x %08x %lx", 0xbeefu, 0x12u, 0xfedcba9876543210ul);
    SAME_AS_PRINTF("[%-8s][%8s][%.3s]", "abc", "abc", "abcdef");
    SAME_AS_PRINTF("[%.*s]", 2, "xyz");
    SAME_AS_PRINTF("%c%%%3u|%-4u|", 'q', 5u, 6u);
}

static void test_cut(void **state) {
    char text[5];

    (void)state;
    assert_int_equal(format_text(text, sizeof(text), "%s", "longer than that"), 4);
    assert_string_equal(text, "long");
    assert_int_equal(format_text(text, 1, "%u", 1u), 0);
    assert_string_equal(text, "");
}

static void test_numbers(void **state) {
    uint64_t value = 1;

    (void)state;
    assert_true(parse_number("0", &value) && value == 0);
    assert_true(parse_number("18446744073709551615", &value) && value == UINT64_MAX);
    assert_true(parse_number("0xfF", &value) && value == 255);
    assert_false(parse_number("18446744073709551616", &value));
    assert_false(parse_number("", &value));
    assert_false(parse_number("0x", &value));
    assert_false(parse_number("12a", &value));
    assert_false(parse_number("-1", &value));
}

static void test_macs(void **state) {
    uint8_t mac[6];

    (void)state;
    assert_true(parse_mac("52:54:00:aB:cd:0f", mac));
    assert_memory_equal(mac, "\x52\x54\x00\xab\xcd\x0f", 6);
    assert_false(parse_mac("52:54:00:ab:cd", mac));
    assert_false(parse_mac("52:54:00:ab:cd:0f:", mac));
    assert_false(parse_mac("52:54:00:ab:cd:0", mac));
    assert_false(parse_mac("", mac));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_printf), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_macs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
