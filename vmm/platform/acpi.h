/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables of a VM: RSDP, XSDT, FADT (hardware-reduced), MADT and a DSDT with the PCI host
 * bridge and where its devices' interrupt pins go, the serial port, the clock and the soft-off
 * state. Pure: fills a buffer.
 *
 * References: ACPI 6.4, sections 4.8.3, 5.2 and 20.2; PCI Firmware 3.0.
 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include <stddef.h>
#include <stdint.h>

/* Builds everything into `bytes` as the guest sees it at guest-physical `at` (the RSDP comes first,
 * on a 16-byte boundary); answers how many bytes were used, or 0 if `size` is too small. */
size_t acpi_build(uint8_t *bytes, size_t size, uint64_t at, unsigned vcpu_count);

#endif
