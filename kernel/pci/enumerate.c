/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds every function on every bus that the firmware set up, turns its bus mastering and its INTx
 * line off before anything else (a device may have been left running), and sizes its BARs. Bus
 * numbers and BARs stay as the firmware set them. Trusts the firmware's numbering, no device.
 */
#include "pci/pci.h"

#include "core/log.h"

enum {
    DEVICES_PER_BUS = 32, FUNCTIONS_PER_DEVICE = 8,
    NO_VENDOR = 0xffff,
    HEADER_KIND_MASK = 0x7f, HEADER_BRIDGE = 1, HEADER_MULTI = 0x80,
    CLASS_UNIT = 1 << 24, CLASS_BRIDGE = 0x06,
};

/* BAR bits (PCI 6.2.5.1). */
enum { BAR_PORTS = 1u << 0, BAR_TYPE_MASK = 3u << 1, BAR_TYPE_64 = 2u << 1, BAR_FLAGS_MEMORY = 0xf,
       BAR_FLAGS_PORTS = 3 };

static struct pci_function functions[PCI_MAX_FUNCTIONS];
static uint32_t function_count;

uint32_t pci_count(void)
{
    return function_count;
}

struct pci_function *pci_function(uint32_t index)
{
    INVARIANT(index < function_count);
    return &functions[index];
}

uint32_t pci_find(uint32_t requester_id)
{
    for (uint32_t i = 0; i < function_count; i++) {
        if (functions[i].requester_id == requester_id)
            return i;
    }
    return BH_NONE;
}

static void set_command(uint32_t requester_id, uint16_t clear, uint16_t set)
{
    uint16_t command = pci_read16(requester_id, PCI_COMMAND);
    pci_write16(requester_id, PCI_COMMAND, (uint16_t)((command & ~clear) | set));
}

void pci_set_master(uint32_t index, bool on)
{
    struct pci_function *f = pci_function(index);
    if (!on) {
        set_command(f->requester_id, PCI_COMMAND_MASTER, 0);
        return;
    }
    set_command(f->requester_id, 0, PCI_COMMAND_MASTER);
    uint32_t above = f->parent;
    for (uint32_t hops = 0; hops < PCI_MAX_FUNCTIONS && above != BH_NONE; hops++) {
        set_command(functions[above].requester_id, 0, PCI_COMMAND_MASTER);
        above = functions[above].parent;
    }
}

void pci_set_decode(uint32_t index, bool memory, bool ports)
{
    uint16_t set = (uint16_t)((memory ? PCI_COMMAND_MEMORY : 0) | (ports ? PCI_COMMAND_IO : 0));
    set_command(pci_function(index)->requester_id, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, set);
}

/* The bridge whose secondary bus this is. */
static uint32_t bridge_above(uint32_t bus)
{
    for (uint32_t i = 0; i < function_count; i++) {
        if (functions[i].bridge && functions[i].secondary == bus && bus != 0)
            return i;
    }
    return BH_NONE;
}

/* All address bits set, read back: the lowest writable one is the size. */
static uint32_t probe_bar(uint32_t requester_id, uint32_t offset, uint32_t *value)
{
    *value = pci_read32(requester_id, offset);
    pci_write32(requester_id, offset, 0xffffffffu);
    uint32_t mask = pci_read32(requester_id, offset);
    pci_write32(requester_id, offset, *value);
    return mask;
}

/* Sizes BAR `index`; answers how many registers it takes. A base of zero was never assigned. */
static uint32_t size_bar(struct pci_function *f, uint32_t index)
{
    struct pci_bar *bar = &f->bar[index];
    uint32_t value, high_value = 0;
    uint64_t mask = probe_bar(f->requester_id, PCI_BAR0 + 4 * index, &value);
    bar->ports = value & BAR_PORTS;
    bar->wide = !bar->ports && (value & BAR_TYPE_MASK) == BAR_TYPE_64 && index + 1 < PCI_BARS;
    if (bar->wide)
        mask |= (uint64_t)probe_bar(f->requester_id, PCI_BAR0 + 4 * (index + 1), &high_value) << 32;
    else if (mask != 0)
        mask |= 0xffffffff00000000ull;
    uint64_t flags = bar->ports ? BAR_FLAGS_PORTS : BAR_FLAGS_MEMORY;
    bar->base = ((uint64_t)high_value << 32 | value) & ~flags;
    uint64_t address_bits = mask & ~flags;
    bar->size = bar->base == 0 ? 0 : address_bits & (~address_bits + 1);
    if (bar->ports)
        bar->size &= 0xffff;
    return bar->wide ? 2 : 1;
}

