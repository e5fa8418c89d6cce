/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables that the kernel needs (ACPI 6.4 section 5.2): found once at boot, checked (signature,
 * length, checksum), then read. The tables are the firmware's: trusted to describe the hardware,
 * not to be well-formed.
 */
#pragma once

#include "abi/plan.h"

#include "core/address.h"
#include "core/bytes.h"

void acpi_install(paddr_t rsdp);                       /* paddr(0): search the BIOS area */
struct bytes acpi_table(const char signature[4]);      /* of length 0 when absent */

/* MADT */
enum { ACPI_ISA_LINES = 16 };
extern struct acpi {
    uint32_t core_count;                               /* enabled local APICs, at most BH_MAX_CORES */
    uint32_t core_apic_id[BH_MAX_CORES];               /* core 0 is whichever boots */
    uint32_t ioapic_id;                                /* the one with GSI 0 */
    paddr_t  ioapic;                                   /* its registers; 0: there is none */
    uint32_t isa_gsi[ACPI_ISA_LINES];                  /* source overrides applied */
} acpi;
/* FADT: for machine_control. */
void acpi_poweroff(void);
void acpi_reboot(void);
