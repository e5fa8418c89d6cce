/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the plan check only. Two passes over all tables: every field by itself,
 * with every index bounded (plan_fields.c); the relations among entries, which may follow any index
 * (plan_relations.c).
 */
#pragma once

#include "core/address.h"
#include "core/plan_check.h"

/* Where a process's addresses end: one page below, so that SYSCALL returns to canonical ones. */
#define PLAN_PROCESS_END ((1ull << 47) - BH_PAGE_SIZE)

/* `table` BH_TABLE_COUNT: the header. `entry`: entry `index` of the table. */
enum plan_rule plan_fields(const struct plan_view *p, enum bh_table table, const void *entry);
enum plan_rule plan_relations(const struct plan_view *p, enum bh_table table, uint32_t index);

/* Whether [first, first + count) lies below `end`, without overflow, and isn't empty. */
static inline bool plan_range_fits(uint64_t first, uint64_t count, uint64_t end) {
    return count > 0 && count <= end && first <= end - count;
}
