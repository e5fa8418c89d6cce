/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables that the kernel needs (ACPI 6.4 section 5.2): found once at boot, checked (signature,
 * length, checksum), then read. The tables are the firmware's: trusted to describe the hardware,
 * not to be well-formed.
 */
#pragma once

#include "core/address.h"

void acpi_install(paddr_t rsdp);                       /* paddr(0): search the BIOS area */
const void *acpi_table(const char signature[4], uint32_t *length);  /* 0 when absent */

/* MADT */
uint32_t acpi_core_count(void);                        /* enabled local APICs, at most BH_MAX_CORES */
uint32_t acpi_core_apic_id(uint32_t core);             /* core 0 is whichever boots */
bool acpi_ioapic(uint32_t *id, paddr_t *registers);    /* the one with GSI 0 */
uint32_t acpi_isa_gsi(uint32_t isa_line);              /* source overrides applied */
/* MCFG */
bool acpi_ecam(paddr_t *base, uint32_t *first_bus, uint32_t *last_bus);   /* of segment 0 */
/* FADT: for machine_control. */
void acpi_poweroff(void);
void acpi_reboot(void);
