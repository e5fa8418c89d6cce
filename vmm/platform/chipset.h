/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chips that firmware knows its machine by: Intel's 440FX as host bridge and, of the PIIX4, the
 * ISA bridge and the power management function. Configuration spaces only: what their registers
 * would route or open is fixed here. State under the device lock.
 *
 * References: Intel 82441FX data sheet (290549) 3.2; Intel 82371AB data sheet (290562) 4 and 7.
 */
#ifndef VMM_CHIPSET_H
#define VMM_CHIPSET_H

#include "vmm/platform/pci.h"

#define CHIPSET_ISA_DEVICE     31u
#define CHIPSET_POWER_DEVICE   1u    /* beside whatever is function 0 there, which says that it is */
#define CHIPSET_POWER_FUNCTION 3u    /* alone: only OVMF looks, and knows the place */

struct chipset {
    struct pci_function host;
    struct pci_function isa;
    struct pci_function power;
};

void chipset_create(struct chipset *chipset);

/* The function of that number on bus 0, or NULL. */
struct pci_function *chipset_function(struct chipset *chipset, unsigned device, unsigned function);

#endif
