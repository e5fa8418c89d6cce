/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of second-stage tables in legacy mode (VT-d 9.8) and the flush that a unit needs which
 * doesn't snoop the caches. Leaf functions; the tables are filled by core/space.c.
 */
#include "core/table_format.h"

#include "iommu/vtd.h"

#define ENTRY_READ     (1ull << 0)
#define ENTRY_WRITE    (1ull << 1)
#define ENTRY_LARGE    (1ull << 7)
#define ENTRY_ADDRESS  0x000ffffffffff000ull

enum { CACHE_LINE = 64 };

static bool coherent = true;
static unsigned largest_leaf = 2;

void vtd_table_use(const struct vtd_unit *unit) {
    unsigned largest = !(unit->capability & VTD_CAP_2_MIB) ? 0 :
                       !(unit->capability & VTD_CAP_1_GIB) ? 1 : 2;
    if (largest < largest_leaf)
        largest_leaf = largest;
    if (!(unit->extended & VTD_EXT_COHERENT))
        coherent = false;
}

uint64_t iommu_entry_leaf(paddr_t target, unsigned level, uint32_t rights) {
    uint64_t entry = target.value & ENTRY_ADDRESS;
    if (rights & BH_READ)
        entry |= ENTRY_READ;
    if (rights & BH_WRITE)
        entry |= ENTRY_WRITE;
    return level > 0 ? entry | ENTRY_LARGE : entry;
}

uint64_t iommu_entry_table(paddr_t table) {
    return (table.value & ENTRY_ADDRESS) | ENTRY_READ | ENTRY_WRITE;
}

bool iommu_entry_is_leaf(uint64_t entry, unsigned level) {
    return level == 0 || (entry & ENTRY_LARGE);
}

unsigned iommu_largest_leaf(void) { return largest_leaf; }

void iommu_table_written(const void *entries, uint64_t size) {
    const uint8_t *byte = entries;
    if (!coherent) {
        for (uint64_t at = 0; at < size; at += CACHE_LINE)
            __asm__ volatile("clflush %0" : : "m"(byte[at]) : "memory");
    }
    __asm__ volatile("mfence" : : : "memory");
}
