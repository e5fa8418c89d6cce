/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of a command's descriptor table is believed. The guest writes it. A file of its own, so
 * that the red team's control can be built without it.
 */
#include "vmm/ahci/parts.h"

uint32_t ahci_regions(const struct ahci_command *command) {
    return command->descriptors < AHCI_PRDS ? command->descriptors : AHCI_PRDS;
}
