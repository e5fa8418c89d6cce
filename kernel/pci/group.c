/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation groups: functions that the IOMMU can't keep apart, because one can reach another
 * without passing it, or because both use the same requester id. A group has one owner.
 */
#include "pci/pci.h"

/* ACS (PCIe 7.7.8): capability and control register, and what must be on in each. */
enum {
    ACS_CAPABILITY = 4, ACS_CONTROL = 6,
    ACS_SOURCE_VALIDATION = 1u << 0, ACS_REQUEST_REDIRECT = 1u << 2,
    ACS_COMPLETION_REDIRECT = 1u << 3, ACS_UPSTREAM_FORWARD = 1u << 4,
    ACS_FUNCTION = ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT,
    ACS_PORT = ACS_FUNCTION | ACS_SOURCE_VALIDATION | ACS_UPSTREAM_FORWARD,
};

bool pci_isolate(const struct pci_function *f) {
    uint32_t services = f->bridge ? ACS_PORT : ACS_FUNCTION;
    if (f->acs == 0 || ~pci_read(f->requester_id, f->acs + ACS_CAPABILITY, 2) & services)
        return false;
    pci_change(f->requester_id, f->acs + ACS_CONTROL, 0, services);
    return true;
}

static void merge(uint32_t a, uint32_t b, const char *reason) {
    uint32_t from = pci_function(a)->group, to = pci_function(b)->group;
    for (uint32_t i = 0; i < pci_count(); i++) {
        if (pci_function(i)->group == from)
            pci_function(i)->group = to;
    }
    pci_function(a)->group_reason = pci_function(b)->group_reason = reason;
}

/* Why the bridge doesn't keep what is behind it apart, from each other and from itself; 0: it does.
 * An upstream port leaves that to the downstream ports of its switch. */
static const char *bridge_mixes(const struct pci_function *bridge) {
    if (bridge->port_type == PCIE_NONE || bridge->port_type == PCIE_TO_PCI_BRIDGE)
        return "they share a conventional PCI bus and its requester id";
    return bridge->port_type == PCIE_UPSTREAM || pci_isolate(bridge) ? 0 :
           "a port above them has no access control services (ACS)";
}

static void join_siblings(uint32_t index) {
    const struct pci_function *f = pci_function(index);
    if (!f->multi_function || pci_isolate(f))
        return;
    for (uint32_t i = 0; i < pci_count(); i++) {
        bool sibling = pci_function(i)->requester_id / 8 == f->requester_id / 8;
        if (i != index && sibling && pci_function(i)->physical == BH_NONE)
            merge(i, index,
                  "they are functions of one device, which can reach each other inside it");
    }
}

void pci_compute_groups(void) {
    for (uint32_t i = 0; i < pci_count(); i++)
        pci_function(i)->group = i;
    for (uint32_t i = 0; i < pci_count(); i++) {
        uint32_t parent = pci_function(i)->parent;
        const char *mixed = parent == BH_NONE ? 0 : bridge_mixes(pci_function(parent));
        join_siblings(i);
        if (mixed != 0)
            merge(i, parent, mixed);
    }
}
