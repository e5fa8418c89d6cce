/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes every call completely, then performs it. Trusts no register: a slot is looked up in the
 * caller's own table only, its kind and rights compared, operations compared to their range.
 */
#include "core/call.h"

#include "core/compartment.h"
#include "core/context.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/interrupt.h"
#include "core/machine.h"
#include "core/mode.h"
#include "core/plan.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/vcpu.h"

#define PLACE_PRESENT 1u

static enum bh_status find(uint32_t thread, uint64_t slot, enum bh_slot_kind kind,
                           const struct bh_plan_slot **found)
{
    const struct bh_plan_compartment *c = plan_compartment(plan_thread(thread)->compartment);

    if (slot >= c->slot_count)
        return BH_E_SLOT;
    *found = plan_slot(c->first_slot + (uint32_t)slot);
    return (*found)->kind == kind ? BH_OK : BH_E_SLOT;
}

static enum bh_status allow(const struct bh_plan_slot *slot, uint64_t operation, uint64_t last)
{
    if (operation > last)
        return BH_E_ARGUMENT;
    return slot->rights & 1u << operation ? BH_OK : BH_E_RIGHT;
}

static enum bh_status notify(uint32_t thread, uint64_t slot_number)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, slot_number, BH_SLOT_CHANNEL, &slot);

    if (status == BH_OK)
        channel_signal(slot->object);
    return status;
}

static enum bh_status vcpu_run(uint32_t thread, const uint64_t *argument)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_VCPU, &slot);

    if (status == BH_OK && plan_vcpu(slot->object)->thread != thread)
        status = BH_E_STATE;
    if (status == BH_OK)
        status = vcpu_begin(slot->object);
    if (status == BH_OK)
        thread_enter_guest(thread, slot->object, argument[1]);
    return status;
}

static enum bh_status guest_place(uint32_t thread, const uint64_t *argument)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_PLACE, &slot);

    if (status != BH_OK)
        return status;
    return vcpu_place(slot->object, slot->object2, argument[1] & ~(uint64_t)PLACE_PRESENT,
                      (argument[1] & PLACE_PRESENT) != 0, slot->rights);
}

static enum bh_status irq_ack(uint32_t thread, const uint64_t *argument)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_INTERRUPT, &slot);

    return status == BH_OK ? interrupt_ack(slot->object) : status;
}

static enum bh_status control_device(uint32_t thread, const uint64_t *argument)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_DEVICE, &slot);

    if (status == BH_OK)
        status = allow(slot, argument[1], BH_DEVICE_UNMASK);
    if (status != BH_OK)
        return status;
    return device_control(slot->object, (enum bh_device_operation)argument[1]);
}

static enum bh_status read_device(uint32_t thread, const uint64_t *argument, uint64_t *value)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_DEVICE, &slot);

    if (status == BH_OK)
        status = allow(slot, BH_DEVICE_READ, BH_DEVICE_READ);
    if (status == BH_OK && argument[1] > BH_DEVICE_CONFIG)
        status = BH_E_ARGUMENT;
    if (status != BH_OK)
        return status;
    return device_read(slot->object, (enum bh_device_value)argument[1], argument[2], value);
}

static enum bh_status enter_mode(uint32_t thread, const uint64_t *argument)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_MODE, &slot);

    return status == BH_OK ? mode_enter(slot->object) : status;
}

static enum bh_status control_machine(uint32_t thread, const uint64_t *argument)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_MACHINE, &slot);

    if (status == BH_OK)
        status = allow(slot, argument[1], BH_MACHINE_POWEROFF);
    if (status != BH_OK)
        return status;
    if (argument[1] == BH_MACHINE_REBOOT)
        machine_reboot();
    else
        machine_poweroff();
    return BH_E_DEVICE;                /* it is still there */
}

static enum bh_status read_counter(uint32_t thread, const uint64_t *argument, uint64_t *value)
{
    const struct bh_plan_slot *slot;
    enum bh_status status = find(thread, argument[0], BH_SLOT_COUNTERS, &slot);

    return status == BH_OK ? counter_read(argument[1], argument[2], argument[3], value) : status;
}

/* Those that answer later, or by themselves. False: answer `status` now. */
static bool perform_lasting(uint32_t thread, const struct call *call, enum bh_status *status)
{
    const struct bh_plan_slot *slot;

    switch (call->number) {
    case BH_CALL_WAIT:
        thread_wait(thread, call->argument[0]);
        return true;
    case BH_CALL_NOTIFY_WAIT:
        *status = notify(thread, call->argument[0]);
        if (*status == BH_OK)
            thread_wait(thread, call->argument[1]);
        return *status == BH_OK;
    case BH_CALL_VCPU_RUN:
        *status = vcpu_run(thread, call->argument);
        return *status == BH_OK;
    case BH_CALL_COMPARTMENT_CONTROL:
        *status = find(thread, call->argument[0], BH_SLOT_COMPARTMENT, &slot);
        if (*status == BH_OK)
            *status = allow(slot, call->argument[1], BH_COMPARTMENT_RESET);
        if (*status == BH_OK)
            compartment_call(thread, slot->object,
                             (enum bh_compartment_operation)call->argument[1]);
        return *status == BH_OK;
    default:
        return false;
    }
}

static enum bh_status perform(uint32_t thread, const struct call *call, uint64_t *value)
{
    switch (call->number) {
    case BH_CALL_NOTIFY:
        return notify(thread, call->argument[0]);
    case BH_CALL_GUEST_PLACE:
        return guest_place(thread, call->argument);
    case BH_CALL_IRQ_ACK:
        return irq_ack(thread, call->argument);
    case BH_CALL_DEVICE_CONTROL:
        return control_device(thread, call->argument);
    case BH_CALL_DEVICE_READ:
        return read_device(thread, call->argument, value);
    case BH_CALL_MODE_ENTER:
        return enter_mode(thread, call->argument);
    case BH_CALL_MACHINE_CONTROL:
        return control_machine(thread, call->argument);
    case BH_CALL_COUNTER_READ:
        return read_counter(thread, call->argument, value);
    default:
        return BH_E_CALL;
    }
}

static bool is_lasting(uint64_t number)
{
    return number == BH_CALL_WAIT || number == BH_CALL_NOTIFY_WAIT || number == BH_CALL_VCPU_RUN
           || number == BH_CALL_COMPARTMENT_CONTROL;
}

void call_perform(uint32_t thread, const struct call *call)
{
    enum bh_status status = BH_E_CALL;
    uint64_t value = 0;

    threads[thread].counter[BH_THREAD_CALLS]++;
    if (is_lasting(call->number)) {
        if (perform_lasting(thread, call, &status))
            return;
    } else {
        status = perform(thread, call, &value);
    }
    context_answer(thread, status, value);
}
