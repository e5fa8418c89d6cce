/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of pass-through need from one another.
 */
#ifndef VMM_PASSTHROUGH_PARTS_H
#define VMM_PASSTHROUGH_PARTS_H

#include "vmm/passthrough/passthrough.h"

enum { POWER_CONTROL = 4, POWER_STATE = 3 };                  /* PM 3.2.4; state 0 is D0 */
enum { PCIE_CONTROL = 8, PCIE_START_FLR_HIGH = 0x80 };        /* PCIe 7.5.3.4; in its high byte */

/* config.c: the space after power-on; BARs from *next up. */
void passthrough_compose(struct passthrough *p, uint64_t *next);

#endif
