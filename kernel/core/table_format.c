/* SPDX-License-Identifier: BSD-2-Clause */
/* Selects the table format; the only place that does. */
#include "core/table_format.h"

uint64_t table_entry_leaf(enum table_format format, paddr_t target, unsigned level,
                          uint32_t rights, enum bh_cache cache) {
    if (format == TABLE_DEVICE)
        return iommu_entry_leaf(target, level, rights);
    return cpu_entry_leaf(target, level, rights, cache, format != TABLE_KERNEL);
}

uint64_t table_entry_table(enum table_format format, paddr_t table, unsigned level) {
    if (format == TABLE_DEVICE)
        return iommu_entry_table(table, level);
    return cpu_entry_table(table, format != TABLE_KERNEL);
}

bool table_entry_is_leaf(enum table_format format, uint64_t entry, unsigned level) {
    return format == TABLE_DEVICE ? iommu_entry_is_leaf(entry, level)
                                  : cpu_entry_is_leaf(entry, level);
}

unsigned table_largest_leaf(enum table_format format) {
    return format == TABLE_DEVICE ? iommu_largest_leaf() : cpu_largest_leaf();
}

void table_written(enum table_format format, const void *entries, uint64_t size) {
    if (format == TABLE_DEVICE)
        iommu_table_written(entries, size);
}
