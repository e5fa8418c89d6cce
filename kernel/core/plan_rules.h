/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the plan check only. The check has two passes over every table: first each
 * entry by itself (plan_fields.c), with every index compared to its table's count; then the
 * relations among entries (plan_relations.c, plan_owners.c), which may follow any index.
 */
#ifndef KERNEL_CORE_PLAN_RULES_H
#define KERNEL_CORE_PLAN_RULES_H

#include <stdbool.h>

#include "core/plan_check.h"

enum plan_rule plan_fields(const struct plan_view *p, enum bh_table table, uint32_t index);
enum plan_rule plan_relations(const struct plan_view *p, enum bh_table table, uint32_t index);

enum plan_rule plan_header_fields(const struct plan_view *p);
uint64_t plan_space_end(uint32_t kind);
uint64_t plan_ram_size(const struct plan_view *p);

/* plan_owners.c: the relations of the tables of rights and devices. */
enum plan_rule plan_slot_relations(const struct plan_view *p, uint32_t index);
enum plan_rule plan_vcpu_relations(const struct plan_view *p, uint32_t index);
enum plan_rule plan_doorbell_relations(const struct plan_view *p, uint32_t index);
enum plan_rule plan_interrupt_relations(const struct plan_view *p, uint32_t index);
enum plan_rule plan_device_relations(const struct plan_view *p, uint32_t index);
enum plan_rule plan_port_relations(const struct plan_view *p, uint32_t index);

/* Whether [first, first + count) lies below `end`, without overflow, and isn't empty. */
static inline bool plan_range_fits(uint64_t first, uint64_t count, uint64_t end)
{
    return count > 0 && count <= end && first <= end - count;
}

/* Whether two ranges that don't overflow have anything in common. */
static inline bool plan_ranges_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

static inline bool plan_page_aligned(uint64_t value)
{
    return value % BH_PAGE_SIZE == 0;
}

#endif
