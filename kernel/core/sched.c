/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatcher and what it decides by. A core's state is changed by that core alone, but for the
 * request sets and the alert (core/atomic.h). Order of a request: the set, then the alert, then the
 * interrupt; its taker clears the alert first and reads the sets afterwards, so none is lost.
 */
#include "core/thread.h"

#include "core/atomic.h"
#include "core/compartment.h"
#include "core/context.h"
#include "core/core.h"
#include "core/counter.h"
#include "core/interrupt.h"
#include "core/plan.h"
#include "core/ready.h"
#include "core/time.h"
#include "core/vcpu.h"

#define SLICE_US 10000u                /* equal priorities take turns */

struct core {
    _Alignas(512)                      /* found by a shift, as every entry looks for its own */
    uint64_t request[SCHED_REQUESTS][BH_MAX_THREADS / 64];   /* a bit a thread */
    uint64_t alerted;

    struct ready ready;
    uint32_t current;                  /* BH_NONE: idle */
    uint64_t since;                    /* the tick up to which time is charged */
    uint64_t slice_end;
    uint64_t next_event;               /* no thread waits for an earlier tick */
    uint64_t timer_at;                 /* what the timer is set to */
};

static struct core cores[BH_MAX_CORES];
static uint64_t slice;

static struct core *this_core(void) { return &cores[core_this()]; }

void sched_install(void) {
    uint64_t now = time_now();

    slice = time_ticks_of_us(SLICE_US);
    for (uint32_t i = 0; i < BH_MAX_CORES; i++) {
        ready_clear(&cores[i].ready, i);
        cores[i].current = BH_NONE;
        cores[i].since = now;
        cores[i].next_event = BH_FOREVER;
        cores[i].timer_at = BH_FOREVER;
    }
    for (uint32_t t = 0; t < plan_count(BH_TABLE_THREAD); t++) {
        threads[t].compartment = plan_thread(t)->compartment;
        threads[t].first_slot = plan_compartment(threads[t].compartment)->first_slot;
        threads[t].vcpu = BH_NONE;
        threads[t].core = mode_place(t, now);
    }
}

uint32_t sched_current(void) { return this_core()->current; }

void sched_queue(uint32_t thread, bool into) {
    if (into)
        ready_add(&this_core()->ready, thread, threads[thread].priority);
    else
        ready_remove(&this_core()->ready, thread, threads[thread].priority);
    threads[thread].queued = into;
}

void sched_event_at(uint64_t tick) {
    struct core *c = this_core();

    if (tick < c->next_event)
        c->next_event = tick;
}

void sched_interrupted(bool by_timer) {
    struct core *c = this_core();

    counters.core[core_this()][BH_CORE_INTERRUPTS]++;
    if (by_timer)
        c->timer_at = BH_FOREVER;
}

void sched_alert(uint32_t core) {
    if (atomic_exchange(&cores[core].alerted, 1) == 0 && core != core_this())
        core_alert(core);
}

void sched_request(uint32_t core, enum sched_request request, uint32_t thread) {
    atomic_or(&cores[core].request[request][thread / 64], 1ull << thread % 64);
    sched_alert(core);
}

static void serve(enum sched_request request, uint32_t thread) {
    uint32_t core = thread_core(thread);

    if (core != core_this()) {
        sched_request(core, request, thread);   /* it moved meanwhile: so does the request */
    } else if (request == SCHED_WAKE) {
        thread_woken(thread);
    } else if (request == SCHED_STOP) {
        thread_stop(thread);
    } else if (request == SCHED_START) {
        thread_start(thread);
    } else {
        thread_update_queue(thread);
        sched_event_at(0);             /* it may wait for a time */
    }
}

static __attribute__((noinline)) void take_requests(struct core *c) {
    atomic_store(&c->alerted, 0);
    mode_apply();
    for (uint32_t w = 0; w * 64 < plan_count(BH_TABLE_THREAD); w++) {
        for (uint32_t r = 0; r < SCHED_REQUESTS; r++) {
            uint64_t members = atomic_exchange(&c->request[r][w], 0);
            for (; members != 0; members &= members - 1)
                serve((enum sched_request)r, w * 64 + (uint32_t)__builtin_ctzll(members));
        }
    }
}

