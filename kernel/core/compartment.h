/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of compartments: started at boot, stopped and reset by their supervisors, stopped by the
 * kernel at a fault. Stopping is: threads on every core, then devices. A reset goes on with memory
 * and guests, then runs it again from the beginning.
 */
#pragma once

#include "abi/call.h"

struct operation;

struct fault {
    uint32_t vector;                   /* as counted: x86 exception vector */
    const char *text;                  /* what happened, for people */
    const char *access;                /* of a page fault: "read", "write", "execute"; else null */
    uint64_t address;
    uint64_t rip;
};

void compartment_start_all(void);      /* at boot, those that the plan starts */

/* The calling thread's own call: answered now, or when the operation is done. */
void compartment_call(uint32_t thread, uint32_t compartment, enum bh_compartment_operation what);

/* A bounded part of a thread's operation (core/sched.c). */
void compartment_step(uint32_t thread);

/* The thread that was to do it is stopped: its target stays stopped until somebody resets it. */
void compartment_abandon(const struct operation *operation);

/* A thread did what it may not: its compartment is stopped, the rest goes on. */
void compartment_fault(uint32_t thread, const struct fault *fault);

/* Its device did so too often, and its devices are off already: its threads stop as well. */
void compartment_stop_for_device(uint32_t compartment);
