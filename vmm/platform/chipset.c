/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chipset's configuration spaces.
 */
#include "vmm/platform/chipset.h"

#include <stddef.h>

#include "vmm/platform/pm.h"

enum chip {
    INTEL = 0x8086, I440FX = 0x1237, PIIX_ISA = 0x7000, PIIX4_POWER = 0x7113,
    CLASS_HOST = 0x060000, CLASS_ISA = 0x060100, CLASS_OTHER_BRIDGE = 0x068000,
};
#define QEMU_SUBSYSTEM 0x11001af4u   /* by which SeaBIOS looks for the configuration device */

enum chip_register {
    FX_PAM = 0x59, FX_PAM_END = 0x60, FX_SMRAM = 0x72,
    ISA_ROUTES = 0x60, ISA_ROUTES_END = 0x64,
    POWER_BASE = 0x40, POWER_ENABLE = 0x80, POWER_IS_PORTS = 1, POWER_ENABLED = 1,
};

static void keep(struct pci_function *function, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++)
        function->writable[i] = 0xff;
}

/* PAM and SMRAM keep what is written, and mean nothing: all below 1 MiB is RAM. */
static void create_host(struct pci_function *host) {
    pci_create(host, INTEL, I440FX, CLASS_HOST, 0);
    pci_put32(host, PCI_SUBSYSTEM, QEMU_SUBSYSTEM);
    keep(host, FX_PAM, FX_PAM_END);
    keep(host, FX_SMRAM, FX_SMRAM + 1);
}

/* Already where the ACPI tables say that it is. */
static void create_power(struct pci_function *power) {
    pci_create(power, INTEL, PIIX4_POWER, CLASS_OTHER_BRIDGE, 0);
    pci_put32(power, POWER_BASE, PM_PORT | POWER_IS_PORTS);
    power->config[POWER_ENABLE] = POWER_ENABLED;
}

/* Passes everything on, always: OVMF takes an ISA bridge for one only then. */
static void create_isa(struct pci_function *isa) {
    pci_create(isa, INTEL, PIIX_ISA, CLASS_ISA, 0);
    isa->config[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    isa->writable[PCI_COMMAND] = 0;
    keep(isa, ISA_ROUTES, ISA_ROUTES_END);
}

void chipset_create(struct chipset *chipset) {
    create_host(&chipset->host);
    create_isa(&chipset->isa);
    create_power(&chipset->power);
}

struct pci_function *chipset_function(struct chipset *chipset, unsigned device, unsigned function) {
    if (device == 0 && function == 0)
        return &chipset->host;
    if (device == CHIPSET_ISA_DEVICE && function == 0)
        return &chipset->isa;
    if (device == CHIPSET_POWER_DEVICE && function == CHIPSET_POWER_FUNCTION)
        return &chipset->power;
    return NULL;
}
