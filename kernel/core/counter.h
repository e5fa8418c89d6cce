/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every counter of abi/call.h, in one place: whoever counts does so here, each object's by whoever
 * owns the object; counter_read only looks.
 */
#pragma once

#include "abi/call.h"
#include "abi/plan.h"

extern struct counters {
    uint64_t machine[BH_MACHINE_COUNTERS];
    uint64_t core[BH_MAX_CORES][BH_CORE_COUNTERS];
    uint64_t compartment[BH_MAX_COMPARTMENTS][BH_COMPARTMENT_COUNTERS];
    uint64_t thread[BH_MAX_THREADS][BH_THREAD_COUNTERS];
    uint64_t vcpu[BH_MAX_VCPUS][BH_VCPU_COUNTERS];
    uint64_t device[BH_MAX_DEVICES][BH_DEVICE_COUNTERS];
    uint64_t interrupt[BH_MAX_INTERRUPTS][BH_INTERRUPT_COUNTERS];
} counters;

enum bh_status counter_read(uint64_t class, uint64_t object, uint64_t counter, uint64_t *value);
