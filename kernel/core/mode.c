/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change of mode: the entering core names the mode and alerts all; each core applies it to the
 * threads that it owns and hands over those that belong elsewhere now; the last one done points the
 * devices' interrupts to their threads' cores.
 */
#include "core/thread.h"

#include "core/atomic.h"
#include "core/core.h"
#include "core/counter.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/time.h"
#include "core/vcpu.h"

static uint64_t changing;              /* cores that haven't applied the change */
static uint32_t applied[BH_MAX_CORES]; /* mode; each written by its own core */
static uint32_t placement_of[BH_MAX_MODES][BH_MAX_THREADS];

static uint32_t mode_current(void) {
    return (uint32_t)atomic_load(&counters.machine[BH_MACHINE_MODE]);
}

void mode_install(void) {
    for (uint32_t m = 0; m < BH_MAX_MODES; m++)
        for (uint32_t t = 0; t < BH_MAX_THREADS; t++)
            placement_of[m][t] = BH_NONE;
    for (uint32_t i = 0; i < plan_count(BH_TABLE_PLACEMENT); i++)
        placement_of[plan_placement(i)->mode][plan_placement(i)->thread] = i;
    counters.machine[BH_MACHINE_MODE] = plan_header()->first_mode;
    for (uint32_t core = 0; core < BH_MAX_CORES; core++)
        applied[core] = mode_current();
}

uint32_t mode_place(uint32_t thread, uint64_t now) {
    struct thread *t = &threads[thread];
    uint32_t index = placement_of[mode_current()][thread];

    t->placed = index != BH_NONE;
    if (!t->placed)
        return (uint32_t)t->core;
    const struct bh_plan_placement *p = plan_placement(index);
    t->priority = p->priority;
    counters.thread[thread][BH_THREAD_PRIORITY] = p->priority;
    counters.thread[thread][BH_THREAD_CORE] = p->core;
    t->exhausted = false;
    t->budget.amount = t->budget.left = time_ticks_of_us(p->budget_us);
    t->budget.period = time_ticks_of_us(p->period_us);
    t->budget.renew_at = now + t->budget.period;
    return p->core;
}

enum bh_status mode_enter(uint32_t mode) {
    uint32_t cores = plan_header()->cores;

    if (mode == mode_current())
        return BH_OK;
    if (!atomic_change(&changing, 0, cores))
        return BH_E_STATE;
    atomic_store(&counters.machine[BH_MACHINE_MODE], mode);
    log_line("mode %s", plan_mode(mode)->name);
    for (uint32_t core = 0; core < cores; core++)
        sched_alert(core);
    return BH_OK;
}

static void move(uint32_t thread, uint64_t now) {
    struct thread *t = &threads[thread];
    uint32_t here = (uint32_t)t->core, there;

    if (t->queued)
        sched_queue(thread, false);
    there = mode_place(thread, now);
    atomic_store(&t->core, there);
    if (there == here)
        thread_update_queue(thread);
    else
        sched_request(there, SCHED_ADOPT, thread);
}

void mode_apply(void) {
    uint32_t this = core_this();
    uint64_t now = time_now();

    if (applied[this] == mode_current())
        return;
    applied[this] = mode_current();
    fpu_release();
    for (uint32_t t = 0; t < plan_count(BH_TABLE_THREAD); t++)
        if (threads[t].core == this)
            move(t, now);
    if (atomic_add(&changing, ~0ull) == 1)
        interrupt_retarget();
}
