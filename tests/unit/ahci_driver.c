/* SPDX-License-Identifier: BSD-2-Clause */
/* See ahci_driver.h. */
#include "tests/unit/ahci_driver.h"

#include <string.h>

#include "vmm/platform/layout.h"

uint32_t driver_hba(uint32_t reg) { return (uint32_t)vm_fake_load(LAYOUT_AHCI_BAR + reg, 4); }

void driver_set_hba(uint32_t reg, uint32_t value) {
    vm_fake_store(LAYOUT_AHCI_BAR + reg, 4, value);
}

uint32_t driver_port(uint32_t reg) { return driver_hba(HBA_PORTS + reg); }
void driver_set_port(uint32_t reg, uint32_t value) { driver_set_hba(HBA_PORTS + reg, value); }

void driver_start(void) {
    vm_fake_config_write(LAYOUT_PCI_AHCI, PCI_COMMAND, 7);
    driver_set_hba(HBA_GHC, GHC_AE | GHC_IE);
    driver_set_port(PORT_CLB, DRIVER_LIST);
    driver_set_port(PORT_CLBU, 0);
    driver_set_port(PORT_FB, DRIVER_RECEIVED);
    driver_set_port(PORT_FBU, 0);
    driver_set_port(PORT_SERR, ~0u);
    driver_set_port(PORT_IS, ~0u);
    driver_set_port(PORT_IE, ~0u);
    driver_set_port(PORT_CMD, PXCMD_FRE);
    driver_set_port(PORT_CMD, PXCMD_FRE | PXCMD_ST);
}

void driver_restart(void) {
    driver_set_port(PORT_CMD, PXCMD_FRE);
    if (driver_port(PORT_TFD) & (STATUS_BUSY | STATUS_DATA)) {
        driver_set_port(PORT_SCTL, DET_RESET);
        driver_set_port(PORT_SCTL, DET_NONE);
    }
    driver_set_port(PORT_SERR, ~0u);
    driver_set_port(PORT_IS, ~0u);
    driver_set_port(PORT_CMD, PXCMD_FRE | PXCMD_ST);
}

static uint64_t table(uint32_t slot) { return DRIVER_TABLES + (uint64_t)slot * DRIVER_TABLE; }

void driver_set_prd(uint32_t slot, unsigned number, uint64_t address, uint32_t count) {
    struct ahci_prd prd = { .address = address, .count = count };
    vm_fake_poke(table(slot) + TABLE_PRDT + PRD_BYTES * number, &prd, sizeof(prd));
}

static void put_header(uint32_t slot, uint32_t flags, unsigned regions) {
    struct ahci_header header = {
        .flags = 5 | flags | regions << HEADER_PRDTL_SHIFT, .table = table(slot),
    };
    vm_fake_poke(DRIVER_LIST + HEADER_BYTES * slot, &header, sizeof(header));
}

void driver_command(uint32_t slot, const struct ahci_h2d *fis, uint32_t bytes, unsigned regions) {
    unsigned count = bytes == 0 ? 0 : 1 + regions;
    put_header(slot, 0, count);
    vm_fake_poke(table(slot), fis, sizeof(*fis));
    for (unsigned i = 0; i < count; i++)
        driver_set_prd(slot, i, DRIVER_DATA + 0x1000 * i, bytes - 1);
}

void driver_packet(uint32_t slot, const uint8_t packet[12], uint32_t bytes) {
    struct ahci_h2d fis = driver_fis(ATA_PACKET, 0, 0);
    fis.features = FEATURES_PACKET_DMA;
    driver_command(slot, &fis, bytes, 0);
    put_header(slot, HEADER_ATAPI, bytes == 0 ? 0 : 1);
    vm_fake_poke(table(slot) + TABLE_PACKET, packet, 12);
}

void driver_issue(uint32_t slots) {
    driver_set_port(PORT_CI, slots);
    devices_run(&vm_fake.vm);
}

void driver_issue_queued(uint32_t slots) {
    driver_set_port(PORT_SACT, slots);
    driver_issue(slots);
}

struct ahci_h2d driver_fis(enum ata_command command, uint64_t sector, uint32_t count) {
    struct ahci_h2d fis = {
        .type = FIS_H2D, .flags = H2D_COMMAND, .command = (uint8_t)command,
        .device = DEVICE_LBA, .count = (uint8_t)count, .count_high = (uint8_t)(count >> 8),
    };
    for (unsigned i = 0; i < 3; i++) {
        fis.lba[i] = (uint8_t)(sector >> (8 * i));
        fis.lba_high[i] = (uint8_t)(sector >> (24 + 8 * i));
    }
    return fis;
}

struct ahci_h2d driver_queued_fis(enum ata_command command, uint64_t sector, uint32_t count,
                                  uint32_t tag) {
    struct ahci_h2d fis = driver_fis(command, sector, tag << 3);
    fis.features = (uint8_t)count;
    fis.features_high = (uint8_t)(count >> 8);
    return fis;
}

const uint8_t *driver_ram(uint64_t at, uint64_t size) {
    return guest_range(&vm_fake.vm.memory, (struct gpa){ at }, size);
}

const struct ahci_d2h *driver_received(uint32_t offset) {
    const void *at = driver_ram(DRIVER_RECEIVED + offset, sizeof(struct ahci_d2h));
    return at;
}

uint32_t driver_transferred(uint32_t slot) {
    uint32_t value;
    memcpy(&value, driver_ram(DRIVER_LIST + HEADER_BYTES * slot + HEADER_PRDBC, 4), 4);
    return value;
}
