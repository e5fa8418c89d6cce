/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads. Each belongs to one core at a time, which alone changes it; other cores use what is
 * marked "any core": atomics and requests to the owning core (core/sched.h).
 */
#pragma once

#include "abi/call.h"
#include "abi/plan.h"

#include "core/budget.h"

enum thread_state {
    THREAD_STOPPED = 0,
    THREAD_READY   = 1,                  /* in user mode, in its guest, or with kernel work to do */
    THREAD_WAITING = 2,
};

/*
 * Long work of the kernel on behalf of a thread, done in bounded steps whenever the scheduler picks
 * that thread, so that it can be preempted. The call that began it returns when it is done. Kinds: stop
 * a compartment; reset and run it; after a fault, quiesce the rest of the thread's own.
 */
enum operation_kind { OPERATION_NONE, OPERATION_STOP, OPERATION_RUN, OPERATION_QUIESCE };

enum operation_phase {
    PHASE_STOP_THREADS, PHASE_AWAIT_THREADS, PHASE_DEVICES, PHASE_MEMORY, PHASE_GUESTS, PHASE_FINISH
};

struct operation {
    enum operation_kind  kind;
    enum operation_phase phase;
    uint32_t target;                   /* compartment */
    uint32_t index;                    /* device or region that is being worked on */
    uint64_t done;                     /* bytes of it */
    uint64_t again_at;                 /* no step before this tick */
};

struct thread {
    /* Any core. */
    uint64_t word;                       /* notification bits */
    uint64_t sleeping;                   /* 1: whoever makes the word non-empty must wake it */
    uint64_t state;                      /* enum thread_state; written by the owning core */
    uint64_t core;                       /* written by the owning core */

    /* The owning core. */
    struct budget budget;
    uint64_t deadline;                   /* of wait and vcpu_run */
    uint32_t priority;
    uint32_t vcpu;                       /* it is in this guest; BH_NONE: not */
    bool placed;                         /* in the current mode */
    bool exhausted;
    bool queued;
    struct operation operation;
};

extern struct thread threads[BH_MAX_THREADS];

/* Any core. */
uint32_t thread_core(uint32_t thread);                       /* its logical core in this mode */

/* The owning core. */
void thread_update_queue(uint32_t thread);                   /* after a change of what decides it */
void thread_start(uint32_t thread);                          /* from the beginning */
void thread_stop(uint32_t thread);
void thread_wait(uint32_t thread, uint64_t deadline);        /* the call; answers now or later */
void thread_woken(uint32_t thread);                          /* its word may have bits now */
void thread_enter_guest(uint32_t thread, uint32_t vcpu, uint64_t deadline);
void thread_leave_guest(uint32_t thread, enum bh_status status, uint64_t value);
void thread_exhaust(uint32_t thread);                        /* its budget has run out */
void thread_expire(uint32_t thread, uint64_t now);           /* whatever time it waited for */
uint64_t thread_next_event(uint32_t thread, uint64_t now);   /* when to call it again */
