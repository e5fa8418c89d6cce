/* SPDX-License-Identifier: BSD-2-Clause */
/* The log's formats, and that no text outgrows its buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"

static char buffer[64];

__attribute__((format(printf, 2, 3)))
static const char *text(uint32_t size, const char *format, ...) {
    va_list arguments;

    memset(buffer, '#', sizeof buffer);
    va_start(arguments, format);
    uint32_t length = format_text(buffer, size, format, arguments);
    va_end(arguments);
    assert_true(length <= size);
    for (uint32_t i = length; i < sizeof buffer; i++)
        assert_int_equal(buffer[i], '#');
    buffer[length] = 0;
    return buffer;
}

static void test_formats(void **state) {
    (void)state;
    assert_string_equal(text(60, "plain"), "plain");
    assert_string_equal(text(60, "%s.%u", "uart", 7u), "uart.7");
    assert_string_equal(text(60, "0x%lx %lu", 0xfffffffffffffffful, 18446744073709551615ul),
                        "0xffffffffffffffff 18446744073709551615");
    assert_string_equal(text(60, "%02x:%02x.%u", 0u, 0x1fu, 3u), "00:1f.3");
    assert_string_equal(text(60, "%5u|%05x", 42u, 0xabu), "   42|000ab");
    assert_string_equal(text(60, "%u", 0u), "0");
}

static void test_long_text_is_cut(void **state) {
    (void)state;
    assert_string_equal(text(4, "%s", "a long name"), "a lo");
    assert_string_equal(text(4, "abc%u", 12345u), "abc1");
    assert_string_equal(text(0, "abc"), "");
}

static void test_unprintable_names_are_harmless(void **state) {
    (void)state;
    assert_string_equal(text(60, "%s", "a\033[2J\nb"), "a?[2J?b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_unprintable_names_are_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
