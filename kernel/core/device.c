/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a device: released to its owner, quiesced, reset, quarantined. A driver reaches this
 * by named operations only. Trusts no device: one that can't be reset is cut off for ever.
 */
#include "core/device_state.h"

#include "core/log.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/time.h"
#include "iommu/iommu.h"

/* All requester ids under which it may appear get its space, or nothing. */
static bool set_space(uint32_t device, bool attached) {
    uint32_t space = plan_device(device)->space;
    uint32_t ids[] = { device_requester(device), devices.alias[device] };
    bool ok = true;
    for (uint32_t i = 0; i < 2 && space != BH_NONE && iommu_kind() != IOMMU_NONE; i++) {
        if (ids[i] != BH_NONE && attached)
            ok = iommu_attach(ids[i], space, space_root(space)) && ok;
        else if (ids[i] != BH_NONE)
            ok = iommu_detach(ids[i], space) && ok;
    }
    return ok;
}

void device_block(uint32_t device) {
    pci_set_master(devices.function[device], false);
    interrupt_open_device(device, false);
    iommu_ignore_faults(device_requester(device), true);
    device_set_state(device, BH_DEVICE_BLOCKED);
}

static void quarantine(uint32_t device, const char *why) {
    set_space(device, false);
    device_block(device);
    pci_set_decode(devices.function[device], false, false);
    device_set_state(device, BH_DEVICE_QUARANTINED);
    log_line("device \"%s\" (" DEVICE_ID_FORMAT ") of \"%s\": %s: quarantined until the next boot",
             plan_device(device)->name, DEVICE_ID(device_requester(device)),
             device_owner_name(device), why);
}

static void begin_reset(uint32_t device) {
    bool quiesce = !plan_control(BH_PLAN_CONTROL_NO_QUIESCE);
    if (quiesce)
        interrupt_open_device(device, false);
    if (!device_is_pci(device) || device_state(device) == BH_DEVICE_QUARANTINED)
        return;
    if (quiesce)
        pci_set_master(devices.function[device], false);
    device_set_state(device, BH_DEVICE_RESETTING);
    counters.device[device][BH_DEVICE_RESETS]++;
    pci_reset_start(devices.function[device], &devices.reset[device]);
}

/* The reset of a physical function made its virtual ones anew: their owners keep them, and find
 * them as after a reset of their own. */
static void renew_virtual(uint32_t device) {
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++) {
        bool own = device_is_pci(d) &&
                   pci_function(devices.function[d])->physical == devices.function[device];
        if (!own || device_state(d) == BH_DEVICE_QUARANTINED)
            continue;
        pci_set_decode(devices.function[d], true, false);
        interrupt_renew_device(d);
        if (device_state(d) == BH_DEVICE_ACTIVE)
            pci_set_master(devices.function[d], true);
    }
}

/* Is it done? At its end nothing is in flight, so its space is taken away, and that is waited for. */
static bool step_reset(uint32_t device) {
    enum pci_reset_result result = PCI_RESET_DONE;
    if (device_state(device) != BH_DEVICE_RESETTING)
        return true;
    if (!plan_control(BH_PLAN_CONTROL_NO_QUIESCE))
        result = pci_reset_step(devices.function[device], &devices.reset[device]);
    if (result == PCI_RESET_AGAIN)
        return false;
    device_set_state(device, BH_DEVICE_QUIET);
    renew_virtual(device);
    if (result == PCI_RESET_FAILED)
        quarantine(device, "there is no way to reset it, or it didn't come back");
    else if (!set_space(device, false))
        quarantine(device, "the IOMMU didn't confirm that it is cut off");
    return true;
}

static void ready(uint32_t device) {
    if (device_state(device) == BH_DEVICE_QUARANTINED)
        return;
    if (device_is_pci(device)) {
        pci_set_decode(devices.function[device], true, devices.decode_ports[device]);
        devices.faults_allowed[device] = plan_device(device)->fault_limit;
    }
    if (set_space(device, true))
        interrupt_open_device(device, true);
    else
        quarantine(device, "the IOMMU didn't confirm its space");
}

