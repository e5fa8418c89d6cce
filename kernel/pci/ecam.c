/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space through ECAM (PCIe 7.2.2): the only way to it in this kernel, mapped by
 * nobody else. An access outside of the buses that the firmware declared, or across a function's
 * end, is an invariant violation, because no caller takes bus numbers from anybody but this kernel.
 */
#include "pci/pci.h"

#include "core/log.h"
#include "x86/acpi.h"

enum { BUS_SIZE = 1 << 20, FUNCTIONS_PER_BUS = 256 };

/* MCFG (PCI Firmware 3.3, 4.1.2): its first entry. */
enum { MCFG_BASE = 44, MCFG_SEGMENT = 52, MCFG_FIRST_BUS = 54, MCFG_LAST_BUS = 55, MCFG_END = 60 };

static volatile uint8_t *ecam;
static uint64_t ecam_base, ecam_size;
static uint32_t first_bus, last_bus;

bool pci_ecam_install(void) {
    struct bytes mcfg = acpi_table("MCFG");
    uint64_t base = bytes_number(mcfg, MCFG_BASE, 8);
    first_bus = (uint32_t)bytes_number(mcfg, MCFG_FIRST_BUS, 1);
    last_bus = (uint32_t)bytes_number(mcfg, MCFG_LAST_BUS, 1);
    if (mcfg.length < MCFG_END || base == 0 || first_bus > last_bus ||
        bytes_number(mcfg, MCFG_SEGMENT, 2) != 0)
        return false;
    ecam_base = base + (uint64_t)first_bus * BUS_SIZE;
    ecam_size = (uint64_t)(last_bus - first_bus + 1) * BUS_SIZE;
    ecam = physical_registers(paddr(ecam_base), ecam_size);
    return true;
}

bool pci_bus_exists(uint32_t bus) { return ecam != 0 && bus >= first_bus && bus <= last_bus; }

bool pci_ecam_overlaps(uint64_t base, uint64_t size) {
    return base < ecam_base + ecam_size && ecam_base < base + size;
}

static volatile void *config_at(uint32_t requester_id, uint32_t offset, uint32_t width) {
    bool in_function = offset % width == 0 && offset <= PCI_CONFIG_SIZE - width;
    INVARIANT(pci_bus_exists(requester_id / FUNCTIONS_PER_BUS) && in_function);
    uint64_t function = requester_id - first_bus * FUNCTIONS_PER_BUS;
    return ecam + function * PCI_CONFIG_SIZE + offset;
}

uint32_t pci_read(uint32_t requester_id, uint32_t offset, uint32_t width) {
    volatile void *at = config_at(requester_id, offset, width);
    return width == 1 ? *(volatile uint8_t *)at : width == 2 ? *(volatile uint16_t *)at :
           *(volatile uint32_t *)at;
}

void pci_write(uint32_t requester_id, uint32_t offset, uint32_t width, uint32_t value) {
    volatile void *at = config_at(requester_id, offset, width);
    if (width == 2)
        *(volatile uint16_t *)at = (uint16_t)value;
    else
        *(volatile uint32_t *)at = value;
}

void pci_change(uint32_t requester_id, uint32_t offset, uint32_t clear, uint32_t set) {
    pci_write(requester_id, offset, 2, (pci_read(requester_id, offset, 2) & ~clear) | set);
}
