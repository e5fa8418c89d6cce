/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel shows to those who have it mapped. A BH_REGION_LOG: the framebuffer that the boot
 * loader left, which doesn't change after the start, and the kernel's log: a ring of text bytes that only
 * the kernel writes. Lines end in '\n'. A reader keeps its own position, a count of bytes since
 * boot; the byte at position p is text[p % BH_LOG_BYTES]. Read `written` (acquire), copy, read
 * `written` again: whatever is more than BH_LOG_BYTES behind was overwritten meanwhile.
 */
#ifndef BULKHEAD_ABI_INFO_H
#define BULKHEAD_ABI_INFO_H

#include "plan.h"

#define BH_LOG_REGION_SIZE (16u * BH_PAGE_SIZE)
#define BH_LOG_BYTES       (BH_LOG_REGION_SIZE - BH_PAGE_SIZE)

/* As the loader told it, unchecked (Multiboot 2, 3.6.12); address 0: it told none. */
struct bh_framebuffer {
    uint64_t address;                               /* physical */
    uint32_t pitch;                                 /* bytes from one line to the next */
    uint32_t width, height;                         /* pixels */
    uint8_t  bits;                                  /* of a pixel */
    uint8_t  type;                                  /* 1: red, green and blue */
    uint16_t reserved0;
    uint8_t  red_at, red_bits;                      /* lowest bit of a colour in a pixel */
    uint8_t  green_at, green_bits;
    uint8_t  blue_at, blue_bits;
    uint16_t reserved1;
};

struct bh_log {
    uint64_t written;                               /* bytes since boot */
    struct bh_framebuffer framebuffer;
    uint8_t  reserved[BH_PAGE_SIZE - sizeof(uint64_t) - sizeof(struct bh_framebuffer)];
    char     text[BH_LOG_BYTES];
};

enum bh_machine_counter {
    BH_MACHINE_TSC_KHZ       = 0,
    BH_MACHINE_BOOT_TIME     = 1,      /* at TSC = BH_MACHINE_BOOT_TSC, as the firmware's clock has
                                          it: year (of 100, bits 47:40), month, day, hour, minute,
                                          second (bits 7:0), a byte each: binary-coded decimals */
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
    BH_CORE_IDLE_SINCE       = 3,      /* 0: not idle; else the tick up to which IDLE_TICKS counts */
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

struct bh_counters {
    uint64_t machine[BH_MACHINE_COUNTERS];
    uint64_t core[BH_MAX_CORES][BH_CORE_COUNTERS];
    uint64_t compartment[BH_MAX_COMPARTMENTS][BH_COMPARTMENT_COUNTERS];
    uint64_t thread[BH_MAX_THREADS][BH_THREAD_COUNTERS];
    uint64_t vcpu[BH_MAX_VCPUS][BH_VCPU_COUNTERS];
    uint64_t device[BH_MAX_DEVICES][BH_DEVICE_COUNTERS];
    uint64_t interrupt[BH_MAX_INTERRUPTS][BH_INTERRUPT_COUNTERS];
} __attribute__((aligned(BH_PAGE_SIZE)));     /* whole pages: nothing else is in its mapping */

_Static_assert(sizeof(struct bh_framebuffer) == 32, "as in the loader's tag");
_Static_assert(sizeof(struct bh_log) == BH_LOG_REGION_SIZE, "log layout");

#endif
