/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's calls. x86-64: SYSCALL with the number in RAX and arguments in RDI, RSI, RDX, R10;
 * answers: RAX = enum bh_status, RDX = the value. RCX and R11 are lost, the rest is kept.
 *
 * `slot` is an index into the caller's own table (abi/plan.h: struct bh_plan_slot). A deadline is
 * an absolute value of the time-stamp counter; 0: already past (poll), BH_FOREVER: never.
 *
 *   call                 arguments                 value
 *   notify               slot                      -
 *   wait                 deadline                  the notification bits, which are then cleared
 *   notify_wait          slot, deadline            as wait; the signal and the sleep are one call
 *   vcpu_run             slot, deadline            as wait; the exit is in the page (abi/vcpu.h)
 *   guest_place          slot, gpa | present       -
 *   device_control       slot, operation           -
 *   device_read          slot, what, argument      the value
 *   compartment_control  slot, operation           the state, for BH_COMPARTMENT_STATE
 *   mode_enter           slot                      -
 *   machine_control      slot, operation           -
 */
#ifndef BULKHEAD_ABI_CALL_H
#define BULKHEAD_ABI_CALL_H

#include "base.h"

enum bh_call {
    BH_CALL_NOTIFY              = 0,
    BH_CALL_WAIT                = 1,   /* BH_E_TIMEOUT when the deadline passed without a bit */
    BH_CALL_NOTIFY_WAIT         = 2,
    BH_CALL_VCPU_RUN            = 3,   /* BH_E_TIMEOUT at a halt that outlasted the deadline */
    BH_CALL_GUEST_PLACE         = 4,   /* a BH_SLOT_PLACE; gpa page-aligned, bit 0: 1 maps, 0 unmaps */
    BH_CALL_DEVICE_CONTROL      = 5,
    BH_CALL_DEVICE_READ         = 6,
    BH_CALL_COMPARTMENT_CONTROL = 7,
    BH_CALL_MODE_ENTER          = 8,
    BH_CALL_MACHINE_CONTROL     = 9,
    BH_CALL_COUNT
};

#define BH_FOREVER 0xffffffffffffffffull

enum bh_device_operation {             /* bit n of the slot's rights allows operation n */
    BH_DEVICE_BUS_MASTER_OFF = 0,
    BH_DEVICE_BUS_MASTER_ON  = 1,
    BH_DEVICE_RESET          = 2,      /* starts the whole ladder, which leaves bus mastering off;
                                          each device_read of the state then takes it a step on */
    BH_DEVICE_READ           = 3,      /* allows device_read */
};

enum bh_device_value {                 /* `what` of device_read */
    BH_DEVICE_ID             = 0,      /* vendor | device << 16 */
    BH_DEVICE_BAR_SIZE       = 1,      /* argument: BAR 0..5; bytes, 0: none */
    BH_DEVICE_STATE          = 2,      /* enum bh_device_state */
    BH_DEVICE_CONFIG         = 3,      /* argument: dword offset 0..1023 of its configuration space */
    BH_DEVICE_BUS_ADDRESS    = 4,      /* argument: an address of its space; where the device finds it:
                                          there, or, for an unsafe one without IOMMU, in memory */
};

enum bh_device_state {
    BH_DEVICE_ABSENT      = 0,
    BH_DEVICE_QUIET       = 1,         /* bus mastering off */
    BH_DEVICE_ACTIVE      = 2,         /* bus mastering on */
    BH_DEVICE_BLOCKED     = 3,         /* turned off after too many faults; a reset mends it */
    BH_DEVICE_QUARANTINED = 4,         /* could not be reset: an empty device space for ever */
    BH_DEVICE_RESETTING   = 5,         /* on its way to QUIET or QUARANTINED: ask again later */
};

enum bh_compartment_operation {        /* bit n of the slot's rights allows operation n */
    BH_COMPARTMENT_STATE  = 0,
    BH_COMPARTMENT_RUN    = 1,         /* from STOPPED or FAULTED: reset first, then run */
    BH_COMPARTMENT_STOP   = 2,
    BH_COMPARTMENT_RESET  = 3,         /* stop, clear, reload, run */
};

enum bh_compartment_state {
    BH_COMPARTMENT_STOPPED   = 0,
    BH_COMPARTMENT_RUNNING   = 1,
    BH_COMPARTMENT_FAULTED   = 2,      /* stopped by the kernel: see its fault counters */
    BH_COMPARTMENT_RESETTING = 3,
};

enum bh_machine_operation {            /* bit n of the slot's rights allows operation n */
    BH_MACHINE_REBOOT   = 0,
    BH_MACHINE_POWEROFF = 1,
};

#endif
