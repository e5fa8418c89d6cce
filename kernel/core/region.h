/* SPDX-License-Identifier: BSD-2-Clause */
/* Where each region of the plan lies in physical memory: decided at boot, fixed ever after. */
#pragma once

#include "core/address.h"

void region_install(void);
paddr_t region_base(uint32_t region);

/* Clears and reloads at most `most` bytes of a RAM region from byte `done` on; answers how many
 * bytes of it are done then. */
uint64_t region_reload(uint32_t region, uint64_t done, uint64_t most);
