/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of the emulated AHCI controller's first port, and the multiplexer behind it, for unit
 * tests and fuzz targets.
 */
#ifndef BULKHEAD_TESTS_AHCI_DRIVER_H
#define BULKHEAD_TESTS_AHCI_DRIVER_H

#include "tests/unit/mux_fake.h"
#include "tests/unit/vm_fake.h"
#include "vmm/ahci/ata.h"

enum {
    DRIVER_LIST = 0x100000, DRIVER_RECEIVED = 0x100400, DRIVER_TABLES = 0x110000,
    DRIVER_TABLE = 0x2000,           /* bytes of each slot's command table */
    DRIVER_DATA = 0x200000, DRIVER_SECTORS = 100000,
};

uint32_t driver_hba(uint32_t reg);
void driver_set_hba(uint32_t reg, uint32_t value);
uint32_t driver_port(uint32_t reg);
void driver_set_port(uint32_t reg, uint32_t value);

/* As a driver sets the port up: memory, FIS received, all causes unmasked, started. */
void driver_start(void);
/* As a driver does after an error (AHCI, "Non-Queued Error Recovery"). */
void driver_restart(void);

/* Slot `slot`'s command, its data in one region at DRIVER_DATA, or in `regions` more of DRIVER_DATA
 * + n * 0x1000 of as many bytes; none if `bytes` is zero. */
void driver_command(uint32_t slot, const struct ahci_h2d *fis, uint32_t bytes, unsigned regions);
void driver_packet(uint32_t slot, const uint8_t packet[12], uint32_t bytes);
void driver_set_prd(uint32_t slot, unsigned number, uint64_t address, uint32_t count);

/* Issues slots, and lets the I/O thread work. */
void driver_issue(uint32_t slots);
void driver_issue_queued(uint32_t slots);

/* A command's FIS; 48-bit form, LBA bit set. */
struct ahci_h2d driver_fis(enum ata_command command, uint64_t sector, uint32_t count);
struct ahci_h2d driver_queued_fis(enum ata_command command, uint64_t sector, uint32_t count,
                                  uint32_t tag);

const uint8_t *driver_ram(uint64_t at, uint64_t size);
const struct ahci_d2h *driver_received(uint32_t offset);
uint32_t driver_transferred(uint32_t slot);

#endif
