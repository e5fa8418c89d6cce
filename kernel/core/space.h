/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions, placed at boot and fixed ever after, and what maps them: address spaces of a process, a
 * guest or a device. One builder fills all three; what an entry looks like is the format's business
 * (core/table_format.h). Every leaf maps a region that the plan grants to the space's owner. Tables
 * come from boot memory; guest_place takes pages from the fixed pool of its space.
 */
#pragma once

#include "abi/plan.h"

#include "core/address.h"

/* core/region.c: where each region lies in physical memory. */
void region_install(void);
paddr_t region_base(uint32_t region);

/* Clears and reloads at most `most` bytes of a RAM region from byte `done` on; answers how many
 * bytes of it are done then. */
uint64_t region_reload(uint32_t region, uint64_t done, uint64_t most);

/* core/space.c */
void space_install(void);                  /* all spaces, after region_install */
paddr_t space_root(uint32_t space);        /* the top-level table */

/* Maps or unmaps a region's whole extent in a guest space at run time (guest_place). Validates
 * everything first; BH_E_ARGUMENT when the range is taken by another mapping. The caller does the
 * TLB shootdown. */
enum bh_status space_place(uint32_t space, uint32_t region, gpaddr_t address, uint32_t rights);
enum bh_status space_unplace(uint32_t space, uint32_t region);
uint32_t space_of_placement(uint32_t region);   /* BH_NONE: placed nowhere */

/* For fault messages: the mapping of `space` nearest to `address` (containing it, else the one
 * below, else the one above); BH_NONE when the space is empty. */
uint32_t space_nearest_mapping(uint32_t space, uint64_t address);
