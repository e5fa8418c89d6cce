/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the tables of device spaces: second-stage tables in legacy mode (VT-d 9.8), host page
 * tables (AMD 2.2.3), and the flush that a unit needs which doesn't snoop the caches. Leaf
 * functions; the tables are filled by core/space.c.
 */
#include "core/table_format.h"

#include "iommu/iommu.h"
#include "iommu/vtd.h"

#define ENTRY_ADDRESS     0x000ffffffffff000ull
#define AMDVI_PRESENT     (1ull << 0)
#define AMDVI_LEVEL(n)    ((uint64_t)(n) << 9)   /* of the table that is pointed to; 0: a leaf */

static const struct format {
    uint64_t read, write;
    uint64_t leaf_mask, leaf;         /* what tells a leaf above level 0 */
    uint64_t level;                   /* in an entry of a table at level n: n times */
} formats[] = {
    [IOMMU_VTD] = { 1ull << 0, 1ull << 1, 1ull << 7, 1ull << 7, 0 },
    [IOMMU_AMDVI] = { AMDVI_PRESENT | 1ull << 61, AMDVI_PRESENT | 1ull << 62, AMDVI_LEVEL(7), 0,
                      AMDVI_LEVEL(1) },
};

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

static uint64_t with_rights(paddr_t target, uint32_t rights) {
    uint64_t entry = target.value & ENTRY_ADDRESS;
    if (rights & BH_READ)
        entry |= formats[iommu_kind()].read;
    if (rights & BH_WRITE)
        entry |= formats[iommu_kind()].write;
    return entry;
}

uint64_t iommu_entry_leaf(paddr_t target, unsigned level, uint32_t rights) {
    return with_rights(target, rights) | (level > 0 ? formats[iommu_kind()].leaf : 0);
}

uint64_t iommu_entry_table(paddr_t table, unsigned level) {
    return with_rights(table, BH_READ | BH_WRITE) | level * formats[iommu_kind()].level;
}

bool iommu_entry_is_leaf(uint64_t entry, unsigned level) {
    const struct format *format = &formats[iommu_kind()];
    return level == 0 || (entry & format->leaf_mask) == format->leaf;
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
