/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One address space's tables, in any format (core/table_format.h). Knows nothing of plans.
 */
#pragma once

#include "core/table_format.h"

#define SPACE_GUEST_END  (1ull << 46)
#define SPACE_POOL_PAGES 64u           /* the most that guest_place may have for one space */

struct space_table {
    paddr_t root;
    paddr_t pool;                      /* table pages for later */
    uint32_t pool_pages;
    uint64_t pool_used;                /* bit n: page n of the pool is a table */
    bool sealed;                       /* new tables come from the pool only */
    enum table_format format;
};

struct extent {
    uint64_t address;                  /* page-aligned, like target and size */
    paddr_t  target;
    uint64_t size;
    uint32_t rights;
    enum bh_cache cache;
};

void space_table_create(struct space_table *space, enum table_format format);

/* BH_E_SPACE: the pool is used up; what was mapped until then stays, unmap takes it back.
 * BH_E_ARGUMENT: a leaf is there already. */
enum bh_status space_table_map(struct space_table *space, const struct extent *extent);

/* Unmaps whole leaves within the range, and gives pool pages that became empty back. */
void space_table_unmap(struct space_table *space, uint64_t address, uint64_t size);

bool space_table_touches(const struct space_table *space, uint64_t address, uint64_t size);

/* Boot is over: takes the pool. */
void space_table_seal(struct space_table *space, uint32_t pool_pages);
