/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds a counter by class, object and number, which are the caller's and may be anything. */
#include "core/counter.h"

#include "core/atomic.h"
#include "core/plan.h"
#include "core/thread.h"

/* Where a class's counters start, how many each object has, and the table of the objects. */
struct class {
    const uint64_t *first;
    uint32_t counters;
    enum bh_table table;
};

#define NO_TABLE BH_TABLE_COUNT

struct counters counters;

static const struct class classes[] = {
    [BH_COUNTERS_MACHINE] = { counters.machine, BH_MACHINE_COUNTERS, NO_TABLE },
    [BH_COUNTERS_CORE] = { counters.core[0], BH_CORE_COUNTERS, NO_TABLE },
    [BH_COUNTERS_COMPARTMENT] = { counters.compartment[0], BH_COMPARTMENT_COUNTERS,
                                  BH_TABLE_COMPARTMENT },
    [BH_COUNTERS_THREAD] = { counters.thread[0], BH_THREAD_COUNTERS, BH_TABLE_THREAD },
    [BH_COUNTERS_VCPU] = { counters.vcpu[0], BH_VCPU_COUNTERS, BH_TABLE_VCPU },
    [BH_COUNTERS_DEVICE] = { counters.device[0], BH_DEVICE_COUNTERS, BH_TABLE_DEVICE },
    [BH_COUNTERS_INTERRUPT] = { counters.interrupt[0], BH_INTERRUPT_COUNTERS, BH_TABLE_INTERRUPT },
};

static uint64_t objects_of(enum bh_counter_class class) {
    if (classes[class].table != NO_TABLE)
        return plan_count(classes[class].table);
    return class == BH_COUNTERS_CORE ? plan_header()->cores : 1;
}

enum bh_status counter_read(uint64_t class, uint64_t object, uint64_t counter, uint64_t *value) {
    if (class > BH_COUNTERS_INTERRUPT || object >= objects_of((enum bh_counter_class)class)
        || counter >= classes[class].counters)
        return BH_E_ARGUMENT;
    *value = atomic_load(&classes[class].first[object * classes[class].counters + counter]);
    if (class == BH_COUNTERS_CORE && counter == BH_CORE_IDLE_TICKS)
        *value += sched_idle_ticks((uint32_t)object);
    return BH_OK;
}
