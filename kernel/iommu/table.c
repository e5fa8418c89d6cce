/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the tables of device spaces: second-stage tables in legacy mode (VT-d 9.8), host page
 * tables (AMD 2.2.3), and the flush that a unit needs which doesn't snoop the caches. The
 * tables are filled by core/space.c.
 */
#include "core/table_format.h"

#include "iommu/iommu.h"
#include "iommu/vtd.h"

#define AMDVI_LEVEL(n)    ((uint64_t)(n) << 9)   /* of the table that is pointed to; 0: a leaf */

static const struct table_bits bits[] = {
    [IOMMU_VTD] = { .read = 1ull << 0, .write = 1ull << 1, .leaf_mask = 1ull << 7,
                    .leaf = 1ull << 7 },
    [IOMMU_AMDVI] = { .present = 1ull << 0, .read = 1ull << 61, .write = 1ull << 62,
                      .leaf_mask = AMDVI_LEVEL(7), .leaf = 0, .level = AMDVI_LEVEL(1) },
};

enum { CACHE_LINE = 64 };

static bool coherent = true;
static unsigned largest_leaf = 2;

void vtd_table_use(const struct iommu_unit *unit) {
    unsigned largest = !(unit->capability & VTD_CAP_2_MIB) ? 0 :
                       !(unit->capability & VTD_CAP_1_GIB) ? 1 : 2;
    if (largest < largest_leaf)
        largest_leaf = largest;
    if (!(unit->extended & VTD_EXT_COHERENT))
        coherent = false;
}

const struct table_bits *iommu_table_bits(void) { return &bits[iommu_kind()]; }

unsigned iommu_largest_leaf(void) { return largest_leaf; }

void iommu_table_written(const void *entries, uint64_t size) {
    const uint8_t *byte = entries;
    if (!coherent) {
        for (uint64_t at = 0; at < size; at += CACHE_LINE)
            __asm__ volatile("clflush %0" : : "m"(byte[at]) : "memory");
    }
    __asm__ volatile("mfence" : : : "memory");
}
