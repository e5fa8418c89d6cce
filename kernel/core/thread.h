/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads, and the scheduler: on each core, preemptive fixed priorities with budgets. A thread
 * belongs to one core at a time, which alone changes it. Cores share nothing but what is marked "any
 * core": atomics, and requests, sets of threads in which other cores leave word, with an alert that
 * makes the owner look.
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
    _Alignas(128) uint64_t word;         /* notification bits; no two threads share a cache line */
    uint64_t sleeping;                   /* 1: whoever makes the word non-empty must wake it */
    uint64_t state;                      /* enum thread_state; written by the owning core */
    uint64_t core;                       /* written by the owning core */

    /* The owning core. */
    struct budget budget;
    uint64_t deadline;                   /* of wait and vcpu_run */
    uint32_t compartment;                /* as the plan says, at hand for every call */
    uint32_t first_slot;
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
uint64_t thread_expire(uint32_t thread, uint64_t now);       /* whatever time it waited for;
                                                                answers when to call it again */

/* Channels (core/thread.c): any core, with interrupts off, from calls and from interrupts; never
 * blocks. A thread that waits is woken; one in its guest leaves it. */
void channel_signal(uint32_t channel);             /* an index of the plan, or BH_NONE: nothing */
void channel_signal_life(uint32_t compartment);    /* all channels whose life_of it is */

/* The scheduler (core/sched.c). Wake: its word became non-empty while it slept. Adopt: it belongs to
 * this core now. */
enum sched_request { SCHED_WAKE, SCHED_STOP, SCHED_START, SCHED_ADOPT, SCHED_REQUESTS };

void sched_install(void);              /* all threads, stopped, where the first mode puts them */

/* The way out of every entry into the kernel: runs what is most urgent on this core. */
_Noreturn void dispatch(void);

/* Any core; the request may be for this one. */
void sched_request(uint32_t core, enum sched_request request, uint32_t thread);

void sched_alert(uint32_t core);       /* it looks at its requests, and at the mode, soon */

/* The owning core. */
uint32_t sched_current(void);          /* the thread that entered the kernel; BH_NONE: idle */
void sched_queue(uint32_t thread, bool into);
void sched_event_at(uint64_t tick);    /* some thread of this core waits for that time */
void sched_interrupted(bool by_timer);

/* Modes (core/mode.c): which thread runs on which core, with what priority and budget. */
void mode_install(void);               /* the plan's first mode */

/* Any core. Every core moves its own threads at its next dispatch; BH_E_STATE while the last change
 * is still on its way. */
enum bh_status mode_enter(uint32_t mode);

/* For core/sched.c. */
void mode_apply(void);                 /* this core's part of a change, if it has one to do */
uint32_t mode_place(uint32_t thread, uint64_t now);  /* its priority, budget; answers its core */
