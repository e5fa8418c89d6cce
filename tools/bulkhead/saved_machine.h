/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listing as a machine that the kernel's own code runs on: its enumeration of PCI, its isolation
 * groups, its choice of a reset, its reading of the firmware's IOMMU tables and its refusals. So
 * what the tool says of a machine is what the kernel will say on it. There is one such machine at a
 * time.
 */
#ifndef TOOLS_BULKHEAD_SAVED_MACHINE_H
#define TOOLS_BULKHEAD_SAVED_MACHINE_H

#include "core/plan_check.h"
#include "listing.h"

/* Runs the kernel's discovery over the listing, which stays until saved_machine_close. False: the
 * kernel couldn't use such a machine; *why says so. */
bool saved_machine_open(const struct listing *listing, const char **why);
void saved_machine_close(void);

/* What keeps the IOMMU from being used, for people; NULL: nothing. */
const char *saved_machine_iommu(void);

/* Why the DMA of function `index` (pci/pci.h) can't be confined; NULL: it can. */
const char *saved_machine_unconfined(uint32_t index);

/* May the owner of the function map these pages of its BAR? */
bool saved_machine_maps(uint32_t index, uint32_t bar, uint64_t offset, uint64_t size);

/* The RAM or the registers of the platform that the range meets, for people; NULL: none. */
const char *saved_machine_platform(uint64_t base, uint64_t size);

/* Offers the plan to the kernel's own device_install. NULL: it takes it, or it has virtual
 * functions, which a listing doesn't show; else its last words. */
const char *saved_machine_refuses(const struct plan_view *plan);

#endif
