/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds every function on every bus that the firmware set up, turns its bus mastering and its INTx
 * line off before anything else (a device may have been left running), and sizes its BARs. Bus
 * numbers and BARs stay as the firmware set them. Trusts the firmware's numbering, no device.
 */
#include "pci/pci.h"

#include "core/log.h"
#include "core/plan.h"

enum { BUSES = 256, DEVICES_PER_BUS = 32, FUNCTIONS_PER_DEVICE = 8, NO_VENDOR = 0xffff };
enum { HEADER_KINDS = 0x80, HEADER_BRIDGE = 1, HEADER_MULTI = 0x80 };
enum { CLASS_UNIT = 1 << 24, CLASS_BRIDGE = 0x06 };

/* PCI 6.2.5.1 */
enum { BAR_PORTS = 1u << 0, BAR_TYPE = 3u << 1, BAR_64_BITS = 2u << 1, BAR_FLAGS = 0xf,
       BAR_PORT_FLAGS = 3 };

static struct pci_function functions[PCI_MAX_FUNCTIONS];
static uint32_t function_count;

uint32_t pci_count(void) { return function_count; }

struct pci_function *pci_function(uint32_t index) {
    INVARIANT(index < function_count);
    return &functions[index];
}

uint32_t pci_find(uint32_t requester_id) {
    for (uint32_t i = 0; i < function_count; i++) {
        if (functions[i].requester_id == requester_id)
            return i;
    }
    return BH_NONE;
}

void pci_set_master(uint32_t index, bool on) {
    uint32_t bit = PCI_COMMAND_MASTER;
    pci_change(pci_function(index)->requester_id, PCI_COMMAND, bit, on ? bit : 0);
    uint32_t above = functions[index].parent;
    for (uint32_t hops = 0; on && above != BH_NONE && hops < BUSES; hops++) {
        pci_change(functions[above].requester_id, PCI_COMMAND, 0, bit);
        above = functions[above].parent;
    }
}

void pci_set_decode(uint32_t index, bool memory, bool ports) {
    pci_change(pci_function(index)->requester_id, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO,
               (memory ? PCI_COMMAND_MEMORY : 0) | (ports ? PCI_COMMAND_IO : 0));
}

/* The bridge whose secondary bus this is. */
static uint32_t bridge_above(uint32_t bus) {
    for (uint32_t i = 0; i < function_count && bus != 0; i++) {
        if (functions[i].bridge && functions[i].secondary == bus)
            return i;
    }
    return BH_NONE;
}

/* Which bits of a BAR are writable: all are set, read back and put as they were. */
static uint32_t writable_bits(uint32_t requester_id, uint32_t offset, uint32_t value) {
    pci_write(requester_id, offset, 4, 0xffffffffu);
    uint32_t bits = pci_read(requester_id, offset, 4);
    pci_write(requester_id, offset, 4, value);
    return bits;
}

/* Sizes one BAR; answers how many registers it takes: two if it is `wide` and may be. */
static uint32_t size_bar(uint32_t id, uint32_t offset, bool may_be_wide, struct pci_bar *bar) {
    uint64_t value = pci_read(id, offset, 4);
    uint64_t bits = 0xffffffff00000000ull | writable_bits(id, offset, (uint32_t)value);
    bar->ports = value & BAR_PORTS;
    bar->wide = !bar->ports && (value & BAR_TYPE) == BAR_64_BITS && may_be_wide;
    if (bar->wide) {
        uint32_t high = pci_read(id, offset + 4, 4);
        bits = (uint32_t)bits | (uint64_t)writable_bits(id, offset + 4, high) << 32;
        value |= (uint64_t)high << 32;
    }
    uint64_t flags = bar->ports ? BAR_PORT_FLAGS : BAR_FLAGS;
    bar->base = value & ~flags;
    bits &= ~flags;
    bar->size = (uint32_t)bits == 0 && !bar->wide ? 0 : bits & (~bits + 1);
    return bar->wide ? 2 : 1;
}

void pci_size_bars(uint32_t requester_id, uint32_t offset, struct pci_bar bars[PCI_BARS]) {
    for (uint32_t i = 0; i < PCI_BARS;)
        i += size_bar(requester_id, offset + 4 * i, i + 1 < PCI_BARS, &bars[i]);
}

void pci_write_bars(uint32_t requester_id, uint32_t offset, const struct pci_bar bars[PCI_BARS]) {
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        if (bars[i].size != 0)
            pci_write(requester_id, offset + 4 * i, 4, (uint32_t)bars[i].base);
        if (bars[i].size != 0 && bars[i].wide)
            pci_write(requester_id, offset + 4 * i + 4, 4, (uint32_t)(bars[i].base >> 32));
    }
}

