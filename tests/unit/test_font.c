/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the glyphs that lib/font/make-font.c took from the distribution's font. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/font/font.h"

/* Code page 437. */
enum { BLANK = 0x00, FACE = 0x01, FULL_BLOCK = 0xdb, LOWER_HALF = 0xdc, LEFT_HALF = 0xdd,
       HORIZONTAL = 0xc4, VERTICAL = 0xb3, NO_BREAK_SPACE = 0xff };

static void assert_lines(uint8_t character, int first, int count, uint8_t line) {
    for (int i = 0; i < count; i++)
        assert_int_equal(font_glyph[character][first + i], line);
}

/* What has to fill its cell does: glyphs are neither shifted nor cut off. */
static void test_blocks_fill_their_part(void **state) {
    (void)state;
    assert_lines(FULL_BLOCK, 0, FONT_HEIGHT, 0xff);
    assert_lines(LOWER_HALF, 0, FONT_HEIGHT / 2, 0x00);
    assert_lines(LOWER_HALF, FONT_HEIGHT / 2, FONT_HEIGHT / 2, 0xff);
    assert_lines(LEFT_HALF, 0, FONT_HEIGHT, 0xf0);
}

static void test_lines_meet_at_the_cells_sides(void **state) {
    int full_lines = 0;

    (void)state;
    for (int line = 0; line < FONT_HEIGHT; line++) {
        full_lines += font_glyph[HORIZONTAL][line] == 0xff;
        assert_int_not_equal(font_glyph[VERTICAL][line], 0);
    }
    assert_true(full_lines > 0);
}

static void test_blanks_are_blank(void **state) {
    (void)state;
    assert_lines(BLANK, 0, FONT_HEIGHT, 0);
    assert_lines(' ', 0, FONT_HEIGHT, 0);
    assert_lines(NO_BREAK_SPACE, 0, FONT_HEIGHT, 0);
}

static void test_an_a_stands_on_the_baseline(void **state) {
    static const uint8_t a[FONT_HEIGHT] = {
        0x00, 0x00, 0x00, 0x00, 0x18, 0x24, 0x24, 0x42, 0x42, 0x7e, 0x42, 0x42, 0x42, 0x42, 0x00,
        0x00,
    };

    (void)state;
    assert_memory_equal(font_glyph['A'], a, FONT_HEIGHT);
}

/* The pictures of 0 to 31 and the upper half are characters of their own. */
static void test_no_two_visible_glyphs_are_alike(void **state) {
    (void)state;
    for (int i = FACE; i < NO_BREAK_SPACE; i++)
        for (int k = FACE; i != ' ' && k < i; k++)
            if (k != ' ' && memcmp(font_glyph[i], font_glyph[k], FONT_HEIGHT) == 0)
                fail_msg("0x%02x looks like 0x%02x", i, k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_fill_their_part),
        cmocka_unit_test(test_lines_meet_at_the_cells_sides),
        cmocka_unit_test(test_blanks_are_blank),
        cmocka_unit_test(test_an_a_stands_on_the_baseline),
        cmocka_unit_test(test_no_two_visible_glyphs_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
