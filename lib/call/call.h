/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's calls as inline functions, one each; abi/call.h says what they do. Every answer is
 * an enum bh_status; a value comes through a pointer, written only when the status is BH_OK (and
 * for waits: the bits, zero after a time-out). The only file of lib/ that holds a SYSCALL: host
 * tests put tests/fake/lib/call/call.h before it in the search path.
 */
#ifndef BULKHEAD_LIB_CALL_H
#define BULKHEAD_LIB_CALL_H

#include "abi/call.h"

struct call_answer {
    int64_t  status;
    uint64_t value;
};

static inline struct call_answer call_kernel(uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                                             uint64_t d) {
    struct call_answer answer;
    register uint64_t r10 __asm__("r10") = d;
    uint64_t rdx = c;

    __asm__ volatile("syscall"
                     : "=a"(answer.status), "+d"(rdx)
                     : "0"(number), "D"(a), "S"(b), "r"(r10)
                     : "rcx", "r11", "memory");
    answer.value = rdx;
    return answer;
}

static inline int call_notify(uint32_t slot) {
    return (int)call_kernel(BH_CALL_NOTIFY, slot, 0, 0, 0).status;
}

static inline int call_wait(uint64_t deadline, uint64_t *bits) {
    struct call_answer answer = call_kernel(BH_CALL_WAIT, deadline, 0, 0, 0);

    *bits = answer.status == BH_OK ? answer.value : 0;
    return (int)answer.status;
}

static inline int call_notify_wait(uint32_t slot, uint64_t deadline, uint64_t *bits) {
    struct call_answer answer = call_kernel(BH_CALL_NOTIFY_WAIT, slot, deadline, 0, 0);

    *bits = answer.status == BH_OK ? answer.value : 0;
    return (int)answer.status;
}

/* Why it came back is in the page; a deadline that passed is no error. */
static inline int call_vcpu_run(uint32_t slot, uint64_t deadline, uint64_t *bits) {
    struct call_answer answer = call_kernel(BH_CALL_VCPU_RUN, slot, deadline, 0, 0);

    *bits = answer.status == BH_OK ? answer.value : 0;
    return answer.status == BH_E_TIMEOUT ? BH_OK : (int)answer.status;
}

static inline int call_guest_place(uint32_t slot, uint64_t gpa, uint32_t present) {
    return (int)call_kernel(BH_CALL_GUEST_PLACE, slot, gpa | (present & 1u), 0, 0).status;
}

static inline int call_device_control(uint32_t slot, enum bh_device_operation operation) {
    return (int)call_kernel(BH_CALL_DEVICE_CONTROL, slot, operation, 0, 0).status;
}

static inline int call_device_read(uint32_t slot, enum bh_device_value what, uint64_t argument,
                                   uint64_t *value) {
    struct call_answer answer = call_kernel(BH_CALL_DEVICE_READ, slot, what, argument, 0);

    *value = answer.status == BH_OK ? answer.value : 0;
    return (int)answer.status;
}

static inline int call_compartment_control(uint32_t slot, enum bh_compartment_operation operation,
                                           uint64_t *value) {
    struct call_answer answer = call_kernel(BH_CALL_COMPARTMENT_CONTROL, slot, operation, 0, 0);

    *value = answer.status == BH_OK ? answer.value : 0;
    return (int)answer.status;
}

static inline int call_mode_enter(uint32_t slot) {
    return (int)call_kernel(BH_CALL_MODE_ENTER, slot, 0, 0, 0).status;
}

static inline int call_machine_control(uint32_t slot, enum bh_machine_operation operation) {
    return (int)call_kernel(BH_CALL_MACHINE_CONTROL, slot, operation, 0, 0).status;
}

#endif
