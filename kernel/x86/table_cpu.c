/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of 4-level page tables and, in the same format, nested page tables (SDM 3A 4.5; APM
 * volume 2, 5.3 and 15.25.5: nested translations count as user accesses).
 */
#include "core/table_format.h"

#include "x86/cpu.h"

enum cpu_entry_bits {
    ENTRY_PRESENT       = 1 << 0,
    ENTRY_WRITE         = 1 << 1,
    ENTRY_USER          = 1 << 2,
    ENTRY_WRITE_THROUGH = 1 << 3,
    ENTRY_CACHE_DISABLE = 1 << 4,
    ENTRY_LARGE         = 1 << 7,      /* above level 0 */
    ENTRY_PAT_4K        = 1 << 7,
    ENTRY_PAT_LARGE     = 1 << 12,
};
#define ENTRY_NO_EXECUTE (1ull << 63)

const struct table_bits cpu_table_bits = {
    .present = ENTRY_PRESENT, .user = ENTRY_USER,
    .write = ENTRY_WRITE, .no_execute = ENTRY_NO_EXECUTE,
    .leaf_mask = ENTRY_LARGE, .leaf = ENTRY_LARGE,
    .cache = {
        [BH_CACHE_UNCACHED] = { ENTRY_WRITE_THROUGH | ENTRY_CACHE_DISABLE,
                                ENTRY_WRITE_THROUGH | ENTRY_CACHE_DISABLE },
        [BH_CACHE_WRITE_COMBINE] = { ENTRY_PAT_4K, ENTRY_PAT_LARGE },   /* PAT entry 4, see cpu.c */
    },
};

unsigned cpu_largest_leaf(void) {
    return cpuid(0x80000001, 0).edx & 1u << 26 ? 2 : 1;   /* Page1GB */
}
