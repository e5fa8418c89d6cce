/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the programs' own copies (lib/c/string.c), which bear other names here than libc's: every
 * size up to beyond a long copy's round, misaligned, and overlapping both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/c/string.h"

enum { SIZES = 1700, ROOM = 64, AREA = SIZES + 2 * ROOM };

static uint8_t pattern(size_t at) {
    return (uint8_t)(at * 7 + at / 251);
}

static void fill(uint8_t *area, size_t size) {
    for (size_t i = 0; i < size; i++)
        area[i] = pattern(i);
}

/* [to, to + size) holds what was at `from`, everything else is as it was. */
static void assert_moved(const uint8_t *area, size_t to, size_t from, size_t size) {
    for (size_t i = 0; i < AREA; i++) {
        uint8_t expected = i >= to && i < to + size ? pattern(i - to + from) : pattern(i);

        if (area[i] != expected)
            fail_msg("byte %zu of a move of %zu bytes from %zu to %zu", i, size, from, to);
    }
}

static void test_copy(void **state) {
    static uint8_t from[AREA], to[AREA];

    (void)state;
    fill(from, AREA);
    for (size_t size = 0; size <= SIZES; size++) {
        fill(to, AREA);
        assert_ptr_equal(memcpy(to + size % 33, from + size % 17, size), to + size % 33);
        assert_moved(to, size % 33, size % 17, size);
    }
}

static void test_overlap(void **state) {
    static const struct { size_t to, from; } moves[] = {
        { 0, 1 }, { 1, 0 }, { 0, 16 }, { 16, 0 }, { 3, 36 }, { 36, 3 }, { 0, 0 }, { 0, 63 },
    };
    static uint8_t area[AREA];

    (void)state;
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        for (size_t size = 0; size <= SIZES; size++) {
            fill(area, AREA);
            memmove(area + moves[i].to, area + moves[i].from, size);
            assert_moved(area, moves[i].to, moves[i].from, size);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_overlap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
