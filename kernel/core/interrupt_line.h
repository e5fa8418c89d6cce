/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISA interrupt lines, as the architecture delivers them, and where a core's interrupts are sent.
 * Implemented in x86/interrupt_line.c by the I/O APIC. Called with device_lock held.
 */
#pragma once

#include "abi/base.h"

#include "iommu/iommu.h"

/* All lines masked; false: this machine has no controller for them. */
bool interrupt_line_install(void);
uint32_t interrupt_line_requester(void);       /* under which its messages appear; BH_NONE: unknown */
/* The line as an edge, sent as `message`; stays masked. */
void interrupt_line_set(uint32_t line, uint32_t vector, const struct iommu_message *message);
void interrupt_line_mask(uint32_t line, bool masked);

uint32_t interrupt_target(uint32_t core);      /* the address of a logical core in messages */
