/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual functions (PCIe chapter 9, SR-IOV): made at boot, as many as the plan names, and never
 * changed afterwards; a reset of the physical function makes the same ones again. Nobody else
 * writes this capability. Trusts no device: where its functions would be and how large they are is
 * checked.
 */
#include "pci/pci.h"

#include "core/time.h"

enum {                                /* PCIe 9.3.3 */
    SRIOV_CONTROL = 0x08, SRIOV_TOTAL = 0x0e, SRIOV_COUNT = 0x10, SRIOV_FIRST = 0x14,
    SRIOV_STRIDE = 0x16, SRIOV_DEVICE = 0x1a, SRIOV_BAR0 = 0x24,
    CONTROL_ENABLE = 1u << 0, CONTROL_MEMORY = 1u << 3, CONTROL_ARI = 1u << 4,
};
enum {                                /* PCIe 7.5.3.15 and .16 */
    PCIE_CAPABILITIES_2 = 0x24, PCIE_CONTROL_2 = 0x28, PCIE_ARI = 1u << 5,
};
enum { MIB = 1u << 20, BUS = 256, DEVICES = 32, FUNCTIONS = 8, ABSENT = 0xffffffff };

void pci_restore_virtual(const struct pci_function *f) {
    uint32_t id = f->requester_id, on = CONTROL_ENABLE | CONTROL_MEMORY | CONTROL_ARI;
    if (f->sriov != 0)
        pci_write(id, f->sriov + SRIOV_CONTROL, 2, 0);
    if (f->virtual_count == 0)
        return;
    pci_write_bars(id, f->sriov + SRIOV_BAR0, f->virtual_bar);
    pci_write(id, f->sriov + SRIOV_CONTROL, 2, CONTROL_ARI);   /* the first offset depends on it */
    pci_write(id, f->sriov + SRIOV_COUNT, 2, f->virtual_count);
    pci_write(id, f->sriov + SRIOV_CONTROL, 2, on);
}

static uint32_t id_of(const struct pci_function *f, uint32_t number) {
    uint32_t first = pci_read(f->requester_id, f->sriov + SRIOV_FIRST, 2);
    uint32_t stride = pci_read(f->requester_id, f->sriov + SRIOV_STRIDE, 2);
    return f->requester_id + first + number * stride;
}

uint32_t pci_virtual(uint32_t physical, uint32_t number) {
    const struct pci_function *f = pci_function(physical);
    return number < f->virtual_count ? pci_find(id_of(f, number)) : BH_NONE;
}

/* Devices but the first on the bus right behind a port need its forwarding of ARI (PCIe 6.13). */
static bool reachable(const struct pci_function *port, uint32_t id) {
    bool ari = port->pcie != 0 &&
               pci_read(port->requester_id, port->pcie + PCIE_CAPABILITIES_2, 4) & PCIE_ARI;
    if (ari)
        pci_change(port->requester_id, port->pcie + PCIE_CONTROL_2, 0, PCIE_ARI);
    return id / BUS >= port->secondary && id / BUS <= port->subordinate &&
           pci_bus_exists(id / BUS) && pci_find(id) == BH_NONE &&
           (ari || id / BUS != port->secondary || id / FUNCTIONS % DEVICES == 0);
}

/* The registers of all functions follow each other (PCIe 9.3.3.14). Where the firmware gave them no
 * place, they get what is free in the port's window from *from on. */
static bool place(const struct pci_function *port, struct pci_bar *bar, uint32_t count,
                  uint64_t *from) {
    uint32_t window = pci_read(port->requester_id, PCI_BRIDGE_MEMORY, 4);
    uint64_t first = window % 65536 / 16 * (uint64_t)MIB, end = window / MIB * MIB + (uint64_t)MIB;
    uint64_t next = *from > first ? *from : first;
    if (bar->base != 0 || bar->size == 0)
        return true;
    if (bar->size < BH_PAGE_SIZE || bar->size > (end - first) / count)
        return false;
    do {
        bar->base = (next + bar->size - 1) / bar->size * bar->size;
        *from = bar->base + bar->size * count;
        next = pci_foreign_bar_in(bar, bar->base, bar->size * count);
    } while (next != 0 && *from <= end);
    return *from <= end;
}

static const char *add(uint32_t physical, uint32_t number) {
    const struct pci_function *f = pci_function(physical);
    uint32_t id = id_of(f, number);
    if (!reachable(pci_function(f->parent), id))
        return "has virtual functions that the port above can't reach: it needs ARI, or more buses";
    if (pci_read(id, PCI_CLASS_REVISION, 4) == ABSENT)
        return "doesn't show its virtual functions";
    struct pci_function *v = pci_add_function(id, f->parent, false);
    v->vendor = f->vendor;
    v->device = pci_read(f->requester_id, f->sriov + SRIOV_DEVICE, 2);
    v->physical = physical;
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        v->bar[i] = f->virtual_bar[i];
        v->bar[i].base += number * v->bar[i].size;
    }
    return 0;
}

const char *pci_make_virtual(uint32_t physical, uint32_t count) {
    struct pci_function *f = pci_function(physical);
    uint64_t from = 0;
    if (f->sriov == 0 || count > pci_read(f->requester_id, f->sriov + SRIOV_TOTAL, 2))
        return "hasn't as many virtual functions";
    if (f->parent == BH_NONE)
        return "isn't behind a port: its virtual functions have no room";
    pci_size_bars(f->requester_id, f->sriov + SRIOV_BAR0, f->virtual_bar);
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        if (!place(pci_function(f->parent), &f->virtual_bar[i], count, &from))
            return "needs more room for its virtual functions than the port above has";
    }
    f->virtual_count = count;
    pci_restore_virtual(f);
    for (uint64_t end = time_after_us(PCI_VIRTUAL_US); time_now() < end;)
        continue;
    const char *why = 0;
    for (uint32_t i = 0; i < count && why == 0; i++)
        why = add(physical, i);
    return why;
}
