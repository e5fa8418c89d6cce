/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds a counter by class, object and number; the class's bounds are checked first, in one
 * place. */
#include "core/call.h"

#include "core/boot_memory.h"
#include "core/compartment.h"
#include "core/device.h"
#include "core/interrupt.h"
#include "core/mode.h"
#include "core/plan.h"
#include "core/sched.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/vcpu.h"
#include "iommu/iommu.h"

struct bounds { uint32_t table, counters; };

#define CLASSES 7u
#define NO_TABLE BH_TABLE_COUNT

static const struct bounds bounds[CLASSES] = {
    [BH_COUNTERS_MACHINE] = { NO_TABLE, BH_MACHINE_COUNTERS },
    [BH_COUNTERS_CORE] = { NO_TABLE, BH_CORE_COUNTERS },
    [BH_COUNTERS_COMPARTMENT] = { BH_TABLE_COMPARTMENT, BH_COMPARTMENT_COUNTERS },
    [BH_COUNTERS_THREAD] = { BH_TABLE_THREAD, BH_THREAD_COUNTERS },
    [BH_COUNTERS_VCPU] = { BH_TABLE_VCPU, BH_VCPU_COUNTERS },
    [BH_COUNTERS_DEVICE] = { BH_TABLE_DEVICE, BH_DEVICE_COUNTERS },
    [BH_COUNTERS_INTERRUPT] = { BH_TABLE_INTERRUPT, BH_INTERRUPT_COUNTERS },
};

static uint32_t objects_of(uint64_t class) {
    if (class == BH_COUNTERS_MACHINE)
        return 1;
    return class == BH_COUNTERS_CORE ? plan_header()->cores : plan_count(bounds[class].table);
}

static uint64_t machine_counter(enum bh_machine_counter counter) {
    const uint64_t value[BH_MACHINE_COUNTERS] = {
        [BH_MACHINE_TSC_KHZ] = time_khz(),
        [BH_MACHINE_BOOT_TIME] = time_boot_seconds(),
        [BH_MACHINE_BOOT_TSC] = time_boot_tsc(),
        [BH_MACHINE_CORES] = plan_header()->cores,
        [BH_MACHINE_MODE] = mode_current(),
        [BH_MACHINE_IOMMU] = iommu_kind(),
        [BH_MACHINE_MEMORY] = boot_memory_total(),
        [BH_MACHINE_MEMORY_USED] = boot_memory_used(),
        [BH_MACHINE_STRAY_FAULTS] = device_stray_counter(BH_MACHINE_STRAY_FAULTS),
        [BH_MACHINE_STRAY_REQUESTER] = device_stray_counter(BH_MACHINE_STRAY_REQUESTER),
    };

    return value[counter];
}

static uint64_t value_of(enum bh_counter_class class, uint32_t object, uint32_t counter) {
    switch (class) {
    case BH_COUNTERS_MACHINE:
        return machine_counter((enum bh_machine_counter)counter);
    case BH_COUNTERS_CORE:
        return sched_counter(object, (enum bh_core_counter)counter);
    case BH_COUNTERS_COMPARTMENT:
        return compartment_counter(object, (enum bh_compartment_counter)counter);
    case BH_COUNTERS_THREAD:
        return threads[object].counter[counter];
    case BH_COUNTERS_VCPU:
        return vcpu_counter(object, (enum bh_vcpu_counter)counter);
    case BH_COUNTERS_DEVICE:
        return device_counter(object, (enum bh_device_counter)counter);
    default:
        return interrupt_counter(object, (enum bh_interrupt_counter)counter);
    }
}

enum bh_status counter_read(uint64_t class, uint64_t object, uint64_t counter, uint64_t *value) {
    if (class >= CLASSES || object >= objects_of(class) || counter >= bounds[class].counters)
        return BH_E_ARGUMENT;
    *value = value_of((enum bh_counter_class)class, (uint32_t)object, (uint32_t)counter);
    return BH_OK;
}
