/* SPDX-License-Identifier: BSD-2-Clause */
/* Enumeration, capability walks, isolation groups and message interrupts over a fake ECAM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/kernel/fake_machine.h"

#include "kernel/pci/enumerate.c"
#include "pci/pci.h"
#include "x86/acpi.h"

enum { NIC = 0x0200, DISK = 0x0108, BRIDGE = 0x0604, COMMAND = 4 };

bool acpi_ecam(paddr_t *base, uint32_t *first_bus, uint32_t *last_bus) {
    *base = paddr(FAKE_ECAM_BASE);
    *first_bus = 0;
    *last_bus = FAKE_BUSES - 1;
    return true;
}

static int begin(void **state) {
    (void)state;
    memset(functions, 0, sizeof functions);
    function_count = 0;
    fake_unmap_all();
    memset(fake_ecam, 0xff, sizeof fake_ecam);
    fake_map(FAKE_ECAM_BASE, fake_ecam, sizeof fake_ecam);
    return 0;
}

static void discover(void) {
    assert_true(pci_ecam_install());
    pci_discover();
}

static void endpoint(uint32_t rid) {
    fake_function(rid, 0x8086, 0x10d3, NIC << 8, 0);
    fake_config16(rid, COMMAND, 7);
}

static void port(uint32_t rid, uint8_t secondary, uint8_t type, uint16_t acs) {
    fake_function(rid, 0x1b36, 0x000c, BRIDGE << 8, 1);
    fake_config8(rid, PCI_BUS_NUMBERS + 1, secondary);
    fake_config8(rid, PCI_BUS_NUMBERS + 2, secondary);
    fake_config16(rid, PCI_STATUS, 0x10);
    fake_config8(rid, PCI_CAPABILITIES, 0x40);
    fake_config8(rid, 0x40, PCI_CAP_PCIE);
    fake_config16(rid, 0x42, (uint16_t)(type << 4 | 2));
    fake_config32(rid, 0x100, PCI_EXT_ACS | 1 << 16);
    fake_config16(rid, 0x104, acs);
}

static uint32_t group_of(uint32_t rid) {
    return pci_function(pci_find(rid))->group;
}

static void bus_mastering_and_intx_are_off(void **state) {
    (void)state;
    endpoint(0x18);
    discover();
    assert_int_equal(pci_count(), 1);
    assert_int_equal(pci_read(0x18, COMMAND, 2) & 0x404, 0x400);
    pci_set_master(0, true);
    assert_int_equal(pci_read(0x18, COMMAND, 2) & 0x404, 0x404);
}

static void functions_of_one_device_are_one_group(void **state) {
    (void)state;
    endpoint(0x18);
    endpoint(0x19);
    endpoint(0x20);
    fake_config8(0x18, PCI_HEADER_TYPE, 0x80);
    fake_config8(0x19, PCI_HEADER_TYPE, 0x80);
    discover();
    assert_int_equal(group_of(0x18), group_of(0x19));
    assert_int_not_equal(group_of(0x18), group_of(0x20));
    assert_non_null(strstr(pci_function(pci_find(0x19))->group_reason, "functions of one device"));
}

static void acs_keeps_ports_apart(void **state) {
    (void)state;
    port(0x08, 1, PCIE_ROOT_PORT, 0x1d);
    port(0x10, 2, PCIE_ROOT_PORT, 0);
    endpoint(0x100);
    endpoint(0x200);
    discover();
    assert_int_not_equal(group_of(0x08), group_of(0x100));
    assert_int_equal(pci_read(0x08, 0x106, 2), 0x1d);
    assert_int_equal(group_of(0x10), group_of(0x200));
    assert_int_equal(pci_alias(pci_find(0x100)), BH_NONE);
}

static void a_conventional_bus_is_one_group_and_one_id(void **state) {
    (void)state;
    port(0x08, 1, PCIE_TO_PCI_BRIDGE, 0x1d);
    endpoint(0x108);
    endpoint(0x110);
    discover();
    assert_int_equal(group_of(0x108), group_of(0x110));
    assert_int_equal(pci_alias(pci_find(0x108)), 0x100);
    assert_non_null(strstr(pci_function(pci_find(0x110))->group_reason, "conventional"));
}

static void capability_loops_end(void **state) {
    (void)state;
    endpoint(0x18);
    fake_config16(0x18, PCI_STATUS, 0x10);
    fake_config8(0x18, PCI_CAPABILITIES, 0x50);
    fake_config16(0x18, 0x50, 0x5009);
    fake_config32(0x18, 0x100, 0x10010001);
    discover();
    assert_int_equal(pci_capability(0x18, PCI_CAP_MSI), 0);
    assert_int_equal(pci_extended_capability(0x18, PCI_EXT_ACS), 0);
}

static void with_msix(uint32_t table, uint32_t pba) {
    endpoint(0x18);
    fake_config16(0x18, PCI_STATUS, 0x10);
    fake_config8(0x18, PCI_CAPABILITIES, 0x50);
    fake_config8(0x18, 0x50, PCI_CAP_MSIX);
    fake_config16(0x18, 0x52, 4);
    fake_config32(0x18, 0x54, table);
    fake_config32(0x18, 0x58, pba);
    discover();
    pci_function(0)->bar[3] = (struct pci_bar){ .base = 0xfe000000, .size = 0x4000 };
}

static void msix_pages_are_known(void **state) {
    (void)state;
    with_msix(0x1003, 0x2003);
    const struct pci_function *f = pci_function(0);
    assert_int_equal(f->msix_entries, 5);
    assert_false(pci_msix_touches(f, 3, 0, 0x1000));
    assert_true(pci_msix_touches(f, 3, 0, 0x2000));
    assert_true(pci_msix_touches(f, 3, 0x2000, 0x1000));
    assert_false(pci_msix_touches(f, 3, 0x3000, 0x1000));
    assert_false(pci_msix_touches(f, 2, 0, 0x4000));
}

static void msix_entries_are_written_masked(void **state) {
    static uint32_t table[20];
    (void)state;
    fake_map(0xfe001000, table, sizeof table);
    with_msix(0x1003, 0x2003);
    assert_true(pci_msix_map(0));
    pci_message_set(0, true, 2, 0x1fee00010ull, 5);
    assert_int_equal(table[8], 0xfee00010);
    assert_int_equal(table[9], 1);
    assert_int_equal(table[10], 5);
    assert_int_equal(table[11], 1);
    pci_message_mask(0, true, 2, false);
    assert_int_equal(table[11], 0);
}

static void a_table_outside_its_bar_is_refused(void **state) {
    (void)state;
    with_msix(0x3ff3, 0x2003);
    assert_false(pci_msix_map(0));
    begin(0);
    with_msix(0x1007, 0x2003);
    assert_false(pci_msix_map(0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bus_mastering_and_intx_are_off, begin),
        cmocka_unit_test_setup(functions_of_one_device_are_one_group, begin),
        cmocka_unit_test_setup(acs_keeps_ports_apart, begin),
        cmocka_unit_test_setup(a_conventional_bus_is_one_group_and_one_id, begin),
        cmocka_unit_test_setup(capability_loops_end, begin),
        cmocka_unit_test_setup(msix_pages_are_known, begin),
        cmocka_unit_test_setup(msix_entries_are_written_masked, begin),
        cmocka_unit_test_setup(a_table_outside_its_bar_is_refused, begin),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
