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
 *   vcpu_run             slot, deadline            enum bh_exit (abi/vcpu.h)
 *   guest_place          slot, gpa | present       -
 *   irq_ack              slot                      -
 *   device_control       slot, operation           -
 *   device_read          slot, what, argument      the value
 *   compartment_control  slot, operation           the state, for BH_COMPARTMENT_STATE
 *   mode_enter           slot                      -
 *   machine_control      slot, operation           -
 *   counter_read         slot, class, object, counter    the counter
 */
#ifndef BULKHEAD_ABI_CALL_H
#define BULKHEAD_ABI_CALL_H

#include "base.h"

enum bh_call {
    BH_CALL_NOTIFY              = 0,
    BH_CALL_WAIT                = 1,   /* BH_E_TIMEOUT when the deadline passed without a bit */
    BH_CALL_NOTIFY_WAIT         = 2,
    BH_CALL_VCPU_RUN            = 3,
    BH_CALL_GUEST_PLACE         = 4,   /* a BH_SLOT_PLACE; gpa page-aligned, bit 0: 1 maps, 0 unmaps */
    BH_CALL_IRQ_ACK             = 5,   /* unmasks, and restarts the source's delivery count */
    BH_CALL_DEVICE_CONTROL      = 6,
    BH_CALL_DEVICE_READ         = 7,
    BH_CALL_COMPARTMENT_CONTROL = 8,
    BH_CALL_MODE_ENTER          = 9,
    BH_CALL_MACHINE_CONTROL     = 10,
    BH_CALL_COUNTER_READ        = 11,
    BH_CALL_COUNT
};

#define BH_FOREVER 0xffffffffffffffffull

enum bh_device_operation {             /* bit n of the slot's rights allows operation n */
    BH_DEVICE_BUS_MASTER_OFF = 0,
    BH_DEVICE_BUS_MASTER_ON  = 1,
    BH_DEVICE_RESET          = 2,      /* starts the whole ladder, which leaves bus mastering off;
                                          each device_read of the state then takes it a step on */
    BH_DEVICE_MASK           = 3,      /* all its interrupts */
    BH_DEVICE_UNMASK         = 4,
    BH_DEVICE_READ           = 5,      /* allows device_read */
};

enum bh_device_value {                 /* `what` of device_read */
    BH_DEVICE_ID             = 0,      /* vendor | device << 16 */
    BH_DEVICE_CLASS          = 1,      /* class code << 8 | revision */
    BH_DEVICE_BAR_SIZE       = 2,      /* argument: BAR 0..5; bytes, 0: none */
    BH_DEVICE_STATE          = 3,      /* enum bh_device_state */
    BH_DEVICE_CONFIG         = 4,      /* argument: dword offset 0..1023 of its configuration space */
    BH_DEVICE_BUS_ADDRESS    = 5,      /* argument: an address of its space; where the device finds it:
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

/* counter_read: class, object (index in the plan's table), counter. */
enum bh_counter_class {
    BH_COUNTERS_MACHINE     = 0,       /* object 0 */
    BH_COUNTERS_CORE        = 1,
    BH_COUNTERS_COMPARTMENT = 2,
    BH_COUNTERS_THREAD      = 3,
    BH_COUNTERS_VCPU        = 4,
    BH_COUNTERS_DEVICE      = 5,
    BH_COUNTERS_INTERRUPT   = 6,
};

enum bh_machine_counter {
    BH_MACHINE_TSC_KHZ       = 0,
    BH_MACHINE_BOOT_TIME     = 1,      /* Unix seconds at TSC = BH_MACHINE_BOOT_TSC */
    BH_MACHINE_BOOT_TSC      = 2,
    BH_MACHINE_CORES         = 3,
    BH_MACHINE_MODE          = 4,
    BH_MACHINE_IOMMU         = 5,      /* 0 none, 1 VT-d, 2 AMD-Vi */
    BH_MACHINE_MEMORY        = 6,      /* bytes of usable RAM found */
    BH_MACHINE_MEMORY_USED   = 7,      /* bytes taken by the kernel, its tables and all regions */
    BH_MACHINE_STRAY_FAULTS  = 8,      /* IOMMU faults by requesters that the plan doesn't name */
    BH_MACHINE_STRAY_REQUESTER = 9,    /* the last such requester id */
    BH_MACHINE_NMIS          = 10,     /* on any core, survived */
    BH_MACHINE_CHECKS        = 11,     /* machine checks, likewise */
    BH_MACHINE_COUNTERS
};

enum bh_core_counter {
    BH_CORE_IDLE_TICKS       = 0,      /* TSC ticks without a thread to run */
    BH_CORE_SWITCHES         = 1,
    BH_CORE_INTERRUPTS       = 2,
    BH_CORE_COUNTERS
};

enum bh_compartment_counter {
    BH_COMPARTMENT_COUNT_STATE  = 0,   /* enum bh_compartment_state */
    BH_COMPARTMENT_STARTS       = 1,
    BH_COMPARTMENT_FAULTS       = 2,
    BH_COMPARTMENT_FAULT_VECTOR = 3,   /* of the last fault: x86 exception vector */
    BH_COMPARTMENT_FAULT_RIP    = 4,
    BH_COMPARTMENT_FAULT_ADDRESS = 5,  /* CR2 for a page fault */
    BH_COMPARTMENT_FAULT_THREAD = 6,
    BH_COMPARTMENT_COUNTERS
};

enum bh_thread_counter {
    BH_THREAD_TICKS          = 0,      /* TSC ticks run, guest time included */
    BH_THREAD_CALLS          = 1,
    BH_THREAD_EXHAUSTED      = 2,      /* times that the budget ran out */
    BH_THREAD_CORE           = 3,
    BH_THREAD_PRIORITY       = 4,
    BH_THREAD_COUNTERS
};

enum bh_vcpu_counter {
    BH_VCPU_EXITS            = 0,      /* exits handed to the VMM */
    BH_VCPU_DOORBELLS        = 1,
    BH_VCPU_KERNEL_EXITS     = 2,      /* exits that the kernel handled itself */
    BH_VCPU_COUNTERS
};

enum bh_device_counter {
    BH_DEVICE_COUNT_STATE    = 0,      /* enum bh_device_state */
    BH_DEVICE_FAULTS         = 1,      /* DMA faults */
    BH_DEVICE_FAULT_ADDRESS  = 2,      /* of the last one: IOVA */
    BH_DEVICE_FAULT_REASON   = 3,      /* the IOMMU's own code */
    BH_DEVICE_FAULT_WRITE    = 4,      /* 1: the device wrote */
    BH_DEVICE_REMAP_FAULTS   = 5,      /* interrupt remapping faults */
    BH_DEVICE_RESETS         = 6,
    BH_DEVICE_COUNTERS
};

enum bh_interrupt_counter {
    BH_INTERRUPT_DELIVERED   = 0,
    BH_INTERRUPT_STORMS      = 1,      /* times that it was masked for exceeding its limit */
    BH_INTERRUPT_COUNTERS
};

#endif
