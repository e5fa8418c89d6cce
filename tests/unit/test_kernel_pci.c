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
#include "kernel/pci/sriov.c"
#include "pci/pci.h"
#include "x86/acpi.h"

enum { NIC = 0x0200, DISK = 0x0108, BRIDGE = 0x0604, COMMAND = 4 };

static struct bytes mcfg;

struct bytes acpi_table(const char signature[4]) {
    (void)signature;
    return mcfg;
}

static int begin(void **state) {
    (void)state;
    memset(functions, 0, sizeof functions);
    function_count = 0;
    fake_unmap_all();
    memset(fake_ecam, 0xff, sizeof fake_ecam);
    fake_map(FAKE_ECAM_BASE, fake_ecam, sizeof fake_ecam);
    mcfg = fake_mcfg();
    return 0;
}

static void configuration_space_is_where_the_firmware_says(void **state) {
    enum { BASE = 44, SEGMENT = 52, FIRST_BUS = 54 };
    static uint8_t bytes[60];
    (void)state;
    assert_true(pci_ecam_install());
    assert_true(pci_bus_exists(FAKE_BUSES - 1));
    assert_false(pci_bus_exists(FAKE_BUSES));
    memcpy(bytes, mcfg.at, sizeof bytes);
    mcfg = (struct bytes){ bytes, sizeof bytes - 1 };
    assert_false(pci_ecam_install());
    mcfg.length = sizeof bytes;
    bytes[SEGMENT] = 1;
    assert_false(pci_ecam_install());
    bytes[SEGMENT] = 0;
    bytes[FIRST_BUS] = FAKE_BUSES;
    assert_false(pci_ecam_install());
    bytes[FIRST_BUS] = 0;
    memset(bytes + BASE, 0, 8);
    assert_false(pci_ecam_install());
}