static __attribute__((noinline)) void take_events(struct core *c, uint64_t now) {
    uint64_t next = interrupt_expire(now);
    uint32_t this = core_this();

    for (uint32_t t = 0; t < plan_count(BH_TABLE_THREAD); t++) {
        if (threads[t].core != this)
            continue;
        uint64_t event = thread_expire(t, now);
        if (event < next)
            next = event;
    }
    c->next_event = next;
}

static void charge(struct core *c, uint64_t now) {
    uint64_t used = now - c->since;

    c->since = now;
    if (c->current == BH_NONE) {
        counters.core[core_this()][BH_CORE_IDLE_TICKS] += used;
        return;
    }
    struct thread *t = &threads[c->current];
    counters.thread[c->current][BH_THREAD_TICKS] += used;
    if (budget_charge(&t->budget, used, now)) {
        thread_exhaust(c->current);
    } else if (now >= c->slice_end && t->queued) {
        ready_remove(&c->ready, c->current, t->priority);
        ready_add(&c->ready, c->current, t->priority);
        c->slice_end = now + slice;
    }
}

static void set_timer(struct core *c, uint64_t until, uint64_t now) {
    if (until < c->timer_at || c->timer_at <= now) {   /* or its interrupt was lost */
        core_timer(until);
        c->timer_at = until;
    }
}

/* When the dispatcher has to look again, if nothing happens before. */
static uint64_t turn_end(const struct core *c, uint32_t thread, uint64_t now) {
    const struct thread *t = &threads[thread];
    uint64_t until = c->next_event;

    if (budget_limited(&t->budget) && now + t->budget.left < until)
        until = now + t->budget.left;
    return c->slice_end < until && ready_has_equal(thread) ? c->slice_end : until;
}

static void run_guest(uint32_t thread, uint64_t now) {
    struct thread *t = &threads[thread];
    uint32_t vcpu = t->vcpu;
    bool halts;

    if (atomic_load(&t->word) != 0 || t->deadline <= now) {
        vcpu_leave(vcpu);
        thread_leave_guest(thread, BH_OK, atomic_exchange(&t->word, 0));
    } else if (vcpu_enter(vcpu, &halts)) {
        thread_leave_guest(thread, BH_OK, 0);
        if (halts)
            thread_wait(thread, t->deadline);
    } else {
        core_window();
    }
}

static void run(uint32_t thread, uint64_t now) {
    if (threads[thread].operation.kind != OPERATION_NONE) {
        compartment_step(thread);
        core_window();
    } else if (threads[thread].vcpu != BH_NONE) {
        run_guest(thread, now);
    } else {
        fpu_use_thread(thread);
        context_resume(thread);
    }
}

static void switch_to(struct core *c, uint32_t thread, uint64_t now) {
    if (c->current == BH_NONE)
        counters.core[core_this()][BH_CORE_IDLE_SINCE] = 0;
    c->current = thread;
    c->slice_end = now + slice;
    counters.core[core_this()][BH_CORE_SWITCHES]++;
}

static void idle(struct core *c, uint64_t now) {
    counters.core[core_this()][BH_CORE_IDLE_SINCE] = now;
    set_timer(c, c->next_event, now);
    if (atomic_load(&c->alerted) == 0)
        core_idle();
}

void dispatch(void) {
    struct core *c = this_core();

    for (;;) {
        uint64_t now = time_now();
        charge(c, now);
        if (atomic_load(&c->alerted) != 0)
            take_requests(c);
        if (now >= c->next_event)
            take_events(c, now);
        uint32_t thread = ready_best(&c->ready);
        if (thread != c->current)
            switch_to(c, thread, now);
        if (thread == BH_NONE) {
            idle(c, now);
        } else {
            set_timer(c, turn_end(c, thread, now), now);
            run(thread, now);
        }
    }
}
