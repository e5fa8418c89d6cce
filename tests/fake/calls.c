/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of a kernel that isn't there, for host tests (tests/fake/lib/call/call.h). */
#include "lib/call/call.h"

struct fake_calls fake_calls;

static int answer(uint64_t *value) {
    if (fake_calls.status == BH_OK)
        *value = fake_calls.value;
    else
        *value = 0;
    return fake_calls.status;
}

static int answer_bits(uint64_t *bits) {
    *bits = fake_calls.bits;
    fake_calls.bits = 0;
    return *bits != 0 ? BH_OK : BH_E_TIMEOUT;
}

int call_notify(uint32_t slot) {
    fake_calls.notified[slot % 64]++;
    fake_calls.notifies++;
    if (fake_calls.on_notify)
        fake_calls.on_notify();
    return BH_OK;
}

int call_wait(uint64_t deadline, uint64_t *bits) {
    (void)deadline;
    return answer_bits(bits);
}

int call_notify_wait(uint32_t slot, uint64_t deadline, uint64_t *bits) {
    call_notify(slot);
    return call_wait(deadline, bits);
}

int call_vcpu_run(uint32_t slot, uint64_t deadline, uint64_t *bits) {
    (void)slot;
    (void)deadline;
    *bits = fake_calls.value;
    return fake_calls.status;
}

int call_guest_place(uint32_t slot, uint64_t gpa, uint32_t present) {
    (void)slot;
    (void)gpa;
    (void)present;
    return fake_calls.status;
}

int call_device_control(uint32_t slot, enum bh_device_operation operation) {
    (void)slot;
    (void)operation;
    fake_calls.device_controls++;
    return fake_calls.status;
}

int call_device_read(uint32_t slot, enum bh_device_value what, uint64_t argument, uint64_t *value) {
    (void)slot;
    (void)what;
    (void)argument;
    return answer(value);
}

int call_compartment_control(uint32_t slot, enum bh_compartment_operation operation,
                             uint64_t *value) {
    (void)slot;
    (void)operation;
    fake_calls.compartment_controls++;
    return answer(value);
}

int call_mode_enter(uint32_t slot) {
    (void)slot;
    return fake_calls.status;
}

int call_machine_control(uint32_t slot, enum bh_machine_operation operation) {
    (void)slot;
    (void)operation;
    fake_calls.machine_controls++;
    return fake_calls.status;
}
