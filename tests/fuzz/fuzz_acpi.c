/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables of any bytes. The input is cut into MADT, FADT's DSDT, DMAR and IVRS, with the right
 * signatures and checksums so that the parsers behind them are reached.
 */
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/kernel/fake_machine.h"

#include "iommu/scope.h"
#include "kernel/x86/acpi.c"
#include "pci/pci.h"

enum { TABLES = 4, ROOM = 4096 };

static struct pci_function bridge = { .requester_id = 8, .bridge = true, .secondary = 1 };

uint32_t pci_find(uint32_t id) { return id == 8 ? 0 : BH_NONE; }
struct pci_function *pci_function(uint32_t index) { (void)index; return &bridge; }
uint32_t pci_alias(uint32_t index) { return index + 9; }

static void put_table(const char *signature, const uint8_t *data, size_t size) {
    static uint8_t room[TABLES][ROOM];
    static unsigned next;
    uint8_t *table = room[next++ % TABLES];
    if (size > ROOM - 36)
        size = ROOM - 36;
    memcpy(table + 36, data, size);
    fake_acpi_header(table, signature, (uint32_t)(36 + size));
    fake_acpi_add(table);
}

static void use_scopes(const struct scopes *scopes) {
    scopes_refuse(scopes, 8);
    scopes_ioapic_requester(scopes, 0);
    scopes_own_registers(scopes, 0xfed80000, 4096);
}

static void use_tables(void) {
    struct scopes scopes;
    acpi_install(paddr(fake_acpi_rsdp()));
    if (dmar_parse(acpi_table("DMAR"), &scopes) == 0)
        use_scopes(&scopes);
    if (ivrs_parse(acpi_table("IVRS"), &scopes) == 0)
        use_scopes(&scopes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const signature[TABLES] = { "APIC", "FACP", "DMAR", "IVRS" };
    acpi = (struct acpi){ 0 };
    root = (struct bytes){ 0, 0 };
    can_sleep = false;
    fake_unmap_all();
    fake_acpi_begin();
    for (unsigned i = 0; i < TABLES; i++)
        put_table(signature[i], data + size * i / TABLES, size * (i + 1) / TABLES - size * i / TABLES);
    fake_panic_expected = true;
    if (setjmp(fake_panic_return) == 0)
        use_tables();
    return 0;
}
