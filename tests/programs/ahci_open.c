/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of F6: an AHCI controller that believes its driver (vmm/ahci/rules.c). */
#include "vmm/ahci/parts.h"

uint32_t ahci_regions(const struct ahci_command *command) {
    return command->descriptors;
}
