/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation groups: functions that the IOMMU can't keep apart, because one can reach another without
 * passing it, or because both use the same requester id. A group has one owner.
 */
#include "pci/pci.h"

#include "core/log.h"

/* ACS (PCIe 7.7.8): control and capability bits. */
enum {
    ACS_CAPABILITY = 4, ACS_CONTROL = 6,
    ACS_SOURCE_VALIDATION = 1u << 0, ACS_REQUEST_REDIRECT = 1u << 2,
    ACS_COMPLETION_REDIRECT = 1u << 3, ACS_UPSTREAM_FORWARD = 1u << 4,
    ACS_PORT = ACS_SOURCE_VALIDATION | ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT |
               ACS_UPSTREAM_FORWARD,
    ACS_FUNCTION = ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT,
};

static const char *const group_text[PCI_GROUP_REASONS] = {
    [PCI_ALONE]            = "alone",
    [PCI_MULTI_FUNCTION]   = "they are functions of one device, which can reach each other inside it",
    [PCI_PORT_WITHOUT_ACS] = "a port above them has no access control services (ACS)",
    [PCI_CONVENTIONAL_BUS] = "they share a conventional PCI bus and its requester id",
};

const char *pci_group_text(enum pci_group_reason reason)
{
    INVARIANT(reason < PCI_GROUP_REASONS);
    return group_text[reason];
}

/* Turns these services on; false: the function doesn't have them all. */
static bool acs_enable(struct pci_function *f, uint16_t services)
{
    if (f->acs == 0 || f->acs > PCI_CONFIG_SIZE - 8)
        return false;
    if ((pci_read16(f->requester_id, f->acs + ACS_CAPABILITY) & services) != services)
        return false;
    f->acs_control = pci_read16(f->requester_id, f->acs + ACS_CONTROL) | services;
    pci_write16(f->requester_id, f->acs + ACS_CONTROL, f->acs_control);
    return true;
}

static void merge(uint32_t a, uint32_t b, enum pci_group_reason reason)
{
    uint32_t from = pci_function(a)->group, to = pci_function(b)->group;
    uint32_t low = from < to ? from : to, high = from < to ? to : from;
    for (uint32_t i = 0; i < pci_count(); i++) {
        struct pci_function *f = pci_function(i);
        if (f->group == high)
            f->group = low;
        if (f->group == low && (i == a || i == b))
            f->group_reason = reason;
    }
}

/* Does the bridge keep what is behind it apart from each other and from itself? An upstream port
 * leaves that to the downstream ports of its switch. */
static enum pci_group_reason bridge_isolates(struct pci_function *bridge)
{
    if (bridge->port_type == PCIE_NONE || bridge->port_type == PCIE_TO_PCI_BRIDGE)
        return PCI_CONVENTIONAL_BUS;
    if (bridge->port_type == PCIE_UPSTREAM || acs_enable(bridge, ACS_PORT))
        return PCI_ALONE;
    return PCI_PORT_WITHOUT_ACS;
}

static bool same_device(const struct pci_function *a, const struct pci_function *b)
{
    return a->requester_id / 8 == b->requester_id / 8;
}

static void join_siblings(uint32_t index)
{
    struct pci_function *f = pci_function(index);
    uint16_t services = f->bridge ? ACS_PORT : ACS_FUNCTION;
    if (!f->multi_function || acs_enable(f, services))
        return;
    for (uint32_t i = 0; i < pci_count(); i++) {
        if (i != index && same_device(pci_function(i), f))
            merge(i, index, PCI_MULTI_FUNCTION);
    }
}

void pci_compute_groups(void)
{
    for (uint32_t i = 0; i < pci_count(); i++)
        pci_function(i)->group = i;
    for (uint32_t i = 0; i < pci_count(); i++) {
        const struct pci_function *f = pci_function(i);
        join_siblings(i);
        if (f->parent == BH_NONE)
            continue;
        enum pci_group_reason reason = bridge_isolates(pci_function(f->parent));
        if (reason != PCI_ALONE)
            merge(i, f->parent, reason);
    }
}
