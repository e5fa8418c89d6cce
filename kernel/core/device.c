/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a device: released to its owner, quiesced, reset, quarantined. A driver reaches this by
 * named operations only. Trusts no device: one that can't be reset keeps an empty space for ever.
 */
#include "core/device_state.h"

#include "core/interrupt.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/time.h"
#include "iommu/iommu.h"

static bool has_space(uint32_t device)
{
    return plan_device(device)->space != BH_NONE && iommu_kind() != IOMMU_NONE;
}

/* All requester ids under which it may appear. */
static bool attach(uint32_t device)
{
    uint32_t space = plan_device(device)->space;
    bool ok = iommu_attach(device_requester(device), space, space_root(space));
    if (devices.alias[device] != BH_NONE)
        ok = iommu_attach(devices.alias[device], space, space_root(space)) && ok;
    return ok;
}

static bool detach(uint32_t device)
{
    uint32_t space = plan_device(device)->space;
    bool ok = iommu_detach(device_requester(device), space);
    if (devices.alias[device] != BH_NONE)
        ok = iommu_detach(devices.alias[device], space) && ok;
    return ok;
}

void device_block(uint32_t device)
{
    pci_set_master(devices.function[device], false);
    iommu_ignore_faults(device_requester(device), true);
    interrupt_mask_device(device);
    devices.state[device] = BH_DEVICE_BLOCKED;
}

static void quarantine(uint32_t device, const char *why)
{
    pci_set_master(devices.function[device], false);
    interrupt_mask_device(device);
    pci_set_decode(devices.function[device], false, false);
    if (has_space(device))
        detach(device);
    iommu_ignore_faults(device_requester(device), true);
    devices.state[device] = BH_DEVICE_QUARANTINED;
    log_line("device \"%s\" (" DEVICE_ID_FORMAT ") of \"%s\": %s: quarantined until the next boot",
             plan_device(device)->name, DEVICE_ID(device_requester(device)),
             device_owner_name(device), why);
}

static void begin_reset(uint32_t device)
{
    interrupt_mask_device(device);
    if (devices.function[device] == BH_NONE || devices.state[device] == BH_DEVICE_QUARANTINED)
        return;
    if (!plan_control(BH_PLAN_CONTROL_NO_QUIESCE))
        pci_set_master(devices.function[device], false);
    devices.state[device] = BH_DEVICE_RESETTING;
    devices.resets[device]++;
    pci_reset_start(devices.function[device], &devices.reset[device]);
}

/* The last part: nothing is in flight, so its space is taken away and that is waited for. */
static void end_reset(uint32_t device, enum pci_reset_result result)
{
    if (result == PCI_RESET_FAILED)
        quarantine(device, "there is no way to reset it, or it didn't come back");
    else if (has_space(device) && !detach(device))
        quarantine(device, "the IOMMU didn't confirm that it is cut off");
    else
        devices.state[device] = BH_DEVICE_QUIET;
}

static enum device_step step_reset(uint32_t device, uint64_t *again_at)
{
    enum pci_reset_result result = PCI_RESET_DONE;
    if (devices.state[device] != BH_DEVICE_RESETTING)
        return DEVICE_STEP_DONE;
    if (!plan_control(BH_PLAN_CONTROL_NO_QUIESCE))
        result = pci_reset_step(devices.function[device], &devices.reset[device], again_at);
    if (result == PCI_RESET_AGAIN)
        return DEVICE_STEP_AGAIN;
    end_reset(device, result);
    return DEVICE_STEP_DONE;
}

static void ready(uint32_t device)
{
    const struct bh_plan_device *d = plan_device(device);
    if (devices.state[device] == BH_DEVICE_QUARANTINED)
        return;
    if (devices.function[device] != BH_NONE) {
        pci_set_decode(devices.function[device], true, devices.decode_ports[device]);
        devices.faults_allowed[device] = d->fault_limit;
        if (has_space(device) && !attach(device)) {
            quarantine(device, "the IOMMU didn't confirm its space");
            return;
        }
    }
    interrupt_unmask_device(device);
}

void device_reset_start(uint32_t device)
{
    lock_take(&device_lock);
    begin_reset(device);
    lock_drop(&device_lock);
}

enum device_step device_reset_step(uint32_t device, uint64_t *again_at)
{
    lock_take(&device_lock);
    enum device_step step = step_reset(device, again_at);
    lock_drop(&device_lock);
    return step;
}

