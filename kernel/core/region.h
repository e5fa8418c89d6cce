/* SPDX-License-Identifier: BSD-2-Clause */
/* Where each region of the plan lies in physical memory: decided at boot, fixed ever after. */
#ifndef KERNEL_CORE_REGION_H
#define KERNEL_CORE_REGION_H

#include "core/address.h"

void region_install(void);
paddr_t region_base(uint32_t region);

/* The region that holds a physical address, or the nearest below it, for messages; BH_NONE: none. */
uint32_t region_at(paddr_t address);

#endif