/* A base of zero was never assigned. */
static void find_bars(struct pci_function *f) {
    uint32_t command = pci_read(f->requester_id, PCI_COMMAND, 2);
    pci_change(f->requester_id, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
    pci_size_bars(f->requester_id, PCI_BAR0, f->bar);
    pci_write(f->requester_id, PCI_COMMAND, 2, command);
    for (uint32_t i = 0; i < PCI_BARS; i++)
        f->bar[i].size = f->bar[i].base == 0 ? 0 : f->bar[i].size;
}

uint64_t pci_foreign_bar_in(const struct pci_bar *own, uint64_t base, uint64_t size) {
    for (uint32_t i = 0; i < function_count; i++) {
        for (uint32_t b = 0; b < PCI_BARS; b++) {
            const struct pci_bar *bar = &functions[i].bar[b];
            bool memory = !bar->ports && bar->size > 0;
            if (bar != own && memory && ranges_meet(base, size, bar->base, bar->size))
                return bar->base + bar->size;
        }
    }
    return 0;
}

struct pci_function *pci_add_function(uint32_t id, uint32_t parent, bool multi) {
    if (function_count == PCI_MAX_FUNCTIONS)
        panic("PCI: more than %d functions: the kernel's table is too small", PCI_MAX_FUNCTIONS);
    bool left_on = plan_control(BH_PLAN_CONTROL_NO_QUIESCE);
    pci_change(id, PCI_COMMAND, left_on ? 0 : PCI_COMMAND_MASTER, PCI_COMMAND_NO_INTX);
    struct pci_function *f = &functions[function_count++];
    uint32_t header = pci_read(id, PCI_HEADER_TYPE, 1) % HEADER_KINDS;
    *f = (struct pci_function){
        .requester_id = id, .parent = parent, .multi_function = multi, .physical = BH_NONE,
        .vendor = pci_read(id, PCI_VENDOR, 2), .device = pci_read(id, PCI_DEVICE, 2),
        .class_revision = pci_read(id, PCI_CLASS_REVISION, 4),
        .bridge = header == HEADER_BRIDGE,
        .secondary = pci_read(id, PCI_BUS_NUMBERS + 1, 1),
        .subordinate = pci_read(id, PCI_BUS_NUMBERS + 2, 1),
    };
    f->endpoint = header == 0 && f->class_revision / CLASS_UNIT != CLASS_BRIDGE;
    pci_read_capabilities(f);
    pci_restore_virtual(f);
    if (f->endpoint)
        find_bars(f);
    return f;
}

static void scan_device(uint32_t first, uint32_t parent) {
    if (pci_read(first, PCI_VENDOR, 2) == NO_VENDOR)
        return;
    bool multi = pci_read(first, PCI_HEADER_TYPE, 1) & HEADER_MULTI;
    for (uint32_t id = first; id < first + (multi ? FUNCTIONS_PER_DEVICE : 1); id++) {
        if (pci_read(id, PCI_VENDOR, 2) != NO_VENDOR)
            pci_add_function(id, parent, multi);
    }
}

/* Every bus number is tried, in ascending order: a bridge has a lower bus number than what is behind
 * it, so the one above is known by then; roots other than bus 0 are found as well. */
void pci_discover(void) {
    for (uint32_t bus = 0; bus < BUSES; bus++) {
        uint32_t parent = bridge_above(bus);
        for (uint32_t device = 0; device < DEVICES_PER_BUS && pci_bus_exists(bus); device++)
            scan_device((bus * DEVICES_PER_BUS + device) * FUNCTIONS_PER_DEVICE, parent);
    }
}

/* PCIe 2.2.6.2 and PCI-to-PCI bridging: a PCIe-to-PCI bridge sends requests from behind it as
 * device 0 of its secondary bus, a conventional bridge as itself. */
uint32_t pci_alias(uint32_t index) {
    uint32_t alias = BH_NONE;
    uint32_t above = pci_function(index)->parent;
    for (uint32_t hops = 0; above != BH_NONE && hops < BUSES; hops++) {
        const struct pci_function *bridge = &functions[above];
        if (bridge->port_type == PCIE_TO_PCI_BRIDGE)
            alias = bridge->secondary * 256;
        else if (bridge->port_type == PCIE_NONE)
            alias = bridge->requester_id;
        above = bridge->parent;
    }
    return alias;
}
