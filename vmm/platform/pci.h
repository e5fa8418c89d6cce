/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One emulated PCI function: configuration space by write masks, base addresses, MSI, MSI-X. The
 * guest may write anything; what isn't writable stays. State under the caller's lock, no outside
 * effects: interrupts come out as messages (pci_take_message).
 *
 * References: PCI Local Bus 3.0, chapter 6 (configuration space), 6.8.1 (MSI), 6.8.2 (MSI-X).
 */
#ifndef VMM_PCI_H
#define VMM_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/cpu/apic.h"

#define PCI_CONFIG_SIZE 256u
#define PCI_MSIX_MAX 32u
#define PCI_MSIX_ENTRY 16u           /* bytes of a table entry */

enum pci_offset {
    PCI_ID = 0x00, PCI_COMMAND = 0x04, PCI_STATUS = 0x06, PCI_CLASS = 0x08, PCI_BAR = 0x10,
    PCI_SUBSYSTEM = 0x2c, PCI_CAPABILITIES = 0x34, PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d, PCI_FIRST_CAPABILITY = 0x40,
};

enum pci_command {
    PCI_COMMAND_IO = 1u << 0,
    PCI_COMMAND_MEMORY = 1u << 1,
    PCI_COMMAND_MASTER = 1u << 2,
    PCI_COMMAND_INTX_OFF = 1u << 10,
};

struct pci_function {
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t writable[PCI_CONFIG_SIZE];   /* bits that the guest may change */
    uint8_t next_capability;             /* where the next one goes */
    uint8_t last_capability;             /* whose link is open; 0: the header's */
    uint8_t msi_at;                      /* offset of the MSI capability, 0: none */
    bool msi_pending;
    uint8_t msix_at;                     /* offset of the MSI-X capability, 0: none */
    uint8_t msix_count;
    uint32_t bar_size[6];
    uint32_t msix[PCI_MSIX_MAX][4];      /* address, address high, data, control */
    uint32_t msix_pending;
};

void pci_create(struct pci_function *function, uint16_t vendor, uint16_t device, uint32_t class,
                uint16_t subsystem);
/* Size: a power of two, at least 4 (ports) or 16 (memory). */
void pci_add_io_bar(struct pci_function *function, unsigned bar, uint32_t base, uint32_t size);
void pci_add_memory_bar(struct pci_function *function, unsigned bar, uint32_t base, uint32_t size);
/* A capability of `size` bytes, its id and link included; answers its offset. */
uint8_t pci_add_capability(struct pci_function *function, uint8_t id, uint8_t size);
void pci_add_msix(struct pci_function *function, uint8_t count, unsigned bar, uint32_t table,
                  uint32_t pending);

/* One message, which takes the pin's place when the driver enables it. */
void pci_add_msi(struct pci_function *function);

/* Interrupt pin A; `line`: the I/O APIC's pin, for drivers that know no ACPI. */
void pci_add_interrupt_pin(struct pci_function *function, uint8_t line);

void pci_put16(struct pci_function *function, unsigned offset, uint16_t value);
void pci_put32(struct pci_function *function, unsigned offset, uint32_t value);

/* Guest access: size 1, 2 or 4, within one dword. */
uint32_t pci_config_read(const struct pci_function *function, unsigned offset, unsigned size);
void pci_config_write(struct pci_function *function, unsigned offset, unsigned size,
                      uint32_t value);

/* Whether an address lies in a decoded BAR; *offset is then the place in it. */
bool pci_in_io_bar(const struct pci_function *function, unsigned bar, uint16_t port,
                   uint32_t *offset);
bool pci_in_memory_bar(const struct pci_function *function, unsigned bar, uint64_t address,
                       uint32_t *offset);
bool pci_interrupt_pin_open(const struct pci_function *function);
bool pci_may_master(const struct pci_function *function);

/* MSI-X table and pending bits, by offset in them; 4-byte accesses. */
uint32_t pci_msix_read(const struct pci_function *function, uint32_t offset);
void pci_msix_write(struct pci_function *function, uint32_t offset, uint32_t value);
uint32_t pci_msix_pending(const struct pci_function *function);
bool pci_msix_enabled(const struct pci_function *function);

bool pci_msi_enabled(const struct pci_function *function);
void pci_msi_raise(struct pci_function *function);

/* A device raises vector n; messages that may go out now are taken one by one. */
void pci_msix_raise(struct pci_function *function, unsigned vector);
/* Whether any was raised; looked at for every device in every turn. */
static inline bool pci_has_raised(const struct pci_function *function) {
    return function->msi_pending || function->msix_pending != 0;
}
bool pci_take_message(struct pci_function *function, struct apic_message *message);

/* What a write of `data` to the MSI address means; false: not an interrupt message. */
bool pci_decode_message(uint32_t address, uint32_t data, struct apic_message *message);

#endif
