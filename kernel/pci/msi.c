/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs a function's message interrupts (PCI 6.8). Nobody else writes these registers: the pages
 * of an MSI-X table and of its pending bits are in no process, and configuration space isn't either.
 */
#include "pci/pci.h"

#include "core/log.h"

enum {                                /* MSI capability, 6.8.1 */
    MSI_CONTROL = 2, MSI_ADDRESS = 4, MSI_ADDRESS_HIGH = 8, MSI_DATA_32 = 8, MSI_DATA_64 = 12,
    MSI_ENABLE = 1u << 0, MSI_MULTIPLE_MASK = 7u << 4, MSI_64_BIT = 1u << 7,
};

enum {                                /* MSI-X, 6.8.2 */
    MSIX_CONTROL = 2, MSIX_FUNCTION_MASK = 1u << 14, MSIX_ENABLE = 1u << 15,
    MSIX_ENTRY_SIZE = 16,
};

enum msix_entry_word { MSIX_ADDRESS, MSIX_ADDRESS_HIGH, MSIX_DATA, MSIX_VECTOR_CONTROL, MSIX_WORDS };
enum { MSIX_MASKED = 1u << 0 };

static uint64_t table_size(const struct pci_function *f)
{
    return (uint64_t)f->msix_entries * MSIX_ENTRY_SIZE;
}

static uint64_t pba_size(const struct pci_function *f)
{
    return (f->msix_entries + 63) / 64 * 8ull;     /* one bit an entry, in quadwords */
}

/* Does it lie in a memory BAR that has room for it? */
static bool fits_bar(const struct pci_function *f, uint32_t bar, uint64_t offset, uint64_t size)
{
    return bar < PCI_BARS && !f->bar[bar].ports && size <= f->bar[bar].size &&
           offset <= f->bar[bar].size - size;
}

bool pci_msix_map(uint32_t index)
{
    struct pci_function *f = pci_function(index);
    if (f->msix == 0 || !fits_bar(f, f->msix_bar, f->msix_offset, table_size(f)) ||
        !fits_bar(f, f->pba_bar, f->pba_offset, pba_size(f)))
        return false;
    paddr_t table = paddr(f->bar[f->msix_bar].base + f->msix_offset);
    if (f->msix_table == 0)
        f->msix_table = physical_registers(table, table_size(f));
    return true;
}

static bool pages_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    uint64_t a_first = a / BH_PAGE_SIZE, a_last = (a + a_size - 1) / BH_PAGE_SIZE;
    uint64_t b_first = b / BH_PAGE_SIZE, b_last = (b + b_size - 1) / BH_PAGE_SIZE;
    return a_first <= b_last && b_first <= a_last;
}

bool pci_msix_touches(const struct pci_function *f, uint32_t bar, uint64_t offset, uint64_t size)
{
    if (f->msix == 0 || size == 0)
        return false;
    bool table = f->msix_bar == bar && pages_meet(offset, size, f->msix_offset, table_size(f));
    bool pba = f->pba_bar == bar && pages_meet(offset, size, f->pba_offset, pba_size(f));
    return table || pba;
}

/* Enabled with every entry masked but those that are set and unmasked one by one. */
void pci_msix_enable(uint32_t index, bool on)
{
    const struct pci_function *f = pci_function(index);
    uint16_t control = pci_read16(f->requester_id, f->msix + MSIX_CONTROL);
    control &= (uint16_t)~(MSIX_ENABLE | MSIX_FUNCTION_MASK);
    pci_write16(f->requester_id, f->msix + MSIX_CONTROL,
                (uint16_t)(control | (on ? MSIX_ENABLE : 0)));
}

static volatile uint32_t *msix_entry(uint32_t index, uint32_t entry)
{
    const struct pci_function *f = pci_function(index);
    INVARIANT(f->msix_table != 0 && entry < f->msix_entries);
    return f->msix_table + (uint64_t)entry * MSIX_WORDS;
}

void pci_msix_mask(uint32_t index, uint32_t entry, bool masked)
{
    msix_entry(index, entry)[MSIX_VECTOR_CONTROL] = masked ? MSIX_MASKED : 0;
}

/* Masked while it changes, so that no half-written message is sent; stays masked. */
void pci_msix_set(uint32_t index, uint32_t entry, uint64_t address, uint32_t data)
{
    volatile uint32_t *words = msix_entry(index, entry);
    words[MSIX_VECTOR_CONTROL] = MSIX_MASKED;
    words[MSIX_ADDRESS] = (uint32_t)address;
    words[MSIX_ADDRESS_HIGH] = (uint32_t)(address >> 32);
    words[MSIX_DATA] = data;
}

/* One message only; disabled while it changes. */
void pci_msi_set(uint32_t index, uint64_t address, uint32_t data)
{
    const struct pci_function *f = pci_function(index);
    uint32_t rid = f->requester_id;
    pci_msi_enable(index, false);
    uint16_t control = pci_read16(rid, f->msi + MSI_CONTROL);
    pci_write32(rid, f->msi + MSI_ADDRESS, (uint32_t)address);
    if (control & MSI_64_BIT) {
        pci_write32(rid, f->msi + MSI_ADDRESS_HIGH, (uint32_t)(address >> 32));
        pci_write16(rid, f->msi + MSI_DATA_64, (uint16_t)data);
    } else {
        pci_write16(rid, f->msi + MSI_DATA_32, (uint16_t)data);
    }
}

void pci_msi_enable(uint32_t index, bool on)
{
    const struct pci_function *f = pci_function(index);
    uint16_t control = pci_read16(f->requester_id, f->msi + MSI_CONTROL);
    control &= (uint16_t)~(MSI_ENABLE | MSI_MULTIPLE_MASK);
    pci_write16(f->requester_id, f->msi + MSI_CONTROL, (uint16_t)(control | (on ? MSI_ENABLE : 0)));
}
