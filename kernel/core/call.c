/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes every call completely, then performs it. Trusts no register: a slot must name the
 * caller's compartment, its kind and rights are compared, operations compared to their range.
 */
#include "core/context.h"

#include "core/compartment.h"
#include "core/core.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/plan.h"
#include "core/thread.h"
#include "core/vcpu.h"
#include "core/vcpu_arch.h"

#define PLACE_PRESENT 1ull
#define NO_SLOT       BH_NONE

/* What a call's first two arguments have to be. */
struct shape {
    uint32_t kind;                     /* enum bh_slot_kind of the slot, or NO_SLOT */
    uint32_t operations;               /* argument 1 is below this, and allowed; 0: no such */
    uint32_t right;                    /* else: a bit that the slot's rights must have */
};

static const struct shape shapes[BH_CALL_COUNT] = {
    [BH_CALL_NOTIFY] = { .kind = BH_SLOT_CHANNEL },
    [BH_CALL_WAIT] = { .kind = NO_SLOT },
    [BH_CALL_NOTIFY_WAIT] = { .kind = BH_SLOT_CHANNEL },
    [BH_CALL_VCPU_RUN] = { .kind = BH_SLOT_VCPU },
    [BH_CALL_GUEST_PLACE] = { .kind = BH_SLOT_PLACE },
    [BH_CALL_DEVICE_CONTROL] = { .kind = BH_SLOT_DEVICE, .operations = BH_DEVICE_RESET + 1 },
    [BH_CALL_DEVICE_READ] = { .kind = BH_SLOT_DEVICE, .right = 1u << BH_DEVICE_READ },
    [BH_CALL_COMPARTMENT_CONTROL] = { .kind = BH_SLOT_COMPARTMENT,
                                      .operations = BH_COMPARTMENT_RESET + 1 },
    [BH_CALL_MODE_ENTER] = { .kind = BH_SLOT_MODE },
    [BH_CALL_MACHINE_CONTROL] = { .kind = BH_SLOT_MACHINE, .operations = BH_MACHINE_POWEROFF + 1 },
};

static enum bh_status decode(uint32_t thread, const struct call *call,
                             const struct bh_plan_slot **slot) {
    uint32_t compartment = threads[thread].compartment;
    uint64_t index = threads[thread].first_slot + call->argument[0];

    if (call->number >= BH_CALL_COUNT)
        return BH_E_CALL;
    const struct shape *shape = &shapes[call->number];
    if (shape->kind == NO_SLOT)
        return BH_OK;
    if (call->argument[0] >= BH_MAX_SLOTS || index >= plan_count(BH_TABLE_SLOT))
        return BH_E_SLOT;
    *slot = plan_slot((uint32_t)index);
    if ((*slot)->compartment != compartment || (*slot)->kind != shape->kind)
        return BH_E_SLOT;
    if (shape->operations == 0)
        return ((*slot)->rights & shape->right) == shape->right ? BH_OK : BH_E_RIGHT;
    if (call->argument[1] >= shape->operations)
        return BH_E_ARGUMENT;
    return (*slot)->rights & 1u << call->argument[1] ? BH_OK : BH_E_RIGHT;
}

static enum bh_status vcpu_run(uint32_t thread, uint32_t vcpu, uint64_t deadline) {
    enum bh_status status = plan_vcpu(vcpu)->thread == thread ? vcpu_arch_load(vcpu) : BH_E_STATE;

    if (status == BH_OK)
        thread_enter_guest(thread, vcpu, deadline);
    return status;
}

/* Calls that answer by themselves when they succeed, some of them later. */
static bool answers_itself(uint64_t number) {
    return number == BH_CALL_WAIT || number == BH_CALL_NOTIFY_WAIT || number == BH_CALL_VCPU_RUN
           || number == BH_CALL_COMPARTMENT_CONTROL;
}

static enum bh_status perform(uint32_t thread, const struct call *call,
                              const struct bh_plan_slot *slot, uint64_t *value) {
    const uint64_t *argument = call->argument;

    switch (call->number) {
    case BH_CALL_NOTIFY:
        channel_signal(slot->object);
        return BH_OK;
    case BH_CALL_WAIT:
        thread_wait(thread, argument[0]);
        return BH_OK;
    case BH_CALL_NOTIFY_WAIT:
        channel_signal(slot->object);
        thread_wait(thread, argument[1]);
        return BH_OK;
    case BH_CALL_VCPU_RUN:
        return vcpu_run(thread, slot->object, argument[1]);
    case BH_CALL_GUEST_PLACE:
        return vcpu_place(slot->object, slot->object2, argument[1] & ~PLACE_PRESENT,
                          (argument[1] & PLACE_PRESENT) != 0, slot->rights);
    case BH_CALL_DEVICE_CONTROL:
        return device_control(slot->object, (enum bh_device_operation)argument[1]);
    case BH_CALL_DEVICE_READ:
        if (argument[1] > BH_DEVICE_BUS_ADDRESS)
            return BH_E_ARGUMENT;
        return device_read(slot->object, (enum bh_device_value)argument[1], argument[2], value);
    case BH_CALL_COMPARTMENT_CONTROL:
        compartment_call(thread, slot->object, (enum bh_compartment_operation)argument[1]);
        return BH_OK;
    case BH_CALL_MACHINE_CONTROL:
        machine_end((enum bh_machine_operation)argument[1]);
        return BH_E_DEVICE;            /* it is still there */
    default:
        return mode_enter(slot->object);
    }
}

void call_perform(uint32_t thread, const struct call *call) {
    const struct bh_plan_slot *slot = NULL;
    uint64_t value = 0;

    counters.thread[thread][BH_THREAD_CALLS]++;
    enum bh_status status = decode(thread, call, &slot);
    if (status == BH_OK)
        status = perform(thread, call, slot, &value);
    if (status != BH_OK || !answers_itself(call->number))
        context_answer(thread, status, value);
}
