/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one interface to whichever DMA-remapping unit the machine has (vtd*.c, amdvi*.c).
 * Deny by default: a requester that was not attached reaches nothing and interrupts nobody. Called
 * at boot on one core, afterwards with device_lock (core/device_state.h) held, but for
 * iommu_fault_interrupt.
 */
#pragma once

#include "core/address.h"

enum iommu_kind { IOMMU_NONE, IOMMU_VTD, IOMMU_AMDVI };

/* Finds and takes over the unit(s): deny-all tables and interrupt remapping on before it returns.
 * When there is no usable one the reason is logged, and the kind is IOMMU_NONE. */
void iommu_install(void);
enum iommu_kind iommu_kind(void);
/* Why this requester can't be confined, for people; 0: it can. */
const char *iommu_refuses(uint32_t requester_id);
bool iommu_owns_registers(uint64_t base, uint64_t size);    /* does the range meet a unit's? */

/* Each returns after the unit confirmed; false: it didn't within its bounded time. */
bool iommu_attach(uint32_t requester_id, uint32_t space, paddr_t root);
bool iommu_detach(uint32_t requester_id, uint32_t space);   /* deny, invalidate, wait */

/* Interrupt remapping entries: `entry` is VT-d's index, `vector` that in the requester's own table
 * of AMD-Vi. The address and data words to put into the device (or, for the I/O APIC, the
 * redirection entry) are answered. */
struct iommu_message { uint64_t address; uint32_t data; };
bool iommu_interrupt_set(uint32_t entry, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                         struct iommu_message *message);
bool iommu_interrupt_clear(uint32_t entry);                 /* absent, invalidated, drained */
uint32_t iommu_ioapic_requester(uint32_t ioapic_id);        /* BH_NONE: unknown */

void iommu_fault_interrupt(void);     /* reads, attributes (device_fault), bounded */
void iommu_ignore_faults(uint32_t requester_id, bool ignore);