void device_reset_start(uint32_t device) {
    lock_take(&device_lock);
    begin_reset(device);
    lock_drop(&device_lock);
}

bool device_reset_step(uint32_t device, uint64_t *again_at) {
    lock_take(&device_lock);
    bool done = step_reset(device);
    *again_at = devices.reset[device].again_at;
    lock_drop(&device_lock);
    return done;
}

void device_release(uint32_t device) {
    lock_take(&device_lock);
    ready(device);
    lock_drop(&device_lock);
}

/* Its owner goes on with a reset that it started itself, and gets the device back at the end. */
static uint64_t advance_state(uint32_t device) {
    bool due = device_state(device) == BH_DEVICE_RESETTING &&
               time_now() >= devices.reset[device].again_at;
    if (due && step_reset(device))
        ready(device);
    return device_state(device);
}

static enum bh_status set_master(uint32_t device, bool on) {
    if (!device_is_pci(device) || (on && !(plan_device(device)->flags & BH_DEVICE_DMA)))
        return BH_E_RIGHT;
    pci_set_master(devices.function[device], on);
    device_set_state(device, on ? BH_DEVICE_ACTIVE : BH_DEVICE_QUIET);
    return BH_OK;
}

static enum bh_status control(uint32_t device, enum bh_device_operation operation) {
    uint32_t state = device_state(device);
    bool mended_by_reset = operation == BH_DEVICE_RESET && state == BH_DEVICE_BLOCKED;
    if (!device_is_usable(device) && !mended_by_reset)
        return state == BH_DEVICE_RESETTING ? BH_E_STATE : BH_E_DEVICE;
    if (operation != BH_DEVICE_RESET)
        return set_master(device, operation == BH_DEVICE_BUS_MASTER_ON);
    begin_reset(device);
    return device_is_pci(device) ? BH_OK : BH_E_RIGHT;
}

enum bh_status device_control(uint32_t device, enum bh_device_operation operation) {
    lock_take(&device_lock);
    enum bh_status status = control(device, operation);
    lock_drop(&device_lock);
    return status;
}

/* Where it finds an address of its space: there, or, if no IOMMU holds it, in physical memory. */
static enum bh_status bus_address(uint32_t device, uint64_t address, uint64_t *value) {
    uint32_t space = plan_device(device)->space;
    uint32_t mapping = space == BH_NONE ? BH_NONE : space_nearest_mapping(space, address);
    const struct bh_plan_mapping *m = plan_mapping(mapping == BH_NONE ? 0 : mapping);
    if (mapping == BH_NONE || address - m->address >= m->size)
        return BH_E_ARGUMENT;
    *value = device_unconfined(device) == 0 ? address :
             region_base(m->region).value + m->offset + (address - m->address);
    return BH_OK;
}

static enum bh_status read_value(uint32_t device, enum bh_device_value what, uint64_t argument,
                                 uint64_t *value) {
    if (what == BH_DEVICE_STATE) {
        *value = advance_state(device);
        return BH_OK;
    }
    if (what == BH_DEVICE_BUS_ADDRESS)
        return bus_address(device, argument, value);
    uint64_t limit = what == BH_DEVICE_BAR_SIZE ? PCI_BARS : PCI_CONFIG_SIZE / 4;
    if (!device_is_pci(device) || argument >= limit)
        return BH_E_ARGUMENT;
    const struct pci_function *f = pci_function(devices.function[device]);
    *value = what == BH_DEVICE_ID       ? f->vendor | f->device << 16
           : what == BH_DEVICE_BAR_SIZE ? f->bar[argument].size
           : pci_read(f->requester_id, (uint32_t)argument * 4, 4);
    return BH_OK;
}

enum bh_status device_read(uint32_t device, enum bh_device_value what, uint64_t argument,
                           uint64_t *value) {
    lock_take(&device_lock);
    enum bh_status status = read_value(device, what, argument, value);
    lock_drop(&device_lock);
    return status;
}
