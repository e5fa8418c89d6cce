/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration space that the guest sees of a passed-through function: composed from an
 * allow-list. Nothing that the guest writes here goes to the function; what follows from it is
 * decided in passthrough.c.
 */
#include "vmm/passthrough/parts.h"

#include "vmm/platform/layout.h"

enum { STATUS_HAS_CAPABILITIES = 1u << 20 };      /* in the dword of command and status */
enum { CAPABILITIES_MOST = 48, HEADER_TYPE = 0x0c };
enum {
    CAPABILITY_POWER = 0x01, CAPABILITY_MSI = 0x05, CAPABILITY_PCIE = 0x10,
    CAPABILITY_MSIX = 0x11,
};
enum { BAR_IS_IO = 1u << 0, BAR_LARGEST = 256u << 20, BIR = 7 };
enum { POWER_SIZE = 8, POWER_VERSION = 3, POWER_NO_SOFT_RESET = 1u << 3 };     /* PM 3.2 */
enum {                                                                         /* PCIe 7.5.3 */
    PCIE_SIZE = 60, PCIE_VERSION_AND_TYPE = 0xff, PCIE_TYPE = 0xf0, PCIE_ENDPOINT = 0x00,
    PCIE_LEGACY_ENDPOINT = 0x10, PCIE_INTEGRATED = 0x90, PCIE_PAYLOAD = 7,
    PCIE_CAN_FLR = 1u << 28, PCIE_ROLE_BASED_ERRORS = 1u << 15,
};

static uint32_t original(const struct passthrough *p, unsigned offset) {
    return p->original[offset / 4 % PASSTHROUGH_CONFIG];
}

/* The offset of a capability in the function's own space; 0: it has none. The list is its own
 * claim, so it is followed for so long only. */
static unsigned find_capability(const struct passthrough *p, uint8_t id) {
    unsigned at = original(p, PCI_CAPABILITIES) & 0xfc;
    if (!(original(p, PCI_COMMAND) & STATUS_HAS_CAPABILITIES))
        return 0;
    for (unsigned i = 0; i < CAPABILITIES_MOST && at >= PCI_FIRST_CAPABILITY; i++) {
        if ((uint8_t)original(p, at) == id)
            return at;
        at = original(p, at) >> 8 & 0xfc;
    }
    return 0;
}

/* ---- BARs ---- */

/* Is there anything in the BAR for the guest? */
static bool bar_is_used(const struct passthrough *p, unsigned bar) {
    for (uint32_t i = 0; i < p->pieces; i++)
        if (p->piece[i].bar == bar)
            return true;
    return p->msix && p->interrupts > 0 && ((p->table & BIR) == bar || (p->pending & BIR) == bar);
}

/* At least a page, as pages are what can be mapped. */
static uint64_t shown_size(const struct passthrough *p, unsigned bar) {
    uint64_t size = passthrough_value(p->slot, BH_DEVICE_BAR_SIZE, bar);
    bool good = size != 0 && (size & (size - 1)) == 0 && size <= BAR_LARGEST;
    if (!good || (original(p, PCI_BAR + 4 * bar) & BAR_IS_IO) || !bar_is_used(p, bar))
        return 0;
    return size < BH_PAGE_SIZE ? BH_PAGE_SIZE : size;
}

/* All are shown as 32-bit ones: what they are for the function's own bus isn't the guest's. */
static void add_bars(struct passthrough *p, uint64_t *next) {
    for (unsigned bar = 0; bar < PASSTHROUGH_BARS; bar++) {
        uint64_t size = p->bar_size[bar];
        uint64_t at = (*next + size - 1) & ~(size - 1);
        if (size == 0)
            continue;
        bool fits = at + size <= LAYOUT_BARS;
        pci_add_memory_bar(&p->pci, bar, fits ? (uint32_t)at : 0, (uint32_t)size);
        *next = fits ? at + size : *next;
    }
}

/* ---- Capabilities ---- */

