/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables of a VM: RSDP, XSDT, FADT, MADT, HPET if there is one, and a DSDT with the PCI
 * host bridge and where its devices' interrupt pins go, the serial port, the clock, the keyboard if
 * there is one and the soft-off state. Pure: fills a buffer.
 *
 * References: ACPI 6.4, sections 4.8.3, 5.2 and 20.2; PCI Firmware 3.0.
 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_FIXUPS    24u
#define ACPI_RSDP_SIZE 36u
#define ACPI_POINTER   UINT32_MAX

struct acpi_machine {
    uint64_t at;                     /* guest-physical place of the tables, on a 16-byte boundary */
    uint32_t hole;                   /* where the window of memory BARs begins */
    unsigned vcpu_count;
    bool     hpet;
    bool     screen;                 /* a VGA and a keyboard */
    bool     fixed_hardware;         /* PM1 registers, 8259s and 8254 (firmware); else reduced */
};

/* What has to be done again when the tables move. */
struct acpi_fixup {
    uint32_t at;                     /* offset in the tables */
    uint32_t start;                  /* ACPI_POINTER: an offset into the tables lies at `at`, to */
    uint32_t size;                   /* which their address is added. Else `at` is the checksum of */
};                                   /* [start, start + size) */

struct acpi_fixups {
    unsigned count;
    struct acpi_fixup fixup[ACPI_FIXUPS];
};

/* Builds everything into `bytes` (the RSDP comes first); answers how many bytes were used, or 0 if
 * there is too little room. */
size_t acpi_build(uint8_t *bytes, size_t size, const struct acpi_machine *machine,
                  struct acpi_fixups *fixups);

#endif
