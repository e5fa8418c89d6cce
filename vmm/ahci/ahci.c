/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AHCI controller's life: power-on, interrupt output, the I/O thread's turn.
 */
#include "vmm/ahci/parts.h"

enum { VENDOR = 0x8086, DEVICE = 0x2922, CLASS_AHCI = 0x010601, REVISION = 2 };
/* ICH9 datasheet, "Port Control and Status": which ports are enabled; drivers check it. */
enum { CONFIG_PCS = 0x92 };

void ahci_create(struct ahci *ahci, const struct guest_memory *memory, uint32_t memory_base,
                 uint8_t interrupt_line) {
    ahci->present = ahci->ports != 0;
    ahci->interrupts = false;
    ahci->raised = ahci->told = 0;
    pci_create(&ahci->pci, VENDOR, DEVICE, CLASS_AHCI, DEVICE);
    ahci->pci.config[PCI_CLASS] = REVISION;
    pci_add_memory_bar(&ahci->pci, AHCI_MEMORY_BAR, memory_base, AHCI_MEMORY_SIZE);
    pci_add_interrupt_pin(&ahci->pci, interrupt_line);
    pci_add_msi(&ahci->pci);
    pci_put16(&ahci->pci, CONFIG_PCS, (uint16_t)((1u << ahci->ports) - 1));
    for (uint32_t i = 0; i < ahci->ports; i++) {
        struct ahci_port *port = &ahci->port[i];
        port->memory = memory;
        port->pci = &ahci->pci;
        port->number = i;
        ahci_port_create(port);
    }
}

void ahci_collect_causes(struct ahci *ahci) {
    for (uint32_t i = 0; i < ahci->ports; i++)
        if (ahci_port_causes(&ahci->port[i]) & ahci->port[i].mask)
            ahci->raised |= 1u << i;
    uint32_t telling = ahci->interrupts ? ahci->raised : 0;
    if (telling & ~ahci->told)
        pci_msi_raise(&ahci->pci);
    ahci->told = telling;
}

bool ahci_interrupt(const struct ahci *ahci) {
    bool pin = pci_interrupt_pin_open(&ahci->pci) && !pci_msi_enabled(&ahci->pci);
    return ahci->interrupts && ahci->raised != 0 && pin;
}

bool ahci_run(struct ahci *ahci, unsigned budget, uint32_t *last) {
    bool more = false;
    if (!ahci->present)
        return false;
    for (uint32_t i = 0; i < ahci->ports; i++)
        more |= ahci_port_run(&ahci->port[i], budget, last);
    ahci_collect_causes(ahci);
    return more;
}

bool ahci_settle(struct ahci *ahci) {
    bool quiet = true;
    for (uint32_t i = 0; ahci->present && i < ahci->ports; i++)
        quiet &= ahci_port_settle(&ahci->port[i]);
    return quiet;
}