static void size_bars(struct pci_function *f)
{
    uint16_t command = pci_read16(f->requester_id, PCI_COMMAND);
    set_command(f->requester_id, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
    for (uint32_t index = 0; index < PCI_BARS;)
        index += size_bar(f, index);
    pci_write16(f->requester_id, PCI_COMMAND, command);
}

static void add_function(uint32_t requester_id, uint32_t parent, bool multi)
{
    if (function_count == PCI_MAX_FUNCTIONS)
        panic("PCI: more than %u functions: the kernel's table is too small", PCI_MAX_FUNCTIONS);
    set_command(requester_id, PCI_COMMAND_MASTER, PCI_COMMAND_NO_INTX);
    struct pci_function *f = &functions[function_count++];
    uint8_t header = pci_read8(requester_id, PCI_HEADER_TYPE) & HEADER_KIND_MASK;
    f->requester_id = requester_id;
    f->parent = parent;
    f->vendor = pci_read16(requester_id, PCI_VENDOR);
    f->device = pci_read16(requester_id, PCI_DEVICE);
    f->class_revision = pci_read32(requester_id, PCI_CLASS_REVISION);
    f->multi_function = multi;
    f->bridge = header == HEADER_BRIDGE;
    f->endpoint = header == 0 && f->class_revision / CLASS_UNIT != CLASS_BRIDGE;
    if (f->bridge) {
        f->secondary = pci_read8(requester_id, PCI_BUS_NUMBERS + 1);
        f->subordinate = pci_read8(requester_id, PCI_BUS_NUMBERS + 2);
    }
}

static void scan_device(uint32_t bus, uint32_t device, uint32_t parent)
{
    uint32_t base = bus * 256 + device * FUNCTIONS_PER_DEVICE;
    if (pci_read16(base, PCI_VENDOR) == NO_VENDOR)
        return;
    bool multi = pci_read8(base, PCI_HEADER_TYPE) & HEADER_MULTI;
    for (uint32_t function = 0; function < (multi ? FUNCTIONS_PER_DEVICE : 1u); function++) {
        if (pci_read16(base + function, PCI_VENDOR) != NO_VENDOR)
            add_function(base + function, parent, multi);
    }
}

/* Every bus number is tried, in ascending order: a bridge has a lower bus number than what is behind
 * it, so the one above is known by then; roots other than bus 0 are found as well. */
void pci_discover(void)
{
    for (uint32_t bus = 0; bus <= pci_last_bus(); bus++) {
        uint32_t parent = bridge_above(bus);
        for (uint32_t device = 0; device < DEVICES_PER_BUS && pci_bus_exists(bus); device++)
            scan_device(bus, device, parent);
    }
    for (uint32_t i = 0; i < function_count; i++) {
        pci_read_capabilities(&functions[i]);
        if (functions[i].endpoint)
            size_bars(&functions[i]);
    }
    pci_compute_groups();
}

/* PCIe 2.2.6.2 and PCI-to-PCI bridging: a PCIe-to-PCI bridge sends requests from behind it as
 * device 0 of its secondary bus, a conventional bridge as itself. */
uint32_t pci_alias(uint32_t index)
{
    uint32_t alias = BH_NONE;
    uint32_t above = pci_function(index)->parent;
    for (uint32_t hops = 0; hops < PCI_MAX_FUNCTIONS && above != BH_NONE; hops++) {
        const struct pci_function *bridge = &functions[above];
        if (bridge->port_type == PCIE_TO_PCI_BRIDGE)
            alias = bridge->secondary * 256u;
        else if (bridge->port_type == PCIE_NONE)
            alias = bridge->requester_id;
        above = bridge->parent;
    }
    return alias;
}