/* D0 and D3hot, which keeps everything, as the function itself stays in D0. */
static void add_power(struct passthrough *p) {
    if (find_capability(p, CAPABILITY_POWER) == 0)
        return;
    p->power_at = pci_add_capability(&p->pci, CAPABILITY_POWER, POWER_SIZE);
    pci_put16(&p->pci, p->power_at + 2u, POWER_VERSION);
    pci_put16(&p->pci, p->power_at + POWER_CONTROL, POWER_NO_SOFT_RESET);
    p->pci.writable[p->power_at + POWER_CONTROL] = POWER_STATE;
}

static void add_messages(struct passthrough *p) {
    unsigned bar = p->table & BIR;
    if (!p->msix && p->interrupts > 0 && find_capability(p, CAPABILITY_MSI) != 0)
        pci_add_msi(&p->pci);
    if (p->msix && bar < PASSTHROUGH_BARS && p->bar_size[bar] != 0)
        pci_add_msix(&p->pci, (uint8_t)p->interrupts, bar, p->table & ~(uint32_t)BIR, 0);
    if (p->pci.msix_at != 0)
        pci_put32(&p->pci, p->pci.msix_at + 8u, p->pending);
}

/* An endpoint without a port above it is one of the root complex, and has no link. Device control
 * keeps what is written; of it only the reset means something. */
static void add_pcie(struct passthrough *p) {
    unsigned own = find_capability(p, CAPABILITY_PCIE);
    if (own == 0)
        return;
    uint32_t kind = original(p, own) >> 16 & PCIE_VERSION_AND_TYPE;
    uint32_t type = kind & PCIE_TYPE;
    bool endpoint = type == PCIE_ENDPOINT || type == PCIE_LEGACY_ENDPOINT;
    if (endpoint)
        kind = (kind & ~(uint32_t)PCIE_TYPE) | PCIE_INTEGRATED;
    p->pcie_at = pci_add_capability(&p->pci, CAPABILITY_PCIE, PCIE_SIZE);
    pci_put16(&p->pci, p->pcie_at + 2u, (uint16_t)kind);
    pci_put32(&p->pci, p->pcie_at + 4u, (original(p, own + 4) & PCIE_PAYLOAD) |
                                        PCIE_ROLE_BASED_ERRORS | PCIE_CAN_FLR);
    p->pci.writable[p->pcie_at + PCIE_CONTROL] = 0xff;
    p->pci.writable[p->pcie_at + PCIE_CONTROL + 1] = 0xff;
}

void passthrough_compose(struct passthrough *p, uint64_t *next) {
    uint32_t id = original(p, PCI_ID);
    pci_create(&p->pci, (uint16_t)id, (uint16_t)(id >> 16), original(p, PCI_CLASS) >> 8, 0);
    p->pci.config[PCI_CLASS] = (uint8_t)original(p, PCI_CLASS);
    pci_put32(&p->pci, PCI_SUBSYSTEM, original(p, PCI_SUBSYSTEM));
    p->power_at = p->pcie_at = 0;
    add_bars(p, next);
    add_power(p);
    add_messages(p);
    add_pcie(p);
}

void passthrough_learn(struct passthrough *p) {
    for (unsigned i = 0; i < PASSTHROUGH_CONFIG; i++)
        p->original[i] = (uint32_t)passthrough_value(p->slot, BH_DEVICE_CONFIG, i);
    if (p->original[PCI_ID / 4] == UINT32_MAX)   /* of a virtual function: PCIe 9.3.4.1.1 */
        p->original[PCI_ID / 4] = (uint32_t)passthrough_value(p->slot, BH_DEVICE_ID, 0);
    unsigned msix = find_capability(p, CAPABILITY_MSIX);
    p->msix = p->msix && msix != 0;
    p->table = p->msix ? original(p, msix + 4) : 0;
    p->pending = p->msix ? original(p, msix + 8) : 0;
    for (unsigned bar = 0; bar < PASSTHROUGH_BARS; bar++)
        p->bar_size[bar] = shown_size(p, bar);
    p->bits = 0;
    for (uint32_t i = 0; i < p->interrupts; i++)
        p->bits |= p->interrupt_bits[i];
    p->state = PASSTHROUGH_READY;
    p->used = true;                  /* by firmware, perhaps */
}
