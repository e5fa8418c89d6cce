/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long work of the kernel on behalf of a thread, done in bounded steps whenever the scheduler picks
 * that thread, so that it can be preempted. The call that began it returns when it is done.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum operation_kind {
    OPERATION_NONE = 0,
    OPERATION_STOP,                    /* stop a compartment */
    OPERATION_RUN,                     /* reset and run it */
    OPERATION_QUIESCE,                 /* after a fault: the rest of the thread's own compartment */
};

enum operation_phase {
    PHASE_STOP_THREADS, PHASE_AWAIT_THREADS, PHASE_DEVICES, PHASE_MEMORY, PHASE_GUESTS, PHASE_FINISH,
};

struct operation {
    enum operation_kind  kind;
    enum operation_phase phase;
    uint32_t target;                   /* compartment */
    uint32_t index;                    /* device or region that is being worked on */
    uint64_t done;                     /* bytes of it */
    uint64_t again_at;                 /* no step before this tick */
};
