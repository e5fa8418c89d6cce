/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI functions: configuration space, MSI and MSI-X.
 */
#include "vmm/platform/pci.h"

enum {
    CAPABILITY_MSI = 0x05,
    MSI_CONTROL = 2,                 /* offsets in the capability */
    MSI_ADDRESS = 4,
    MSI_DATA = 8,
    MSI_SIZE = 10,
    MSI_ENABLE = 0x01,
    CAPABILITY_MSIX = 0x11,
    STATUS_CAPABILITIES = 1u << 4,
    BAR_IO = 1u << 0,
    MSIX_CONTROL = 2,                /* offsets in the capability */
    MSIX_TABLE = 4,
    MSIX_PENDING = 8,
    MSIX_ENABLE_HIGH = 0x80,         /* bits of the control word's high byte */
    MSIX_MASK_ALL_HIGH = 0x40,
    ENTRY_ADDRESS = 0,
    ENTRY_DATA = 2,
    ENTRY_CONTROL = 3,
    ENTRY_MASKED = 1u << 0,
};

void pci_put16(struct pci_function *function, unsigned offset, uint16_t value) {
    function->config[offset % PCI_CONFIG_SIZE] = (uint8_t)value;
    function->config[(offset + 1) % PCI_CONFIG_SIZE] = (uint8_t)(value >> 8);
}

void pci_put32(struct pci_function *function, unsigned offset, uint32_t value) {
    pci_put16(function, offset, (uint16_t)value);
    pci_put16(function, offset + 2, (uint16_t)(value >> 16));
}

static void allow32(struct pci_function *function, unsigned offset, uint32_t mask) {
    for (unsigned i = 0; i < 4; i++)
        function->writable[offset + i] = (uint8_t)(mask >> (8 * i));
}

static uint32_t get32(const struct pci_function *function, unsigned offset) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)function->config[offset + i] << (8 * i);
    return value;
}

void pci_create(struct pci_function *function, uint16_t vendor, uint16_t device, uint32_t class,
                uint16_t subsystem) {
    *function = (struct pci_function){ .next_capability = PCI_FIRST_CAPABILITY };
    pci_put32(function, PCI_ID, vendor | (uint32_t)device << 16);
    pci_put32(function, PCI_CLASS, class << 8);
    pci_put32(function, PCI_SUBSYSTEM, vendor | (uint32_t)subsystem << 16);
    function->writable[PCI_COMMAND] = PCI_COMMAND_MASTER;
    function->writable[PCI_COMMAND + 1] = PCI_COMMAND_INTX_OFF >> 8;
    function->writable[PCI_INTERRUPT_LINE] = 0xff;   /* a scratch register */
}

void pci_add_io_bar(struct pci_function *function, unsigned bar, uint32_t base, uint32_t size) {
    function->bar_size[bar] = size;
    pci_put32(function, PCI_BAR + 4 * bar, base | BAR_IO);
    allow32(function, PCI_BAR + 4 * bar, ~(size - 1));
    function->config[PCI_COMMAND] |= PCI_COMMAND_IO;
    function->writable[PCI_COMMAND] |= PCI_COMMAND_IO;
}

