/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The positive control DMA_OPEN of the red team (abi/plan.h): whatever a device space doesn't map
 * becomes RAM at its own physical address, read-write. Reached only in a kernel that was built with
 * controls and only under a plan that asks for it; shows that the attacks work without the IOMMU.
 * The GiB of the platform's registers is mapped in smaller leaves, because a unit refuses a whole
 * leaf that holds the interrupt window.
 */
#include "iommu/vtd.h"

#include "core/boot_memory.h"
#include "core/table_format.h"

enum { ENTRIES = 512, OPEN_GIB = 64, WINDOW_GIB = 3 };

static uint64_t *table_below(uint64_t entry)
{
    return physical_at(iommu_entry_target(entry), BH_PAGE_SIZE);
}

/* The absent entries of the first `count` of a table at `level`, whose first byte is at `base`. */
static void open_absent(uint64_t *table, unsigned level, uint64_t base, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t target = base + ((uint64_t)i << (12 + 9 * level));
        if (!iommu_entry_present(table[i]))
            table[i] = iommu_entry_leaf(paddr(target), level, BH_READ | BH_WRITE);
    }
    iommu_table_written(table, BH_PAGE_SIZE);
}

static bool is_table(uint64_t entry, unsigned level)
{
    return iommu_entry_present(entry) && !iommu_entry_is_leaf(entry, level);
}

static void open_gib(uint64_t *tables, uint64_t base)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (is_table(tables[i], 1))
            open_absent(table_below(tables[i]), 0, base + ((uint64_t)i << 21), ENTRIES);
    }
    open_absent(tables, 1, base, ENTRIES);
}

void vtd_open_space(paddr_t root)
{
    const uint64_t *top = physical_at(root, BH_PAGE_SIZE);
    if (!iommu_entry_present(top[0]))
        return;
    uint64_t *gib = table_below(top[0]);
    if (!iommu_entry_present(gib[WINDOW_GIB]))
        gib[WINDOW_GIB] =
            iommu_entry_table(boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "DMA_OPEN"));
    for (unsigned i = 0; i < OPEN_GIB; i++) {
        if (is_table(gib[i], 2))
            open_gib(table_below(gib[i]), (uint64_t)i << 30);
    }
    open_absent(gib, 2, 0, OPEN_GIB);
}
