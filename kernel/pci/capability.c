/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks of the two capability lists (PCI 6.7, PCIe 7.6). A device may lie: a list ends after as
 * many steps as it can have members, and a capability that wouldn't fit into its part of
 * configuration space isn't there.
 */
#include "pci/pci.h"

enum {
    STATUS_HAS_LIST = 1u << 4,
    LIST_START = 0x40, LIST_END = 256, CAPABILITY_ROOM = 16,
    EXTENDED_START = 0x100, EXTENDED_ROOM = 64,
};

uint32_t pci_capability(uint32_t requester_id, enum pci_capability_id id) {
    if (!(pci_read(requester_id, PCI_STATUS, 2) & STATUS_HAS_LIST))
        return 0;
    uint32_t at = pci_read(requester_id, PCI_CAPABILITIES, 1) & ~3u;
    for (uint32_t step = LIST_START; step < LIST_END && at >= LIST_START; step += 4) {
        if (pci_read(requester_id, at, 1) == id)
            return at <= LIST_END - CAPABILITY_ROOM ? at : 0;
        at = pci_read(requester_id, at + 1, 1) & ~3u;
    }
    return 0;
}

/* PCIe 7.6.3: id in bits 15:0, version 19:16, next offset 31:20. */
uint32_t pci_extended_capability(uint32_t requester_id, enum pci_capability_id id) {
    uint32_t at = EXTENDED_START;
    for (uint32_t step = at; step < PCI_CONFIG_SIZE && at >= EXTENDED_START; step += 8) {
        uint32_t head = pci_read(requester_id, at, 4);
        if (head % 65536 == id)
            return at <= PCI_CONFIG_SIZE - EXTENDED_ROOM ? at : 0;
        at = head / (1u << 20) & ~3u;
    }
    return 0;
}

/* PCI 6.8.2: what the word at this offset tells, the BAR's index in bits 2:0. */
static struct pci_area area_at(const struct pci_function *f, uint32_t offset, uint64_t size) {
    uint32_t place = pci_read(f->requester_id, f->msix + offset, 4), bar = place % 8;
    return (struct pci_area){ bar, place - bar, size };
}

/* 16 bytes an entry; one bit an entry, in quadwords. */
static void read_msix(struct pci_function *f) {
    enum { CONTROL = 2, TABLE = 4, PENDING = 8, ENTRIES = 2048 };
    f->msix_entries = pci_read(f->requester_id, f->msix + CONTROL, 2) % ENTRIES + 1;
    f->msix_table = area_at(f, TABLE, f->msix_entries * 16ull);
    f->msix_pending = area_at(f, PENDING, (f->msix_entries + 63) / 64 * 8ull);
}

/* SERR and parity (PCI 6.2.3), Device Status (PCIe 7.5.3.5): writing back what is set clears it. */
uint32_t pci_take_errors(const struct pci_function *f) {
    enum { ERRORS = 0xc000, PCIE_STATUS = 10, PCIE_ERRORS = 0xf };
    uint32_t errors = pci_read(f->requester_id, PCI_STATUS, 2) & ERRORS, more = 0;
    pci_change(f->requester_id, PCI_STATUS, 0, 0);
    if (f->pcie != 0) {
        more = pci_read(f->requester_id, f->pcie + PCIE_STATUS, 2) & PCIE_ERRORS;
        pci_change(f->requester_id, f->pcie + PCIE_STATUS, 0, 0);
    }
    return errors | more;
}

void pci_read_capabilities(struct pci_function *f) {
    enum { PCIE_FLAGS = 2, PCIE_CONTROL = 8 };
    uint32_t rid = f->requester_id;
    f->power = pci_capability(rid, PCI_CAP_POWER);
    f->msi = pci_capability(rid, PCI_CAP_MSI);
    f->msix = pci_capability(rid, PCI_CAP_MSIX);
    f->pcie = pci_capability(rid, PCI_CAP_PCIE);
    f->port_type = PCIE_NONE;
    if (f->pcie != 0) {
        f->port_type = pci_read(rid, f->pcie + PCIE_FLAGS, 2) / 16 % 16;
        f->pcie_control = pci_read(rid, f->pcie + PCIE_CONTROL, 2);
        f->acs = pci_extended_capability(rid, PCI_EXT_ACS);
        f->sriov = pci_extended_capability(rid, PCI_EXT_SRIOV);
    }
    if (f->msix != 0)
        read_msix(f);
    pci_take_errors(f);
}
