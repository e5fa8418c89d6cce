/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions whose configuration space is any bytes: enumeration, capability walks, virtual functions,
 * groups, aliases, MSI-X ranges and the reset ladder must end and stay within their tables.
 */
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/kernel/fake_machine.h"

#include "kernel/pci/enumerate.c"
#include "x86/acpi.h"

enum { FUNCTIONS = 4 };
static const uint32_t places[FUNCTIONS] = { 0x08, 0x09, 0x100, 0x208 };

struct bytes acpi_table(const char signature[4]) {
    (void)signature;
    return fake_mcfg();
}

static void fill(const uint8_t *data, size_t size) {
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        uint8_t *config = &fake_ecam[places[i] * 4096];
        size_t first = size * i / FUNCTIONS, count = size * (i + 1) / FUNCTIONS - first;
        memset(config, 0, 4096);
        memcpy(config, data + first, count < 4096 ? count : 4096);
    }
}

static void use_function(uint32_t index) {
    struct pci_reset reset;
    struct pci_function *f = pci_function(index);
    pci_alias(index);
    pci_reset_method(index);
    pci_msix_map(index);
    pci_msix_touches(f, f->msix_table.bar, 0, 4096);
    pci_set_master(index, true);
    pci_reset_start(index, &reset);
    for (unsigned step = 0; step < 8; step++) {
        if (pci_reset_step(index, &reset) != PCI_RESET_AGAIN)
            break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    memset(functions, 0, sizeof functions);
    function_count = 0;
    fake_unmap_all();
    fake_map(FAKE_ECAM_BASE, fake_ecam, sizeof fake_ecam);
    for (uint32_t id = 0; id < sizeof fake_ecam / 4096; id++)
        fake_ecam[id * 4096] = fake_ecam[id * 4096 + 1] = 0xff;
    fill(data, size);
    fake_panic_expected = true;
    if (setjmp(fake_panic_return) == 0 && pci_ecam_install()) {
        pci_discover();
        for (uint32_t i = 0, found = pci_count(); i < found; i++)
            pci_make_virtual(i, 2);
        pci_compute_groups();
        for (uint32_t i = 0; i < pci_count(); i++)
            use_function(i);
    }
    return 0;
}
