/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks of the two capability lists (PCI 6.7, PCIe 7.6). A device may lie: a list ends after as many
 * steps as it can have members, and offsets outside of their part of configuration space end it too.
 */
#include "pci/pci.h"

enum {
    STATUS_HAS_LIST    = 1u << 4,
    HEADER_END         = 0x40,
    LIST_STEPS         = (256 - HEADER_END) / 4,
    EXTENDED_STEPS     = (PCI_CONFIG_SIZE - PCI_EXTENDED) / 8,
};

uint16_t pci_capability(uint32_t requester_id, enum pci_capability_id id)
{
    if (!(pci_read16(requester_id, PCI_STATUS) & STATUS_HAS_LIST))
        return 0;
    uint32_t at = pci_read8(requester_id, PCI_CAPABILITIES) & ~3u;
    for (uint32_t step = 0; step < LIST_STEPS && at >= HEADER_END; step++) {
        if (pci_read8(requester_id, at) == id)
            return (uint16_t)at;
        at = pci_read8(requester_id, at + 1) & ~3u;
    }
    return 0;
}

/* PCIe 7.6.3: id in bits 15:0, version 19:16, next offset 31:20. */
uint16_t pci_extended_capability(uint32_t requester_id, enum pci_capability_id id)
{
    uint32_t at = PCI_EXTENDED;
    for (uint32_t step = 0; step < EXTENDED_STEPS && at >= PCI_EXTENDED; step++) {
        uint32_t head = pci_read32(requester_id, at);
        if (head == 0 || head == 0xffffffffu)
            return 0;
        if ((head & 0xffff) == (uint32_t)id)
            return (uint16_t)at;
        at = (head / (1u << 20)) & ~3u;
    }
    return 0;
}

/* PCI 6.8.2: message control, then the BAR index in bits 2:0 of the two offsets. */
static void read_msix(struct pci_function *f)
{
    enum { CONTROL = 2, TABLE = 4, PBA = 8, SIZE_MASK = 0x7ff, BIR_MASK = 7 };
    if (f->msix == 0 || f->msix > 256 - 12) {
        f->msix = 0;
        return;
    }
    uint32_t table = pci_read32(f->requester_id, f->msix + TABLE);
    uint32_t pba = pci_read32(f->requester_id, f->msix + PBA);
    f->msix_entries = (pci_read16(f->requester_id, f->msix + CONTROL) & SIZE_MASK) + 1u;
    f->msix_bar = table & BIR_MASK;
    f->msix_offset = table & ~(uint32_t)BIR_MASK;
    f->pba_bar = pba & BIR_MASK;
    f->pba_offset = pba & ~(uint32_t)BIR_MASK;
}

void pci_read_capabilities(struct pci_function *f)
{
    enum { PCIE_FLAGS = 2, PCIE_TYPE_UNIT = 16, PCIE_TYPE_MASK = 0xf, PCIE_CONTROL = 8 };
    uint32_t rid = f->requester_id;
    f->power = pci_capability(rid, PCI_CAP_POWER);
    f->msi = pci_capability(rid, PCI_CAP_MSI);
    f->msix = pci_capability(rid, PCI_CAP_MSIX);
    f->pcie = pci_capability(rid, PCI_CAP_PCIE);
    f->af = pci_capability(rid, PCI_CAP_AF);
    f->port_type = PCIE_NONE;
    if (f->pcie > 256 - 12)
        f->pcie = 0;
    if (f->pcie != 0) {
        uint32_t flags = pci_read16(rid, f->pcie + PCIE_FLAGS);
        f->port_type = flags / PCIE_TYPE_UNIT & PCIE_TYPE_MASK;
        f->pcie_control = pci_read16(rid, f->pcie + PCIE_CONTROL);
        f->acs = pci_extended_capability(rid, PCI_EXT_ACS);
    }
    read_msix(f);
}
