/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space through ECAM (PCIe 7.2.2): the only way to it in this kernel, mapped by nobody
 * else. An access outside of the buses that the firmware declared, or across a function's end, is
 * an invariant violation, because no caller takes bus numbers from anybody but this kernel.
 */
#include "pci/pci.h"

#include "core/log.h"
#include "x86/acpi.h"

enum { ECAM_BUS_SIZE = 1 << 20, FUNCTIONS_PER_BUS = 256 };

static volatile uint8_t *ecam;
static uint64_t ecam_base;
static uint32_t ecam_first_bus, ecam_last_bus;

bool pci_ecam_install(void)
{
    uint32_t segment;
    paddr_t base;
    if (!acpi_ecam(&segment, &base, &ecam_first_bus, &ecam_last_bus) || segment != 0)
        return false;
    uint64_t size = (uint64_t)(ecam_last_bus - ecam_first_bus + 1) * ECAM_BUS_SIZE;
    ecam_base = base.value + (uint64_t)ecam_first_bus * ECAM_BUS_SIZE;
    ecam = physical_registers(paddr(ecam_base), size);
    return true;
}

bool pci_bus_exists(uint32_t bus)
{
    return bus >= ecam_first_bus && bus <= ecam_last_bus;
}

uint32_t pci_last_bus(void)
{
    return ecam_last_bus;
}

bool pci_ecam_overlaps(uint64_t base, uint64_t size)
{
    uint64_t ecam_size = (uint64_t)(ecam_last_bus - ecam_first_bus + 1) * ECAM_BUS_SIZE;
    return base < ecam_base + ecam_size && ecam_base < base + size;
}

static volatile void *config_at(uint32_t requester_id, uint32_t offset, uint32_t width)
{
    uint32_t bus = requester_id / FUNCTIONS_PER_BUS;
    bool in_function = offset % width == 0 && offset <= PCI_CONFIG_SIZE - width;
    INVARIANT(ecam != 0 && pci_bus_exists(bus) && in_function);
    uint64_t function = requester_id - ecam_first_bus * FUNCTIONS_PER_BUS;
    return ecam + function * PCI_CONFIG_SIZE + offset;
}

uint8_t pci_read8(uint32_t requester_id, uint32_t offset)
{
    return *(volatile uint8_t *)config_at(requester_id, offset, 1);
}

uint16_t pci_read16(uint32_t requester_id, uint32_t offset)
{
    return *(volatile uint16_t *)config_at(requester_id, offset, 2);
}

uint32_t pci_read32(uint32_t requester_id, uint32_t offset)
{
    return *(volatile uint32_t *)config_at(requester_id, offset, 4);
}

void pci_write8(uint32_t requester_id, uint32_t offset, uint8_t value)
{
    *(volatile uint8_t *)config_at(requester_id, offset, 1) = value;
}

void pci_write16(uint32_t requester_id, uint32_t offset, uint16_t value)
{
    *(volatile uint16_t *)config_at(requester_id, offset, 2) = value;
}

void pci_write32(uint32_t requester_id, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)config_at(requester_id, offset, 4) = value;
}
