/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The installed plan: checked once at boot (plan_check.c), read-only ever after. The accessors take
 * indices that the check, or the caller, has bounded.
 */
#pragma once

#include "core/address.h"
#include "core/plan_check.h"

/* Checks the plan at `base`; stops the boot with table, index and rule when it is refused. */
void plan_install(paddr_t base, uint64_t size);

paddr_t plan_base(void);
bool plan_control(enum bh_plan_flags flag);   /* always false unless built with KERNEL_CONTROLS */

extern struct plan_view plan_tables;

/* plan_region(index) and so on. */
#define PLAN_ACCESSOR(suffix, table, most) \
    static inline const struct bh_plan_##table *plan_##table(uint32_t index) \
    { \
        return &plan_tables.table[index]; \
    }
PLAN_TABLES(PLAN_ACCESSOR)

static inline const struct bh_plan_header *plan_header(void) { return plan_tables.header; }

static inline uint32_t plan_count(enum bh_table table) { return plan_tables.count[table]; }
