/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of 4-level page tables and, in the same format, nested page tables (SDM 3A 4.5; APM
 * volume 2, 5.3 and 15.25.5: nested translations count as user accesses). Leaf functions, no state.
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

static uint64_t cache_bits(enum bh_cache cache, unsigned level) {
    if (cache == BH_CACHE_UNCACHED)
        return ENTRY_WRITE_THROUGH | ENTRY_CACHE_DISABLE;
    if (cache == BH_CACHE_WRITE_COMBINE)
        return level == 0 ? ENTRY_PAT_4K : ENTRY_PAT_LARGE;    /* PAT entry 4, see cpu.c */
    return 0;
}

uint64_t cpu_entry_leaf(paddr_t target, unsigned level, uint32_t rights, enum bh_cache cache,
                        bool user) {
    return target.value | ENTRY_PRESENT
           | (rights & BH_WRITE ? ENTRY_WRITE : 0)
           | (rights & BH_EXECUTE ? 0 : ENTRY_NO_EXECUTE)
           | (user ? ENTRY_USER : 0)
           | (level > 0 ? ENTRY_LARGE : 0)
           | cache_bits(cache, level);
}

uint64_t cpu_entry_table(paddr_t table, bool user) {
    return table.value | ENTRY_PRESENT | ENTRY_WRITE | (user ? ENTRY_USER : 0);
}

bool cpu_entry_is_leaf(uint64_t entry, unsigned level) {
    return level == 0 || (entry & ENTRY_LARGE) != 0;
}

unsigned cpu_largest_leaf(void) {
    return cpuid(0x80000001, 0).edx & 1u << 26 ? 2 : 1;   /* Page1GB */
}
