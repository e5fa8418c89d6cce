/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs a function's message interrupts (PCI 6.8). Nobody else writes these registers: the pages
 * of an MSI-X table and of its pending bits are in no process, and configuration space isn't either.
 */
#include "pci/pci.h"

#include "core/log.h"

enum {                                /* MSI capability, 6.8.1 */
    MSI_CONTROL = 2, MSI_ADDRESS = 4, MSI_ADDRESS_HIGH = 8, MSI_DATA_32 = 8, MSI_DATA_64 = 12,
    MSI_ENABLE = 1u << 0, MSI_MULTIPLE = 7u << 4, MSI_64_BITS = 1u << 7,
};
enum {                                /* MSI-X, 6.8.2 */
    MSIX_CONTROL = 2, MSIX_MASK_ALL = 1u << 14, MSIX_ENABLE = 1u << 15,
    MSIX_ADDRESS = 0, MSIX_ADDRESS_HIGH = 1, MSIX_DATA = 2, MSIX_VECTOR_CONTROL = 3,
    MSIX_ENTRY_WORDS = 4, MSIX_MASKED = 1u << 0,
};

/* Does it lie in a memory BAR that has room for it? */
static bool fits(const struct pci_function *f, const struct pci_area *area) {
    return area->bar < PCI_BARS && !f->bar[area->bar].ports &&
           area->size <= f->bar[area->bar].size &&
           area->offset <= f->bar[area->bar].size - area->size;
}

bool pci_msix_map(uint32_t index) {
    struct pci_function *f = pci_function(index);
    if (f->msix == 0 || !fits(f, &f->msix_table) || !fits(f, &f->msix_pending))
        return false;
    paddr_t table = paddr(f->bar[f->msix_table.bar].base + f->msix_table.offset);
    if (f->msix_words == 0)
        f->msix_words = physical_registers(table, f->msix_table.size);
    return true;
}

static bool pages_meet(const struct pci_area *a, const struct pci_area *b) {
    return a->bar == b->bar &&
           a->offset / BH_PAGE_SIZE <= (b->offset + b->size - 1) / BH_PAGE_SIZE &&
           b->offset / BH_PAGE_SIZE <= (a->offset + a->size - 1) / BH_PAGE_SIZE;
}

bool pci_msix_touches(const struct pci_function *f, uint32_t bar, uint64_t offset, uint64_t size) {
    struct pci_area area = { bar, offset, size };
    return f->msix != 0 &&
           (pages_meet(&area, &f->msix_table) || pages_meet(&area, &f->msix_pending));
}

static volatile uint32_t *msix_entry(const struct pci_function *f, uint32_t entry) {
    INVARIANT(f->msix_words != 0 && entry < f->msix_entries);
    return f->msix_words + (uint64_t)entry * MSIX_ENTRY_WORDS;
}

void pci_message_mask(uint32_t index, bool msix, uint32_t entry, bool masked) {
    const struct pci_function *f = pci_function(index);
    if (msix)
        msix_entry(f, entry)[MSIX_VECTOR_CONTROL] = masked ? MSIX_MASKED : 0;
    else
        pci_change(f->requester_id, f->msi + MSI_CONTROL, MSI_ENABLE | MSI_MULTIPLE,
                   masked ? 0 : MSI_ENABLE);
}

static void set_msix(const struct pci_function *f, uint32_t entry, uint64_t address,
                     uint32_t data) {
    volatile uint32_t *words = msix_entry(f, entry);
    pci_change(f->requester_id, f->msix + MSIX_CONTROL, MSIX_MASK_ALL, MSIX_ENABLE);
    words[MSIX_ADDRESS] = (uint32_t)address;
    words[MSIX_ADDRESS_HIGH] = (uint32_t)(address >> 32);
    words[MSIX_DATA] = data;
}

static void set_msi(const struct pci_function *f, uint64_t address, uint32_t data) {
    bool wide = pci_read(f->requester_id, f->msi + MSI_CONTROL, 2) & MSI_64_BITS;
    pci_write(f->requester_id, f->msi + MSI_ADDRESS, 4, (uint32_t)address);
    if (wide)
        pci_write(f->requester_id, f->msi + MSI_ADDRESS_HIGH, 4, (uint32_t)(address >> 32));
    pci_write(f->requester_id, f->msi + (wide ? MSI_DATA_64 : MSI_DATA_32), 2, data);
}

/* Masked while it changes, so that no half-written message is sent; stays masked. */
void pci_message_set(uint32_t index, bool msix, uint32_t entry, uint64_t address, uint32_t data) {
    pci_message_mask(index, msix, entry, true);
    if (msix)
        set_msix(pci_function(index), entry, address, data);
    else
        set_msi(pci_function(index), address, data);
}
