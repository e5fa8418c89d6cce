/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The builder of address spaces, over host memory. What it wrote is read back by a walker of its own,
 * written from the manuals, in each of the formats; random changes are compared with a plain list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/space_table.h"
#include "iommu/iommu.h"

enum { ARENA_PAGES = 4096, MODEL_PAGES = 2048, POOL = 6 };

static uint8_t arena[ARENA_PAGES][BH_PAGE_SIZE] __attribute__((aligned(BH_PAGE_SIZE)));
static uint64_t used;

/* Physical addresses of tables here: the arena begins at 4 GiB. */
#define ARENA_BASE (1ull << 32)

void *physical_at(paddr_t address, uint64_t size) {
    assert_true(address.value >= ARENA_BASE);
    assert_true(address.value - ARENA_BASE + size <= sizeof arena);
    return (uint8_t *)arena + (address.value - ARENA_BASE);
}

paddr_t boot_memory_take(uint64_t size, uint64_t alignment, const char *what) {
    uint64_t base = (ARENA_BASE + used + alignment - 1) / alignment * alignment;

    (void)what;
    used = base - ARENA_BASE + size;
    assert_true(used <= sizeof arena);
    memset(physical_at(paddr(base), size), 0, size);
    return paddr(base);
}

void table_root_prepare(enum table_format format, uint64_t *root) {
    (void)format;
    (void)root;
}

_Noreturn void panic(const char *format, ...) {
    fail_msg("panic: %s", format);
    abort();
}

static enum iommu_kind unit;

enum iommu_kind iommu_kind(void) { return unit; }

struct seen {
    bool present;
    uint64_t target;
    bool read, write, execute, user, uncached;
};

/* SDM 3A 4.5 and APM 15.25 for the CPU's tables, VT-d 9.8 for a device's. */
static struct seen look(const struct space_table *space, uint64_t address) {
    uint64_t table = space->root.value, rights = ~0ull;
    bool cpu = space->format != TABLE_DEVICE, no_execute = false;

    for (int level = 3; level >= 0; level--) {
        uint64_t index = address >> (12 + 9 * level) & 511;
        uint64_t entry = ((uint64_t *)physical_at(paddr(table), BH_PAGE_SIZE))[index];
        if ((entry & (cpu ? 1u : 3u)) == 0)
            return (struct seen){ .present = false };
        rights &= entry;
        no_execute = no_execute || entry >> 63;
        if (level == 0 || entry & 1u << 7) {
            uint64_t size = 4096ull << 9 * level;
            return (struct seen){
                .present = true,
                .target = (entry & 0x000ffffffffff000ull & ~(size - 1)) + address % size,
                .read = cpu || rights & 1,
                .write = rights & 2,
                .execute = cpu && !no_execute,
                .user = cpu && rights & 4,
                .uncached = cpu && (entry & 0x18) == 0x18,
            };
        }
        table = entry & 0x000ffffffffff000ull;
    }
    return (struct seen){ .present = false };
}

/* AMD 48882, 2.2.3: a walk by the next level in each entry. */
static struct seen look_amdvi(const struct space_table *space, uint64_t address) {
    uint64_t table = space->root.value, rights = ~0ull;

    for (uint64_t level = 4;;) {
        uint64_t index = address >> (12 + 9 * (level - 1)) & 511;
        uint64_t entry = ((uint64_t *)physical_at(paddr(table), BH_PAGE_SIZE))[index];
        uint64_t next = entry >> 9 & 7, size = 4096ull << 9 * (level - 1);
        rights &= entry;
        table = entry & 0x000ffffffffff000ull;
        if ((entry & 1) == 0)
            return (struct seen){ .present = false };
        assert_true(next < level);
        level = next;
        if (next == 0)
            return (struct seen){ .present = true, .target = table + address % size,
                                  .read = rights >> 61 & 1, .write = rights >> 62 & 1 };
    }
}

static int reset(void **state) {
    (void)state;
    used = 0;
    unit = IOMMU_VTD;
    return 0;
}

