/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's calls as host tests see them: the same names as lib/call/call.h, which this file
 * replaces through the search path (-Itests/fake before -I.). tests/fake/calls.c counts them and
 * answers from variables that a test sets.
 */
#ifndef BULKHEAD_TESTS_FAKE_CALL_H
#define BULKHEAD_TESTS_FAKE_CALL_H

#include "abi/call.h"

extern struct fake_calls {
    unsigned notified[64];     /* by slot, modulo 64 */
    unsigned notifies;
    void   (*on_notify)(void); /* what another thread does in the middle of a notification */
    unsigned device_controls;
    unsigned compartment_controls;
    unsigned machine_controls;
    int      status;           /* what every call but waits answers */
    uint64_t value;
    uint64_t bits;             /* what waits answer; then zero */
} fake_calls;

int call_notify(uint32_t slot);
int call_wait(uint64_t deadline, uint64_t *bits);
int call_notify_wait(uint32_t slot, uint64_t deadline, uint64_t *bits);
int call_vcpu_run(uint32_t slot, uint64_t deadline, uint64_t *bits);
int call_guest_place(uint32_t slot, uint64_t gpa, uint32_t present);
int call_device_control(uint32_t slot, enum bh_device_operation operation);
int call_device_read(uint32_t slot, enum bh_device_value what, uint64_t argument, uint64_t *value);
int call_compartment_control(uint32_t slot, enum bh_compartment_operation operation,
                             uint64_t *value);
int call_mode_enter(uint32_t slot);
int call_machine_control(uint32_t slot, enum bh_machine_operation operation);

#endif
