/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopping, resetting and starting compartments. The state word of a compartment is changed by
 * compare-and-exchange; whoever changed it to RESETTING or FAULTED has the rest to do, in steps.
 * Nothing here waits: a step that can't go on says when to come again.
 */
#include "core/compartment.h"

#include "core/atomic.h"
#include "core/context.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/vcpu.h"

#define POLL_US     20u
#define CHUNK_BYTES (64u * 1024)

static uint64_t *state_of(uint32_t compartment) {
    return &counters.compartment[compartment][BH_COMPARTMENT_COUNT_STATE];
}

static void request_all(uint32_t compartment, enum sched_request request, uint32_t but) {
    for (uint32_t t = 0; t < plan_count(BH_TABLE_THREAD); t++)
        if (plan_thread(t)->compartment == compartment && t != but)
            sched_request(thread_core(t), request, t);
}

static void run(uint32_t compartment) {
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++)
        if (plan_device(d)->owner == compartment)
            device_release(d);
    counters.compartment[compartment][BH_COMPARTMENT_STARTS]++;
    atomic_store(state_of(compartment), BH_COMPARTMENT_RUNNING);
    request_all(compartment, SCHED_START, BH_NONE);
    channel_signal_life(compartment);
}

void compartment_start_all(void) {
    for (uint32_t i = 0; i < plan_count(BH_TABLE_COMPARTMENT); i++)
        if (plan_compartment(i)->flags & BH_COMPARTMENT_START)
            run(i);
}

/* Steps. Each answers whether its phase is over. */

static bool stop_threads(struct operation *o, uint32_t self) {
    request_all(o->target, SCHED_STOP, self);
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++)
        if (plan_device(d)->owner == o->target)
            device_reset_start(d);
    return true;
}

static bool await_threads(struct operation *o, uint32_t self) {
    o->again_at = time_after_us(POLL_US);
    for (uint32_t t = 0; t < plan_count(BH_TABLE_THREAD); t++)
        if (plan_thread(t)->compartment == o->target && t != self
            && atomic_load(&threads[t].state) != THREAD_STOPPED)
            return false;
    return true;
}

static bool reset_devices(struct operation *o) {
    for (; o->index < plan_count(BH_TABLE_DEVICE); o->index++)
        if (plan_device(o->index)->owner == o->target
            && !device_reset_step(o->index, &o->again_at))
            return false;
    return true;
}

static bool reload_memory(struct operation *o) {
    for (; o->index < plan_count(BH_TABLE_REGION); o->index++, o->done = 0) {
        const struct bh_plan_region *r = plan_region(o->index);
        if (r->kind == BH_REGION_RAM && r->owner == o->target && o->done < r->size) {
            o->done = region_reload(o->index, o->done, CHUNK_BYTES);
            return false;
        }
    }
    return true;
}

static bool reset_guests(struct operation *o) {
    for (uint32_t r = 0; r < plan_count(BH_TABLE_REGION); r++) {
        uint32_t space = space_of_placement(r);
        if (space != BH_NONE && plan_space(space)->owner == o->target)
            vcpu_place(r, space, 0, false, 0);
    }
    for (uint32_t v = 0; v < plan_count(BH_TABLE_VCPU); v++)
        if (plan_thread(plan_vcpu(v)->thread)->compartment == o->target)
            vcpu_reset(v);
    return true;
}

static void finish(uint32_t thread, struct operation *o) {
    enum operation_kind kind = o->kind;

    o->kind = OPERATION_NONE;
    if (kind == OPERATION_QUIESCE) {
        thread_stop(thread);
        return;
    }
    if (kind == OPERATION_RUN) {
        run(o->target);
    } else {
        atomic_store(state_of(o->target), BH_COMPARTMENT_STOPPED);
        channel_signal_life(o->target);
    }
    context_answer(thread, BH_OK, atomic_load(state_of(o->target)));
}