/* 2 MiB and 4 KiB leaves of one mapping, and one of a gigabyte. */
static void test_amdvi_tables(void **state) {
    struct space_table space;
    struct extent extent = { 0x1fe000, paddr(0x3fe000), 0x203000, BH_READ, BH_CACHE_WRITE_BACK };
    struct extent large = { 0x80000000, paddr(0xc0000000), 0x40000000, BH_READ | BH_WRITE,
                            BH_CACHE_WRITE_BACK };
    (void)state;
    unit = IOMMU_AMDVI;
    space_table_create(&space, TABLE_DEVICE);
    assert_int_equal(space_table_map(&space, &extent), BH_OK);
    assert_int_equal(space_table_map(&space, &large), BH_OK);
    for (uint64_t offset = 0; offset < extent.size; offset += 0x800) {
        struct seen seen = look_amdvi(&space, extent.address + offset);
        assert_true(seen.present && seen.read && !seen.write);
        assert_int_equal(seen.target, extent.target.value + offset);
    }
    assert_true(look_amdvi(&space, 0xbfffffff).write);
    assert_int_equal(look_amdvi(&space, 0x81234567).target, 0xc1234567);
    assert_false(look_amdvi(&space, 0x1fd000).present);
    assert_false(look_amdvi(&space, 0x401000).present);
    space_table_unmap(&space, extent.address, extent.size);
    assert_false(look_amdvi(&space, 0x200000).present);
    assert_true(space_table_touches(&space, 0x80000000, 0x1000));
}

static void test_rights_in_every_format(void **state) {
    (void)state;
    for (enum table_format format = TABLE_PROCESS; format <= TABLE_KERNEL; format++) {
        for (uint32_t rights = BH_READ; rights <= (BH_READ | BH_WRITE | BH_EXECUTE); rights += 2) {
            struct space_table space;
            struct extent extent = { 0x400000, paddr(0x7000), 0x3000, rights,
                                     BH_CACHE_WRITE_BACK };
            used = 0;
            space_table_create(&space, format);
            assert_int_equal(space_table_map(&space, &extent), BH_OK);
            for (uint64_t offset = 0; offset < 0x3000; offset += 0x800) {
                struct seen seen = look(&space, 0x400000 + offset);
                assert_true(seen.present && seen.read);
                assert_int_equal(seen.target, 0x7000 + offset);
                assert_int_equal(seen.write, (rights & BH_WRITE) != 0);
                if (format != TABLE_DEVICE) {
                    assert_int_equal(seen.execute, (rights & BH_EXECUTE) != 0);
                    assert_int_equal(seen.user, format != TABLE_KERNEL);
                }
            }
            assert_false(look(&space, 0x3ff000).present);
            assert_false(look(&space, 0x403000).present);
        }
    }
}

static void test_registers_are_uncached(void **state) {
    struct space_table space;
    struct extent extent = { 0xfe000000, paddr(0xfe000000), 0x1000, BH_READ | BH_WRITE,
                             BH_CACHE_UNCACHED };

    (void)state;
    space_table_create(&space, TABLE_PROCESS);
    assert_int_equal(space_table_map(&space, &extent), BH_OK);
    assert_true(look(&space, 0xfe000000).uncached);
}

/* A large, aligned extent takes few tables; its neighbours stay absent. */
static void test_large_leaves(void **state) {
    struct space_table space;
    struct extent extent = { 0x200000, paddr(0x40000000), 0x400000 + 0x3000, BH_READ | BH_WRITE,
                             BH_CACHE_WRITE_BACK };

    (void)state;
    space_table_create(&space, TABLE_NESTED);
    assert_int_equal(space_table_map(&space, &extent), BH_OK);
    assert_true(used <= 5 * BH_PAGE_SIZE);
    for (uint64_t at = 0; at < extent.size; at += 0x1000)
        assert_int_equal(look(&space, 0x200000 + at).target, 0x40000000 + at);
    assert_false(look(&space, 0x1ff000).present);
    assert_false(look(&space, 0x603000).present);
}

static void test_misaligned_target_takes_small_leaves(void **state) {
    struct space_table space;
    struct extent extent = { 0x200000, paddr(0x40001000), 0x200000, BH_READ, BH_CACHE_WRITE_BACK };

    (void)state;
    space_table_create(&space, TABLE_DEVICE);
    assert_int_equal(space_table_map(&space, &extent), BH_OK);
    for (uint64_t at = 0; at < extent.size; at += 0x1000)
        assert_int_equal(look(&space, 0x200000 + at).target, 0x40001000 + at);
}

