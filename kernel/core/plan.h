/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The installed plan: checked once at boot (plan_check.c), read-only ever after. The accessors take
 * indices that the check, or the caller, has bounded.
 */
#ifndef KERNEL_CORE_PLAN_H
#define KERNEL_CORE_PLAN_H

#include "abi/plan.h"

#include "core/address.h"

/* Checks the plan at `base`; stops the boot with table, index and rule when it is refused. */
void plan_install(paddr_t base, uint64_t size);

paddr_t plan_base(void);
const struct bh_plan_header *plan_header(void);
uint32_t plan_count(enum bh_table table);
bool plan_control(enum bh_plan_flags flag);   /* always false unless built with KERNEL_CONTROLS */

const struct bh_plan_region      *plan_region(uint32_t index);
const struct bh_plan_space       *plan_space(uint32_t index);
const struct bh_plan_mapping     *plan_mapping(uint32_t index);
const struct bh_plan_compartment *plan_compartment(uint32_t index);
const struct bh_plan_slot        *plan_slot(uint32_t index);
const struct bh_plan_thread      *plan_thread(uint32_t index);
const struct bh_plan_vcpu        *plan_vcpu(uint32_t index);
const struct bh_plan_doorbell    *plan_doorbell(uint32_t index);
const struct bh_plan_channel     *plan_channel(uint32_t index);
const struct bh_plan_interrupt   *plan_interrupt(uint32_t index);
const struct bh_plan_device      *plan_device(uint32_t index);
const struct bh_plan_port_range  *plan_port_range(uint32_t index);
const struct bh_plan_mode        *plan_mode(uint32_t index);
const struct bh_plan_placement   *plan_placement(uint32_t index);

#endif