void device_release(uint32_t device)
{
    lock_take(&device_lock);
    ready(device);
    lock_drop(&device_lock);
}

/* Its owner goes on with a reset that it started itself, and gets the device back at the end. */
static uint64_t advance_state(uint32_t device)
{
    uint64_t again_at = devices.reset_again_at[device];
    if (devices.state[device] == BH_DEVICE_RESETTING && time_now() >= again_at) {
        if (step_reset(device, &again_at) == DEVICE_STEP_DONE)
            ready(device);
        devices.reset_again_at[device] = again_at;
    }
    return devices.state[device];
}

static enum bh_status set_master(uint32_t device, bool on)
{
    const struct bh_plan_device *d = plan_device(device);
    uint32_t state = devices.state[device];
    if (devices.function[device] == BH_NONE || (on && !(d->flags & BH_DEVICE_DMA)))
        return BH_E_RIGHT;
    if (state == BH_DEVICE_RESETTING)
        return BH_E_STATE;
    if (state != BH_DEVICE_QUIET && state != BH_DEVICE_ACTIVE)
        return BH_E_DEVICE;
    pci_set_master(devices.function[device], on);
    devices.state[device] = on ? BH_DEVICE_ACTIVE : BH_DEVICE_QUIET;
    return BH_OK;
}

static enum bh_status start_reset(uint32_t device)
{
    if (devices.function[device] == BH_NONE)
        return BH_E_RIGHT;
    if (devices.state[device] == BH_DEVICE_QUARANTINED)
        return BH_E_DEVICE;
    if (devices.state[device] == BH_DEVICE_RESETTING)
        return BH_E_STATE;
    begin_reset(device);
    devices.reset_again_at[device] = 0;
    return BH_OK;
}

static enum bh_status set_mask(uint32_t device, bool masked)
{
    if (devices.state[device] != BH_DEVICE_QUIET && devices.state[device] != BH_DEVICE_ACTIVE)
        return BH_E_DEVICE;
    if (masked)
        interrupt_mask_device(device);
    else
        interrupt_unmask_device(device);
    return BH_OK;
}

static enum bh_status control(uint32_t device, enum bh_device_operation operation)
{
    switch (operation) {
    case BH_DEVICE_BUS_MASTER_OFF: return set_master(device, false);
    case BH_DEVICE_BUS_MASTER_ON:  return set_master(device, true);
    case BH_DEVICE_RESET:          return start_reset(device);
    case BH_DEVICE_MASK:           return set_mask(device, true);
    case BH_DEVICE_UNMASK:         return set_mask(device, false);
    default:                       return BH_E_ARGUMENT;
    }
}

enum bh_status device_control(uint32_t device, enum bh_device_operation operation)
{
    lock_take(&device_lock);
    enum bh_status status = control(device, operation);
    lock_drop(&device_lock);
    return status;
}

static enum bh_status read_pci(const struct pci_function *f, enum bh_device_value what,
                               uint64_t argument, uint64_t *value)
{
    switch (what) {
    case BH_DEVICE_ID:
        *value = f->vendor | (uint32_t)f->device << 16;
        return BH_OK;
    case BH_DEVICE_CLASS:
        *value = f->class_revision;
        return BH_OK;
    case BH_DEVICE_BAR_SIZE:
        if (argument >= PCI_BARS)
            return BH_E_ARGUMENT;
        *value = f->bar[argument].size;
        return BH_OK;
    case BH_DEVICE_CONFIG:
        if (argument >= PCI_CONFIG_SIZE / 4)
            return BH_E_ARGUMENT;
        *value = pci_read32(f->requester_id, (uint32_t)argument * 4);
        return BH_OK;
    default:
        return BH_E_ARGUMENT;
    }
}

enum bh_status device_read(uint32_t device, enum bh_device_value what, uint64_t argument,
                           uint64_t *value)
{
    enum bh_status status = BH_OK;
    lock_take(&device_lock);
    if (what == BH_DEVICE_STATE)
        *value = advance_state(device);
    else if (devices.function[device] == BH_NONE)
        status = BH_E_ARGUMENT;
    else
        status = read_pci(pci_function(devices.function[device]), what, argument, value);
    lock_drop(&device_lock);
    return status;
}