static void test_double_mapping_is_refused(void **state) {
    struct space_table space;
    struct extent first = { 0x1000000, paddr(0x200000), 0x200000, BH_READ, BH_CACHE_WRITE_BACK };
    struct extent inside = { 0x1001000, paddr(0x9000), 0x1000, BH_READ, BH_CACHE_WRITE_BACK };

    (void)state;
    space_table_create(&space, TABLE_NESTED);
    assert_int_equal(space_table_map(&space, &first), BH_OK);
    assert_int_equal(space_table_map(&space, &inside), BH_E_ARGUMENT);
    assert_int_equal(look(&space, 0x1001000).target, 0x201000);
    assert_true(space_table_touches(&space, 0xfff000, 0x2000));
    assert_false(space_table_touches(&space, 0xfff000, 0x1000));
}

/* guest_place at run time: only pool pages, all of them back after unmapping. */
static void test_pool(void **state) {
    struct space_table space;
    struct extent far = { 1ull << 40, paddr(0x9000), 0x4000, BH_READ | BH_WRITE,
                          BH_CACHE_UNCACHED };

    (void)state;
    space_table_create(&space, TABLE_NESTED);
    space_table_seal(&space, POOL);
    uint64_t before = used;
    for (unsigned round = 0; round < 100; round++) {
        far.address = (uint64_t)(round + 1) << 40;
        assert_int_equal(space_table_map(&space, &far), BH_OK);
        assert_true(look(&space, far.address + 0x3000).present);
        space_table_unmap(&space, far.address, far.size);
        assert_false(look(&space, far.address).present);
        assert_int_equal(space.pool_used, 0);
    }
    assert_int_equal(used, before);
}

static void test_pool_runs_out(void **state) {
    struct space_table space;
    struct extent page = { 0, paddr(0x9000), 0x1000, BH_READ, BH_CACHE_WRITE_BACK };

    (void)state;
    space_table_create(&space, TABLE_NESTED);
    space_table_seal(&space, POOL);
    assert_int_equal(space_table_map(&space, &page), BH_OK);
    page.address = 1ull << 39;
    assert_int_equal(space_table_map(&space, &page), BH_OK);
    page.address = 2ull << 39;
    assert_int_equal(space_table_map(&space, &page), BH_E_SPACE);
    space_table_unmap(&space, page.address, page.size);
    assert_true(look(&space, 0).present);
    assert_true(look(&space, 1ull << 39).present);
    assert_int_equal(space.pool_used, (1u << POOL) - 1);
}

/* Random maps and unmaps against a list of pages. */
static void test_random_changes(void **state) {
    static uint64_t model[MODEL_PAGES];
    struct space_table space;
    const uint64_t base = 0x3fe00000;

    (void)state;
    srand(1);
    space_table_create(&space, TABLE_PROCESS);
    for (unsigned round = 0; round < 500; round++) {
        uint64_t first = (uint64_t)(rand() % MODEL_PAGES);
        uint64_t pages = (uint64_t)(rand() % 64) + 1;
        if (pages > MODEL_PAGES - first)
            pages = MODEL_PAGES - first;
        struct extent e = { base + first * 4096, paddr(0x10000000 + (uint64_t)round * 0x100000),
                            pages * 4096, BH_READ, BH_CACHE_WRITE_BACK };
        if (!space_table_touches(&space, e.address, e.size)) {
            assert_int_equal(space_table_map(&space, &e), BH_OK);
            for (uint64_t i = 0; i < pages; i++)
                model[first + i] = e.target.value + i * 4096;
        } else {
            space_table_unmap(&space, e.address, e.size);
            memset(&model[first], 0, pages * sizeof model[0]);
        }
        for (uint64_t i = 0; i < MODEL_PAGES; i++)
            assert_int_equal(look(&space, base + i * 4096).target, model[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rights_in_every_format, reset),
        cmocka_unit_test_setup(test_amdvi_tables, reset),
        cmocka_unit_test_setup(test_registers_are_uncached, reset),
        cmocka_unit_test_setup(test_large_leaves, reset),
        cmocka_unit_test_setup(test_misaligned_target_takes_small_leaves, reset),
        cmocka_unit_test_setup(test_double_mapping_is_refused, reset),
        cmocka_unit_test_setup(test_pool, reset),
        cmocka_unit_test_setup(test_pool_runs_out, reset),
        cmocka_unit_test_setup(test_random_changes, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
