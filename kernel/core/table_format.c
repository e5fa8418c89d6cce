/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of every table format, by what its bits say; the only place that selects a format. */
#include "core/table_format.h"

static const struct table_bits *bits_of(enum table_format format) {
    return format == TABLE_DEVICE ? iommu_table_bits() : &cpu_table_bits;
}

static uint64_t entry_of(enum table_format format, paddr_t target, uint32_t rights) {
    const struct table_bits *bits = bits_of(format);

    return target.value | bits->present
           | (format != TABLE_KERNEL ? bits->user : 0)
           | (rights & BH_READ ? bits->read : 0)
           | (rights & BH_WRITE ? bits->write : 0)
           | (rights & BH_EXECUTE ? 0 : bits->no_execute);
}

uint64_t table_entry_leaf(enum table_format format, paddr_t target, unsigned level,
                          uint32_t rights, enum bh_cache cache) {
    return entry_of(format, target, rights) | bits_of(format)->cache[cache][level > 0]
           | (level > 0 ? bits_of(format)->leaf : 0);
}

uint64_t table_entry_table(enum table_format format, paddr_t table, unsigned level) {
    return entry_of(format, table, BH_READ | BH_WRITE | BH_EXECUTE)
           | level * bits_of(format)->level;
}

bool table_entry_is_leaf(enum table_format format, uint64_t entry, unsigned level) {
    return level == 0 || (entry & bits_of(format)->leaf_mask) == bits_of(format)->leaf;
}

unsigned table_largest_leaf(enum table_format format) {
    return format == TABLE_DEVICE ? iommu_largest_leaf() : cpu_largest_leaf();
}

void table_written(enum table_format format, const void *entries, uint64_t size) {
    if (format == TABLE_DEVICE)
        iommu_table_written(entries, size);
}
