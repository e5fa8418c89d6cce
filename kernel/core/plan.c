/* SPDX-License-Identifier: BSD-2-Clause */
/* The installed plan. Trusts plan_check, which sees it first and stops the boot when it is
 * wrong. */
#include "core/plan.h"

#include "core/log.h"

#ifdef KERNEL_CONTROLS
#define ACCEPTED_CONTROLS BH_PLAN_CONTROL_ALL
#else
#define ACCEPTED_CONTROLS 0u
#endif

struct plan_view plan_tables;
static paddr_t base_address;

void plan_install(paddr_t base, uint64_t size) {
    struct plan_verdict verdict = plan_check(physical_at(base, size), size, ACCEPTED_CONTROLS,
                                             &plan_tables);
    bool in_header = verdict.table == BH_TABLE_COUNT;

    if (verdict.rule != PLAN_OK)
        panic("the plan is refused: %s %u: %s: build it again with `bulkhead build`",
              in_header ? "header" : plan_table_name(verdict.table), verdict.index,
              plan_rule_text(verdict.rule));
    base_address = base;
    if (plan_header()->flags != 0)
        log_line("plan: TEST CONTROLS 0x%x: protections are switched off", plan_header()->flags);
}

paddr_t plan_base(void) { return base_address; }

bool plan_control(enum bh_plan_flags flag) {
    return (plan_tables.header->flags & ACCEPTED_CONTROLS & flag) != 0;
}