static bool phase_is_over(uint32_t thread, struct operation *o) {
    uint32_t self = o->kind == OPERATION_QUIESCE ? thread : BH_NONE;

    switch (o->phase) {
    case PHASE_STOP_THREADS:
        return stop_threads(o, self);
    case PHASE_AWAIT_THREADS:
        return await_threads(o, self);
    case PHASE_DEVICES:
        return reset_devices(o);
    case PHASE_MEMORY:
        return o->kind != OPERATION_RUN || reload_memory(o);
    case PHASE_GUESTS:
        return o->kind != OPERATION_RUN || reset_guests(o);
    default:
        finish(thread, o);
        return false;
    }
}

void compartment_step(uint32_t thread) {
    struct operation *o = &threads[thread].operation;

    if (phase_is_over(thread, o)) {
        o->phase++;
        o->index = 0;
        o->done = 0;
        o->again_at = 0;
    }
    if (o->kind != OPERATION_NONE && o->again_at != 0)
        sched_event_at(o->again_at);
    thread_update_queue(thread);
}

void compartment_abandon(const struct operation *operation) {
    if (operation->kind == OPERATION_RUN || operation->kind == OPERATION_STOP)
        atomic_store(state_of(operation->target), BH_COMPARTMENT_STOPPED);
}

/* The states, as bits, that each operation starts from. */
static const uint32_t starts_from[] = {
    [BH_COMPARTMENT_RUN] = 1u << BH_COMPARTMENT_STOPPED | 1u << BH_COMPARTMENT_FAULTED,
    [BH_COMPARTMENT_STOP] = 1u << BH_COMPARTMENT_RUNNING | 1u << BH_COMPARTMENT_FAULTED,
    [BH_COMPARTMENT_RESET] = ~(1u << BH_COMPARTMENT_RESETTING),
};

void compartment_call(uint32_t thread, uint32_t compartment,
                      enum bh_compartment_operation operation) {
    uint64_t now = atomic_load(state_of(compartment));

    if (operation == BH_COMPARTMENT_STATE) {
        context_answer(thread, BH_OK, now);
        return;
    }
    if ((starts_from[operation] & 1u << now) == 0
        || !atomic_change(state_of(compartment), now, BH_COMPARTMENT_RESETTING)) {
        context_answer(thread, BH_E_STATE, now);
        return;
    }
    channel_signal_life(compartment);
    threads[thread].operation = (struct operation){
        .kind = operation == BH_COMPARTMENT_STOP ? OPERATION_STOP : OPERATION_RUN,
        .target = compartment,
    };
}

void compartment_stop_for_device(uint32_t compartment) {
    if (!atomic_change(state_of(compartment), BH_COMPARTMENT_RUNNING, BH_COMPARTMENT_FAULTED))
        return;
    counters.compartment[compartment][BH_COMPARTMENT_FAULTS]++;
    request_all(compartment, SCHED_STOP, BH_NONE);
    channel_signal_life(compartment);
}

static void log_fault(uint32_t thread, const struct fault *fault) {
    static const char mend[] = "stopped; restart it from the console";
    const char *name = plan_thread(thread)->name;       /* by custom COMPARTMENT.NUMBER */

    if (fault->access != NULL)
        log_line("%s: page fault at 0x%lx (%s), rip 0x%lx: %s", name, fault->address, fault->access,
                 fault->rip, mend);
    else
        log_line("%s: %s, rip 0x%lx: %s", name, fault->text, fault->rip, mend);
}

void compartment_fault(uint32_t thread, const struct fault *fault) {
    uint32_t compartment = plan_thread(thread)->compartment;
    uint64_t *counter = counters.compartment[compartment];
    bool first = atomic_change(state_of(compartment), BH_COMPARTMENT_RUNNING,
                               BH_COMPARTMENT_FAULTED);

    log_fault(thread, fault);          /* who reads it finds the state changed */
    if (!first) {
        thread_stop(thread);           /* somebody else stops it already */
        return;
    }
    counter[BH_COMPARTMENT_FAULTS]++;
    counter[BH_COMPARTMENT_FAULT_VECTOR] = fault->vector;
    counter[BH_COMPARTMENT_FAULT_RIP] = fault->rip;
    counter[BH_COMPARTMENT_FAULT_ADDRESS] = fault->address;
    counter[BH_COMPARTMENT_FAULT_THREAD] = thread;
    channel_signal_life(compartment);
    threads[thread].operation = (struct operation){ OPERATION_QUIESCE, .target = compartment };
}
