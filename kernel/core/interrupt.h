/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of devices: MSI and MSI-X through the remapping unit, ISA lines through the I/O APIC.
 * Each sets the bits of one channel; each has a limit, above which it is masked for a while.
 */
#pragma once

#include "abi/call.h"

#include "iommu/iommu.h"

/* Vectors: 0x30..0xef devices (the same on every core), above that the kernel's own. */
enum interrupt_vector {
    VECTOR_DEVICE_FIRST = 0x30,
    VECTOR_DEVICE_LAST  = 0xef,
    VECTOR_TIMER        = 0xf0,
    VECTOR_RESCHEDULE   = 0xf1,   /* another core has work for this one */
    VECTOR_IOMMU_FAULT  = 0xf2,   /* calls iommu_fault_interrupt() */
    VECTOR_STOP         = 0xf3,   /* panic on another core */
    VECTOR_SPURIOUS     = 0xff,
};

void interrupt_install(void);                 /* all of the plan, masked until their owner starts */
void interrupt_deliver(uint32_t vector);      /* on the core that got it; the caller does the EOI */
uint64_t interrupt_expire(uint64_t now);      /* ends masks; answers the tick of the next such end */
void interrupt_retarget(void);                /* after a mode change: to the cores of their threads */

/* ISA lines, as the architecture delivers them, and where a core's interrupts are sent. Implemented
 * in x86/interrupt_line.c by the I/O APIC. Called with device_lock held. */

/* All lines masked; false: this machine has no controller for them. */
bool interrupt_line_install(void);
uint32_t interrupt_line_requester(void);       /* under which its messages appear; BH_NONE: unknown */
/* The line as an edge, sent as `message`; stays masked. */
void interrupt_line_set(uint32_t line, uint32_t vector, const struct iommu_message *message);
void interrupt_line_mask(uint32_t line, bool masked);

uint32_t interrupt_target(uint32_t core);      /* the address of a logical core in messages */
