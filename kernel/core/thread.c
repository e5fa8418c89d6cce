/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread is doing, and what makes it do something else. The handshake with notifiers on
 * other cores: who goes to sleep sets `sleeping`, then looks at the word once more; who notifies
 * changes the word, then looks at `sleeping`. One of them sees the other.
 */
#include "core/thread.h"

#include "core/atomic.h"
#include "core/compartment.h"
#include "core/context.h"
#include "core/core.h"
#include "core/counter.h"
#include "core/plan.h"
#include "core/time.h"
#include "core/vcpu.h"

struct thread threads[BH_MAX_THREADS];

uint32_t thread_core(uint32_t thread) { return (uint32_t)atomic_load(&threads[thread].core); }

static inline void update_queue(uint32_t thread, bool ready) {
    const struct thread *t = &threads[thread];
    bool runs = ready && t->placed && !t->exhausted
                && (t->operation.kind == OPERATION_NONE || t->operation.again_at == 0);

    if (runs != t->queued)
        sched_queue(thread, runs);
}

void thread_update_queue(uint32_t thread) {
    update_queue(thread, threads[thread].state == THREAD_READY);
}

static void set_state(uint32_t thread, enum thread_state state) {
    atomic_store(&threads[thread].state, state);
    update_queue(thread, state == THREAD_READY);
}

void channel_signal(uint32_t channel) {
    if (channel == BH_NONE)
        return;
    uint32_t thread = plan_channel(channel)->thread;
    struct thread *t = &threads[thread];

    /* Whoever made the word non-empty woke the thread. */
    if (atomic_or(&t->word, plan_channel(channel)->bits) != 0 || atomic_load(&t->sleeping) == 0)
        return;
    if (thread_core(thread) == core_this())
        thread_woken(thread);
    else
        sched_request(thread_core(thread), SCHED_WAKE, thread);
}

void channel_signal_life(uint32_t compartment) {
    for (uint32_t i = 0; i < plan_count(BH_TABLE_CHANNEL); i++)
        if (plan_channel(i)->life_of == compartment)
            channel_signal(i);
}

static void finish_wait(uint32_t thread, enum bh_status status, uint64_t bits) {
    atomic_store(&threads[thread].sleeping, 0);
    context_answer(thread, status, bits);
    set_state(thread, THREAD_READY);
}

void thread_wait(uint32_t thread, uint64_t deadline) {
    struct thread *t = &threads[thread];
    uint64_t bits = atomic_exchange(&t->word, 0);

    if (bits != 0 || (deadline != BH_FOREVER && deadline <= time_now())) {
        context_answer(thread, bits != 0 ? BH_OK : BH_E_TIMEOUT, bits);
        return;
    }
    t->deadline = deadline;
    atomic_store(&t->sleeping, 1);
    set_state(thread, THREAD_WAITING);
    if (deadline != BH_FOREVER)
        sched_event_at(deadline);
    if (atomic_load(&t->word) != 0)
        thread_woken(thread);
}

void thread_woken(uint32_t thread) {
    struct thread *t = &threads[thread];
    uint64_t bits;

    if (t->state != THREAD_WAITING)
        return;                        /* in its guest: the dispatcher looks at the word */
    bits = atomic_exchange(&t->word, 0);
    if (bits != 0)
        finish_wait(thread, BH_OK, bits);
}

void thread_enter_guest(uint32_t thread, uint32_t vcpu, uint64_t deadline) {
    struct thread *t = &threads[thread];

    t->vcpu = vcpu;
    t->deadline = deadline;
    atomic_store(&t->sleeping, 1);
    sched_event_at(deadline);
}

void thread_leave_guest(uint32_t thread, enum bh_status status, uint64_t value) {
    threads[thread].vcpu = BH_NONE;
    atomic_store(&threads[thread].sleeping, 0);
    context_answer(thread, status, value);
}

void thread_start(uint32_t thread) {
    struct thread *t = &threads[thread];

    atomic_store(&t->word, 0);
    atomic_store(&t->sleeping, 0);
    t->vcpu = BH_NONE;
    t->operation.kind = OPERATION_NONE;
    context_reset(thread);
    fpu_reset_thread(thread);
    set_state(thread, THREAD_READY);
}

void thread_stop(uint32_t thread) {
    struct thread *t = &threads[thread];

    compartment_abandon(&t->operation);
    t->operation.kind = OPERATION_NONE;
    t->vcpu = BH_NONE;
    atomic_store(&t->sleeping, 0);
    fpu_release();
    set_state(thread, THREAD_STOPPED);
}

void thread_exhaust(uint32_t thread) {
    struct thread *t = &threads[thread];

    if (t->exhausted)
        return;
    t->exhausted = true;
    counters.thread[thread][BH_THREAD_EXHAUSTED]++;
    sched_event_at(t->budget.renew_at);
    thread_update_queue(thread);
}

/* Is it time? If it only will be, *next is that at the latest. */
static bool is_due(bool waits, uint64_t event, uint64_t now, uint64_t *next) {
    if (waits && event > now && event < *next)
        *next = event;
    return waits && event <= now;
}

uint64_t thread_expire(uint32_t thread, uint64_t now) {
    struct thread *t = &threads[thread];
    bool timed = t->state == THREAD_WAITING || t->vcpu != BH_NONE;
    uint64_t next = BH_FOREVER;

    if (is_due(t->exhausted, t->budget.renew_at, now, &next)) {
        budget_renew(&t->budget, now);
        t->exhausted = false;
    }
    if (is_due(timed, t->deadline, now, &next) && t->state == THREAD_WAITING) {
        uint64_t bits = atomic_exchange(&t->word, 0);
        finish_wait(thread, bits != 0 ? BH_OK : BH_E_TIMEOUT, bits);
    }
    if (is_due(t->operation.kind != OPERATION_NONE, t->operation.again_at, now, &next))
        t->operation.again_at = 0;
    thread_update_queue(thread);
    return next;
}
