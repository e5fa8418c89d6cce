/* SPDX-License-Identifier: BSD-2-Clause */
/* The installed plan. Trusts plan_check, which sees it first and stops the boot when it is wrong. */
#include "core/plan.h"

#include "core/log.h"
#include "core/plan_check.h"

#ifdef KERNEL_CONTROLS
#define ACCEPTED_CONTROLS BH_PLAN_CONTROL_ALL
#else
#define ACCEPTED_CONTROLS 0u
#endif

static struct plan_view view;
static paddr_t base_address;

static void refuse(struct plan_verdict verdict)
{
    if (verdict.table < BH_TABLE_COUNT)
        panic("the plan is refused: %s %u: %s: build it again with `bulkhead build`",
              plan_table_name(verdict.table), verdict.index, plan_rule_text(verdict.rule));
    panic("the plan is refused: header: %s: build it again with `bulkhead build`",
          plan_rule_text(verdict.rule));
}

void plan_install(paddr_t base, uint64_t size)
{
    struct plan_verdict verdict = plan_check(physical_at(base, size), size, ACCEPTED_CONTROLS,
                                             &view);

    if (verdict.rule != PLAN_OK)
        refuse(verdict);
    base_address = base;
    if (view.header->flags != 0)
        log_line("plan: TEST CONTROLS 0x%x: protections are switched off", view.header->flags);
}

paddr_t plan_base(void)
{
    return base_address;
}

const struct bh_plan_header *plan_header(void)
{
    return view.header;
}

uint32_t plan_count(enum bh_table table)
{
    return view.count[table];
}

bool plan_control(enum bh_plan_flags flag)
{
    return (view.header->flags & ACCEPTED_CONTROLS & flag) != 0;
}

const struct bh_plan_region *plan_region(uint32_t index)
{
    return &view.region[index];
}

const struct bh_plan_space *plan_space(uint32_t index)
{
    return &view.space[index];
}

const struct bh_plan_mapping *plan_mapping(uint32_t index)
{
    return &view.mapping[index];
}

const struct bh_plan_compartment *plan_compartment(uint32_t index)
{
    return &view.compartment[index];
}

const struct bh_plan_slot *plan_slot(uint32_t index)
{
    return &view.slot[index];
}

const struct bh_plan_thread *plan_thread(uint32_t index)
{
    return &view.thread[index];
}

const struct bh_plan_vcpu *plan_vcpu(uint32_t index)
{
    return &view.vcpu[index];
}

const struct bh_plan_doorbell *plan_doorbell(uint32_t index)
{
    return &view.doorbell[index];
}

const struct bh_plan_channel *plan_channel(uint32_t index)
{
    return &view.channel[index];
}

const struct bh_plan_interrupt *plan_interrupt(uint32_t index)
{
    return &view.interrupt[index];
}

const struct bh_plan_device *plan_device(uint32_t index)
{
    return &view.device[index];
}

const struct bh_plan_port_range *plan_port_range(uint32_t index)
{
    return &view.port_range[index];
}

const struct bh_plan_mode *plan_mode(uint32_t index)
{
    return &view.mode[index];
}

const struct bh_plan_placement *plan_placement(uint32_t index)
{
    return &view.placement[index];
}
