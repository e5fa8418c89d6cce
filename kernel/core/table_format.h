/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the space builder needs of a table format. All formats here have 512 entries of 8 bytes a
 * table, 4 levels (level 0 = 4 KiB leaf, 1 = 2 MiB, 2 = 1 GiB, 3 = top); an absent entry is zero,
 * and bits 51 to 12 are the address. What the other bits say is in x86/table_cpu.c (process, nested
 * and the kernel's own tables) and iommu/table.c (second-level tables); selected in
 * core/table_format.c, nowhere else.
 */
#pragma once

#include "abi/plan.h"

#include "core/address.h"

enum table_format { TABLE_PROCESS, TABLE_NESTED, TABLE_DEVICE, TABLE_KERNEL };

uint64_t table_entry_leaf(enum table_format format, paddr_t target, unsigned level,
                          uint32_t rights, enum bh_cache cache);
/* An entry of a table at `level` that leads to `table`. */
uint64_t table_entry_table(enum table_format format, paddr_t table, unsigned level);
bool table_entry_is_leaf(enum table_format format, uint64_t entry, unsigned level);
unsigned table_largest_leaf(enum table_format format);            /* highest level of a leaf */
/* The supervisor part, by x86/paging.c. */
void table_root_prepare(enum table_format format, uint64_t *root);
void table_written(enum table_format format, const void *entries, uint64_t size); /* cache flush */

static inline paddr_t table_entry_target(uint64_t entry) {
    return paddr(entry & 0x000ffffffffff000ull);
}

/* What the bits of an entry say, beside its address. */
struct table_bits {
    uint64_t present, user;           /* in each; user: in each that isn't the kernel's own */
    uint64_t read, write, no_execute; /* an entry that leads to a table has every right */
    uint64_t leaf_mask, leaf;         /* what tells a leaf above level 0 */
    uint64_t level;                   /* in one that leads to a table, from level n: n times */
    uint64_t cache[BH_CACHE_WRITE_COMBINE + 1][2];   /* in a leaf at level 0, and above */
};

/* Implementations. */
extern const struct table_bits cpu_table_bits;
unsigned cpu_largest_leaf(void);
const struct table_bits *iommu_table_bits(void);
unsigned iommu_largest_leaf(void);
void iommu_table_written(const void *entries, uint64_t size);
