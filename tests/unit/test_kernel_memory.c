/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of memory ranges, against a map with one byte a page; and numbers that would overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/base.h"

#include "core/boot_ranges.h"

enum { PAGES = 1024 };

static uint8_t map[PAGES];

static void check_against_map(const struct ranges *ranges) {
    uint64_t total = 0;

    for (uint64_t page = 0; page < PAGES; page++) {
        assert_int_equal(ranges_touch(ranges, page * BH_PAGE_SIZE, BH_PAGE_SIZE), map[page]);
        total += map[page];
    }
    assert_int_equal(ranges_total(ranges), total * BH_PAGE_SIZE);
}

static void test_random_removals(void **state) {
    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        struct ranges ranges = { .count = 0 };
        srand(seed);
        memset(map, 1, sizeof map);
        assert_true(ranges_add(&ranges, 0, (uint64_t)PAGES * BH_PAGE_SIZE));
        for (unsigned round = 0; round < 60; round++) {
            uint64_t base = (uint64_t)rand() % (PAGES * BH_PAGE_SIZE);
            uint64_t size = (uint64_t)rand() % (20 * BH_PAGE_SIZE) + 1;
            assert_true(ranges_remove(&ranges, base, size));
            uint64_t last = (base + size - 1) / BH_PAGE_SIZE;
            for (uint64_t page = base / BH_PAGE_SIZE; page <= last && page < PAGES; page++)
                map[page] = 0;
            check_against_map(&ranges);
        }
    }
}

static void test_cut_is_aligned_and_gone(void **state) {
    struct ranges ranges = { .count = 0 };
    uint64_t base, end = (uint64_t)PAGES * BH_PAGE_SIZE;

    (void)state;
    memset(map, 1, sizeof map);
    assert_true(ranges_add(&ranges, 0, end));
    srand(3);
    for (unsigned round = 0; round < 200; round++) {
        uint64_t size = (uint64_t)(rand() % 8 + 1) * BH_PAGE_SIZE;
        uint64_t alignment = (uint64_t)BH_PAGE_SIZE << rand() % 5;
        if (!ranges_cut(&ranges, size, alignment, &base))
            continue;
        assert_int_equal(base % alignment, 0);
        assert_true(base + size <= end);
        for (uint64_t page = base / BH_PAGE_SIZE; page < (base + size) / BH_PAGE_SIZE; page++) {
            assert_int_equal(map[page], 1);
            map[page] = 0;
        }
        check_against_map(&ranges);
    }
    assert_false(ranges_cut(&ranges, end, BH_PAGE_SIZE, &base));
}

static void test_only_whole_pages_are_added(void **state) {
    struct ranges ranges = { .count = 0 };

    (void)state;
    assert_true(ranges_add(&ranges, 0x9fc00, 0x100));
    assert_int_equal(ranges_total(&ranges), 0);
    assert_true(ranges_add(&ranges, 0x1, 0x9fbff));
    assert_int_equal(ranges_total(&ranges), 0x9f000 - 0x1000);
    assert_false(ranges_touch(&ranges, 0, 0x1000));
}

static void test_overlap_is_refused(void **state) {
    struct ranges ranges = { .count = 0 };

    (void)state;
    assert_true(ranges_add(&ranges, 0x100000, 0x100000));
    assert_false(ranges_add(&ranges, 0x1ff000, 0x10000));
    assert_true(ranges_add(&ranges, 0x200000, 0x10000));
}

static void test_numbers_at_the_end(void **state) {
    struct ranges ranges = { .count = 0 };
    uint64_t base;

    (void)state;
    assert_true(ranges_add(&ranges, UINT64_MAX - 0x2800, UINT64_MAX));
    assert_true(ranges_remove(&ranges, 0, UINT64_MAX));
    assert_int_equal(ranges_total(&ranges), 0);
    assert_false(ranges_cut(&ranges, UINT64_MAX, BH_PAGE_SIZE, &base));
    assert_false(ranges_touch(&ranges, UINT64_MAX, UINT64_MAX));
}

static void test_a_full_list_is_told(void **state) {
    struct ranges ranges = { .count = 0 };
    bool all = true;

    (void)state;
    for (uint64_t i = 0; i <= RANGES_MAX; i++)
        all = all && ranges_add(&ranges, i * 0x2000, 0x1000);
    assert_false(all);
    assert_int_equal(ranges.count, RANGES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_removals),
        cmocka_unit_test(test_cut_is_aligned_and_gone),
        cmocka_unit_test(test_only_whole_pages_are_added),
        cmocka_unit_test(test_overlap_is_refused),
        cmocka_unit_test(test_numbers_at_the_end),
        cmocka_unit_test(test_a_full_list_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
