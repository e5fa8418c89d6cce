/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of the IOMMU, attributed: counted for the device, told to people within a rate, answered
 * by cutting the device off after as many as the plan allows. Bounded work a fault.
 */
#include "core/device_state.h"

#include "core/compartment.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/time.h"
#include "iommu/iommu.h"

enum {
    LOG_EVERY_US = 1000000,
    STRAYS_TOLD = 16,
};

static uint32_t device_of(uint32_t requester_id) {
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++)
        if (device_is_pci(d)
            && (device_requester(d) == requester_id || devices.alias[d] == requester_id))
            return d;
    return BH_NONE;
}

/* Nobody in the plan: it can't have bus mastering, so something is odd; told a few times. */
static void stray_fault(const struct device_fault *fault) {
    uint64_t faults = ++counters.machine[BH_MACHINE_STRAY_FAULTS];
    counters.machine[BH_MACHINE_STRAY_REQUESTER] = fault->requester_id;
    if (faults <= STRAYS_TOLD)
        log_line("fault: " DEVICE_ID_FORMAT ", which nobody owns: %s at 0x%lx denied: %s%s",
                 DEVICE_ID(fault->requester_id), fault->interrupt ? "interrupt" : "DMA",
                 fault->address, fault->reason_text,
                 faults == STRAYS_TOLD ? "; further ones are only counted" : "");
    if (faults >= STRAYS_TOLD && !fault->interrupt)
        iommu_ignore_faults(fault->requester_id, true);
}

static void log_nearest(uint32_t device, uint64_t address) {
    uint32_t mapping = plan_device(device)->space == BH_NONE ? BH_NONE :
                       space_nearest_mapping(plan_device(device)->space, address);
    if (mapping == BH_NONE) {
        log_line("fault:   its device space is empty");
        return;
    }
    const struct bh_plan_mapping *m = plan_mapping(mapping);
    log_line("fault:   nearest granted: \"%s\" at 0x%lx..0x%lx%s%s", plan_region(m->region)->name,
             m->address, m->address + m->size - 1, m->rights & BH_READ ? " read" : "",
             m->rights & BH_WRITE ? " write" : "");
}

/* The 1st, 2nd, 4th, 8th, .. or after a second of silence. */
static bool worth_a_line(uint32_t device, uint64_t count) {
    bool power_of_two = (count & (count - 1)) == 0;
    if (!power_of_two && time_now() < devices.fault_log_at[device])
        return false;
    devices.fault_log_at[device] = time_after_us(LOG_EVERY_US);
    return true;
}

static void log_fault(uint32_t device, const struct device_fault *fault) {
    uint64_t count = counters.device[device][BH_DEVICE_FAULTS] +
                     counters.device[device][BH_DEVICE_REMAP_FAULTS];
    if (!worth_a_line(device, count))
        return;
    const char *what = fault->interrupt ? "interrupt through entry" :
                       fault->write ? "DMA write to" : "DMA read of";
    log_line("fault: device \"%s\" (" DEVICE_ID_FORMAT ") of \"%s\": %s 0x%lx denied: %s "
             "(%lu so far)", plan_device(device)->name, DEVICE_ID(fault->requester_id),
             device_owner_name(device), what, fault->address, fault->reason_text, count);
    if (!fault->interrupt)
        log_nearest(device, fault->address);
}

/* The device is one of its owner's means: with it go the others, and the owner's threads. */
static void block_all(uint32_t owner) {
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++) {
        bool own = device_is_pci(d) && plan_device(d)->owner == owner;
        if (own && device_is_usable(d))
            device_block(d);
    }
}

/* Is its owner to be stopped? */
static bool answer(uint32_t device) {
    uint32_t *allowed = &devices.faults_allowed[device];
    if (plan_control(BH_PLAN_CONTROL_NO_STORM_LIMIT) || *allowed == 0 || --*allowed > 0
        || !device_is_usable(device))
        return false;
    block_all(plan_device(device)->owner);
    log_line("fault: device \"%s\" of \"%s\" reached its limit of %u faults: bus mastering off, "
             "its owner stopped; restart it from the console", plan_device(device)->name,
             device_owner_name(device), plan_device(device)->fault_limit);
    return true;
}

static void count_fault(uint32_t device, const struct device_fault *fault) {
    uint64_t *counter = counters.device[device];
    counter[fault->interrupt ? BH_DEVICE_REMAP_FAULTS : BH_DEVICE_FAULTS]++;
    counter[BH_DEVICE_FAULT_ADDRESS] = fault->address;
    counter[BH_DEVICE_FAULT_REASON] = fault->reason;
    counter[BH_DEVICE_FAULT_WRITE] = fault->write;
}

void device_fault(const struct device_fault *fault) {
    lock_take(&device_lock);
    uint32_t device = device_of(fault->requester_id);
    bool stop = false;
    if (device == BH_NONE) {
        stray_fault(fault);
    } else {
        count_fault(device, fault);
        log_fault(device, fault);
        stop = answer(device);
    }
    lock_drop(&device_lock);
    if (stop)
        compartment_stop_for_device(plan_device(device)->owner);
}

void device_tell_errors(void) {
    lock_take(&device_lock);
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++) {
        uint32_t errors = device_is_pci(d) ? pci_take_errors(pci_function(devices.function[d])) : 0;
        if (errors != 0)
            log_line("fault: device \"%s\" (" DEVICE_ID_FORMAT ") of \"%s\" has signalled errors: "
                     "0x%x", plan_device(d)->name, DEVICE_ID(device_requester(d)),
                     device_owner_name(d), errors);
    }
    lock_drop(&device_lock);
}
