/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the space builder needs of a table format. All formats here have 512 entries of 8 bytes a
 * table, 4 levels (level 0 = 4 KiB leaf, 1 = 2 MiB, 2 = 1 GiB, 3 = top); an absent entry is zero,
 * and bits 51 to 12 are the address. Implemented by x86/table_cpu.c (process, nested and the
 * kernel's own tables) and iommu/table.c (second-level tables); selected in
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

/* Implementations. */
uint64_t cpu_entry_leaf(paddr_t at, unsigned level, uint32_t rights, enum bh_cache cache, bool user);
uint64_t cpu_entry_table(paddr_t table, bool user);
bool cpu_entry_is_leaf(uint64_t entry, unsigned level);
unsigned cpu_largest_leaf(void);
uint64_t iommu_entry_leaf(paddr_t target, unsigned level, uint32_t rights);
uint64_t iommu_entry_table(paddr_t table, unsigned level);
bool iommu_entry_is_leaf(uint64_t entry, unsigned level);
unsigned iommu_largest_leaf(void);
void iommu_table_written(const void *entries, uint64_t size);