void pci_add_memory_bar(struct pci_function *function, unsigned bar, uint32_t base, uint32_t size) {
    function->bar_size[bar] = size;
    pci_put32(function, PCI_BAR + 4 * bar, base);
    allow32(function, PCI_BAR + 4 * bar, ~(size - 1));
    function->config[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
    function->writable[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
}

uint8_t pci_add_capability(struct pci_function *function, uint8_t id, uint8_t size) {
    uint8_t at = function->next_capability;
    unsigned link = function->last_capability ? function->last_capability + 1u : PCI_CAPABILITIES;
    function->config[link] = at;
    function->config[at] = id;
    function->config[PCI_STATUS] |= STATUS_CAPABILITIES;
    function->last_capability = at;
    function->next_capability = (uint8_t)(at + (size + 3) / 4 * 4);
    return at;
}

void pci_add_interrupt_pin(struct pci_function *function, uint8_t line) {
    enum { PIN_A = 1 };
    function->config[PCI_INTERRUPT_PIN] = PIN_A;
    function->config[PCI_INTERRUPT_LINE] = line;
}

void pci_add_msix(struct pci_function *function, uint8_t count, unsigned bar, uint32_t table,
                  uint32_t pending) {
    uint8_t at = pci_add_capability(function, CAPABILITY_MSIX, 12);
    function->msix_at = at;
    function->msix_count = count;
    pci_put16(function, at + MSIX_CONTROL, (uint16_t)(count - 1));
    function->writable[at + MSIX_CONTROL + 1] = MSIX_ENABLE_HIGH | MSIX_MASK_ALL_HIGH;
    pci_put32(function, at + MSIX_TABLE, table | bar);
    pci_put32(function, at + MSIX_PENDING, pending | bar);
    for (unsigned i = 0; i < count; i++)
        function->msix[i][ENTRY_CONTROL] = ENTRY_MASKED;
}

void pci_add_msi(struct pci_function *function) {
    uint8_t at = pci_add_capability(function, CAPABILITY_MSI, MSI_SIZE);
    function->msi_at = at;
    function->writable[at + MSI_CONTROL] = MSI_ENABLE;
    allow32(function, at + MSI_ADDRESS, ~3u);
    allow32(function, at + MSI_DATA, 0xffff);
}

uint32_t pci_config_read(const struct pci_function *function, unsigned offset, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size && offset + i < PCI_CONFIG_SIZE; i++)
        value |= (uint32_t)function->config[offset + i] << (8 * i);
    return value;
}

void pci_config_write(struct pci_function *function, unsigned offset, unsigned size,
                      uint32_t value) {
    for (unsigned i = 0; i < size && offset + i < PCI_CONFIG_SIZE; i++) {
        uint8_t mask = function->writable[offset + i];
        uint8_t *byte = &function->config[offset + i];
        *byte = (uint8_t)((*byte & ~mask) | ((value >> (8 * i)) & mask));
    }
}

bool pci_in_io_bar(const struct pci_function *function, unsigned bar, uint16_t port,
                   uint32_t *offset) {
    uint32_t base = get32(function, PCI_BAR + 4 * bar) & ~3u;
    *offset = port - base;
    return (function->config[PCI_COMMAND] & PCI_COMMAND_IO) && port >= base &&
           *offset < function->bar_size[bar];
}

bool pci_in_memory_bar(const struct pci_function *function, unsigned bar, uint64_t address,
                       uint32_t *offset) {
    uint64_t base = get32(function, PCI_BAR + 4 * bar) & ~15u;
    uint64_t distance = address - base;
    *offset = (uint32_t)distance;
    return (function->config[PCI_COMMAND] & PCI_COMMAND_MEMORY) &&
           distance < function->bar_size[bar];
}

bool pci_interrupt_pin_open(const struct pci_function *function) {
    return (function->config[PCI_COMMAND + 1] & PCI_COMMAND_INTX_OFF >> 8) == 0;
}

bool pci_may_master(const struct pci_function *function) {
    return (function->config[PCI_COMMAND] & PCI_COMMAND_MASTER) != 0;
}

uint32_t pci_msix_read(const struct pci_function *function, uint32_t offset) {
    uint32_t entry = offset / PCI_MSIX_ENTRY;
    return entry < function->msix_count ? function->msix[entry][offset / 4 % 4] : 0;
}

void pci_msix_write(struct pci_function *function, uint32_t offset, uint32_t value) {
    uint32_t entry = offset / PCI_MSIX_ENTRY;
    uint32_t word = offset / 4 % 4;
    if (entry >= function->msix_count)
        return;
    function->msix[entry][word] = word == ENTRY_CONTROL ? value & ENTRY_MASKED : value;
}

uint32_t pci_msix_pending(const struct pci_function *function) {
    return function->msix_pending;
}

void pci_msix_raise(struct pci_function *function, unsigned vector) {
    if (vector < function->msix_count)
        function->msix_pending |= 1u << vector;
}

bool pci_msix_enabled(const struct pci_function *function) {
    return function->msix_at != 0 &&
           (function->config[function->msix_at + MSIX_CONTROL + 1] & MSIX_ENABLE_HIGH) != 0;
}

static bool msix_open(const struct pci_function *function) {
    uint8_t control = function->config[function->msix_at + MSIX_CONTROL + 1];
    return pci_msix_enabled(function) && !(control & MSIX_MASK_ALL_HIGH) &&
           pci_may_master(function);
}

bool pci_msi_enabled(const struct pci_function *function) {
    return function->msi_at != 0 && (function->config[function->msi_at + MSI_CONTROL] & MSI_ENABLE);
}

void pci_msi_raise(struct pci_function *function) {
    function->msi_pending = true;
}

/* What is raised while messages are off, or may not be sent, is lost. */
static bool take_msi(struct pci_function *function, struct apic_message *message) {
    bool sent = function->msi_pending && pci_msi_enabled(function) && pci_may_master(function);
    function->msi_pending = false;
    return sent && pci_decode_message(get32(function, function->msi_at + MSI_ADDRESS),
                                      get32(function, function->msi_at + MSI_DATA) & 0xffff,
                                      message);
}

bool pci_take_message(struct pci_function *function, struct apic_message *message) {
    if (take_msi(function, message))
        return true;
    if (function->msix_pending == 0 || !msix_open(function))
        return false;
    for (uint32_t left = function->msix_pending; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        const uint32_t *entry = function->msix[i];
        if (entry[ENTRY_CONTROL] & ENTRY_MASKED)
            continue;
        function->msix_pending &= ~(1u << i);
        if (pci_decode_message(entry[ENTRY_ADDRESS], entry[ENTRY_DATA], message))
            return true;
    }
    return false;
}

bool pci_decode_message(uint32_t address, uint32_t data, struct apic_message *message) {
    if (address >> 20 != 0xfee)
        return false;
    *message = (struct apic_message){
        .destination = address >> 12 & 0xff,
        .logical = (address >> 2 & 1) != 0,
        .delivery = data >> 8 & 7,
        .vector = (uint8_t)data,
        .level = (data >> 15 & 1) != 0,
    };
    return true;
}