static void discover(void) {
    assert_true(pci_ecam_install());
    pci_discover();
    pci_compute_groups();
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

/* A port with ARI or without, and behind it a function with three virtual ones, the first at
 * `first`; their registers were placed by the firmware. */
static void with_virtual(bool ari, uint16_t first) {
    port(0x08, 1, PCIE_ROOT_PORT, 0x1d);
    fake_config32(0x08, 0x40 + PCIE_CAPABILITIES_2, ari ? PCIE_ARI : 0);
    fake_config32(0x08, PCI_BRIDGE_MEMORY, 0xfe50fe40);
    endpoint(0x100);
    fake_config16(0x100, PCI_STATUS, 0x10);
    fake_config8(0x100, PCI_CAPABILITIES, 0x40);
    fake_config8(0x100, 0x40, PCI_CAP_PCIE);
    fake_config32(0x100, 0x100, PCI_EXT_SRIOV | 1 << 16);
    fake_config16(0x100, 0x100 + SRIOV_CONTROL, CONTROL_ENABLE);
    fake_config16(0x100, 0x100 + SRIOV_TOTAL, 3);
    fake_config16(0x100, 0x100 + SRIOV_FIRST, first);
    fake_config16(0x100, 0x100 + SRIOV_STRIDE, 2);
    fake_config16(0x100, 0x100 + SRIOV_DEVICE, 0x10ca);
    for (unsigned i = 0; i < PCI_BARS; i++)
        fake_config32(0x100, 0x100 + SRIOV_BAR0 + 4 * i, 0xfe440000 + i * 0x10000);
    for (uint32_t id = 0x100u + first, end = id + 6; id < end; id += 2)
        fake_function(id, 0xffff, 0xffff, NIC << 8, 0);
    discover();
}

static void virtual_functions_are_made(void **state) {
    (void)state;
    with_virtual(true, 0x80);
    assert_int_equal(pci_read(0x100, 0x100 + SRIOV_CONTROL, 2), 0);    /* those left on are off */
    assert_int_equal(pci_count(), 2);
    uint32_t physical = pci_find(0x100);
    assert_int_equal(pci_virtual(physical, 0), BH_NONE);
    assert_null(pci_make_virtual(physical, 2));
    pci_compute_groups();
    assert_int_equal(pci_count(), 4);
    assert_int_equal(pci_virtual(physical, 1), pci_find(0x182));
    assert_int_equal(pci_virtual(physical, 2), BH_NONE);
    const struct pci_function *v = pci_function(pci_find(0x182));
    assert_int_equal(v->vendor, 0x8086);
    assert_int_equal(v->device, 0x10ca);
    assert_int_equal(v->bar[0].base, 0xfe440000 + v->bar[0].size);
    assert_int_equal(pci_read(0x100, 0x100 + SRIOV_CONTROL, 2), 0x19);
    assert_int_equal(pci_read(0x100, 0x100 + SRIOV_COUNT, 2), 2);
    assert_int_equal(pci_read(0x08, 0x40 + PCIE_CONTROL_2, 2), PCIE_ARI);
    assert_int_not_equal(group_of(0x180), group_of(0x182));
    assert_int_not_equal(group_of(0x180), group_of(0x100));
}

static void virtual_functions_beside_their_physical_one_are_apart(void **state) {
    (void)state;
    with_virtual(true, 1);
    pci_function(pci_find(0x100))->multi_function = true;
    assert_null(pci_make_virtual(pci_find(0x100), 2));
    pci_compute_groups();
    assert_int_not_equal(group_of(0x101), group_of(0x100));
    assert_int_not_equal(group_of(0x101), group_of(0x103));
}

static void virtual_functions_out_of_reach_are_refused(void **state) {
    (void)state;
    with_virtual(true, 0x80);
    assert_non_null(strstr(pci_make_virtual(pci_find(0x100), 4), "as many"));
    assert_non_null(strstr(pci_make_virtual(pci_find(0x08), 1), "as many"));
    begin(0);
    with_virtual(false, 0x80);
    assert_non_null(strstr(pci_make_virtual(pci_find(0x100), 2), "needs ARI"));
    begin(0);
    with_virtual(true, 0x100);                                          /* on the port's next bus */
    assert_non_null(strstr(pci_make_virtual(pci_find(0x100), 2), "more buses"));
    begin(0);
    with_virtual(true, 0x80);
    fake_config16(0x100, 0x100 + SRIOV_FIRST, 0);                       /* itself */
    assert_non_null(pci_make_virtual(pci_find(0x100), 1));
    begin(0);
    with_virtual(true, 0x80);
    memset(&fake_ecam[0x182 * 4096], 0xff, 4096);
    assert_non_null(strstr(pci_make_virtual(pci_find(0x100), 2), "doesn't show"));
}

static void registers_of_virtual_functions_get_a_free_place(void **state) {
    (void)state;
    with_virtual(true, 0x80);
    const struct pci_function *bridge = pci_function(pci_find(0x08));
    struct pci_bar *taken = &pci_function(pci_find(0x100))->bar[1];
    struct pci_bar bar = { .size = 0x4000 };
    uint64_t from = 0;
    *taken = (struct pci_bar){ .base = 0xfe402000, .size = 0x1000 };
    assert_true(place(bridge, &bar, 3, &from));
    assert_int_equal(bar.base, 0xfe404000);
    assert_int_equal(from, 0xfe410000);
    bar.base = 0;
    assert_true(place(bridge, &bar, 3, &from));
    assert_int_equal(bar.base, 0xfe410000);
    bar.base = 0;
    assert_false(place(bridge, &bar, 200, &from));
    taken->size = 0x300000;
    assert_false(place(bridge, &bar, 3, &from));
    bar = (struct pci_bar){ .size = 16 };                               /* two in one page */
    assert_false(place(bridge, &bar, 3, &from));
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

static void errors_are_those_of_both_registers(void **state) {
    (void)state;
    endpoint(0x18);
    fake_config16(0x18, PCI_STATUS, 0x4010);
    fake_config8(0x18, PCI_CAPABILITIES, 0x40);
    fake_config8(0x18, 0x40, PCI_CAP_PCIE);
    fake_config16(0x18, 0x4a, 0x24);                     /* a fatal error; transactions pending */
    discover();
    assert_int_equal(pci_take_errors(pci_function(0)), 0x4004);
    fake_config16(0x18, PCI_STATUS, 0x10);
    fake_config16(0x18, 0x4a, 0x20);
    assert_int_equal(pci_take_errors(pci_function(0)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(configuration_space_is_where_the_firmware_says, begin),
        cmocka_unit_test_setup(bus_mastering_and_intx_are_off, begin),
        cmocka_unit_test_setup(functions_of_one_device_are_one_group, begin),
        cmocka_unit_test_setup(acs_keeps_ports_apart, begin),
        cmocka_unit_test_setup(a_conventional_bus_is_one_group_and_one_id, begin),
        cmocka_unit_test_setup(capability_loops_end, begin),
        cmocka_unit_test_setup(msix_pages_are_known, begin),
        cmocka_unit_test_setup(virtual_functions_are_made, begin),
        cmocka_unit_test_setup(virtual_functions_beside_their_physical_one_are_apart, begin),
        cmocka_unit_test_setup(virtual_functions_out_of_reach_are_refused, begin),
        cmocka_unit_test_setup(registers_of_virtual_functions_get_a_free_place, begin),
        cmocka_unit_test_setup(msix_entries_are_written_masked, begin),
        cmocka_unit_test_setup(a_table_outside_its_bar_is_refused, begin),
        cmocka_unit_test_setup(errors_are_those_of_both_registers, begin),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
