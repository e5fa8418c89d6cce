/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's reading of ACPI tables, good ones and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/kernel/fake_machine.h"

#include "kernel/x86/acpi.c"

static uint8_t madt[256], fadt[148], dsdt[128];

static void put_bytes(uint8_t *table, uint32_t *at, const uint8_t *bytes, uint32_t count) {
    memcpy(table + *at, bytes, count);
    *at += count;
}

static uint32_t good_madt(void) {
    static const uint8_t entries[] = {
        0, 8, 0, 0x40, 1, 0, 0, 0,                        /* local APICs: 0x40, 0x41 disabled, 0x42 */
        0, 8, 1, 0x41, 0, 0, 0, 0,
        0, 8, 2, 0x42, 1, 0, 0, 0,
        1, 12, 7, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,        /* I/O APIC 7 at 0xfec00000 */
        2, 10, 0, 0, 2, 0, 0, 0, 0, 0,                    /* ISA line 0 is interrupt 2 */
        9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,  /* x2APIC 0x100 */
    };
    uint32_t at = 44;
    put_bytes(madt, &at, entries, sizeof entries);
    return at;
}

static void forget(void) {
    acpi = (struct acpi){ 0 };
    root = (struct bytes){ 0, 0 };
    can_sleep = false;
    fake_unmap_all();
    fake_acpi_begin();
    memset(madt, 0, sizeof madt);
    fake_panic_expected = false;
}

static void install_madt(uint32_t length) {
    fake_acpi_header(madt, "APIC", length);
    fake_acpi_add(madt);
    acpi_install(paddr(fake_acpi_rsdp()));
}

static void cores_and_lines_are_found(void **state) {
    (void)state;
    forget();
    install_madt(good_madt());
    assert_int_equal(acpi.core_count, 3);
    assert_int_equal(acpi.core_apic_id[2], 0x100);
    assert_int_equal(acpi.ioapic_id, 7);
    assert_int_equal(acpi.ioapic.value, 0xfec00000);
    assert_int_equal(acpi.isa_gsi[0], 2);
    assert_int_equal(acpi.isa_gsi[4], 4);
}

static void an_entry_beyond_the_table_ends_it(void **state) {
    (void)state;
    forget();
    uint32_t length = good_madt();
    madt[44 + 8 + 1] = 250;
    install_madt(length);
    assert_int_equal(acpi.core_count, 1);
    forget();
    length = good_madt();
    madt[44 + 8 + 1] = 0;
    install_madt(length);
    assert_int_equal(acpi.core_count, 1);
}

static void a_wrong_checksum_hides_a_table(void **state) {
    (void)state;
    forget();
    fake_acpi_header(madt, "APIC", good_madt());
    fake_acpi_add(madt);
    madt[60]++;
    fake_panic_expected = true;
    if (setjmp(fake_panic_return) == 0) {
        acpi_install(paddr(fake_acpi_rsdp()));
        fail();
    }
    assert_non_null(strstr(fake_panic_text, "MADT"));
    assert_int_equal(acpi_table("APIC").length, 0);
}

static void no_rsdp_stops_the_boot(void **state) {
    (void)state;
    forget();
    fake_unmap_all();
    fake_panic_expected = true;
    if (setjmp(fake_panic_return) == 0) {
        acpi_install(paddr(0));
        fail();
    }
    assert_non_null(strstr(fake_panic_text, "RSDP"));
}

static void add_fadt(const uint8_t *aml, uint32_t size) {
    const uint64_t dsdt_base = 0x5000000;
    uint32_t low = (uint32_t)dsdt_base, pm1a = 0x604;
    memset(dsdt, 0, sizeof dsdt);
    memcpy(dsdt + 50, aml, size);
    fake_acpi_header(dsdt, "DSDT", 50 + size);
    fake_map(dsdt_base, dsdt, sizeof dsdt);
    memset(fadt, 0, sizeof fadt);
    memcpy(fadt + 40, &low, 4);
    memcpy(fadt + 64, &pm1a, 4);
    fake_acpi_header(fadt, "FACP", sizeof fadt);
    fake_acpi_add(fadt);
}

static void sleep_types_are_read(void **state) {
    static const uint8_t aml[] = { 8, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 1, 0, 0 };
    (void)state;
    forget();
    add_fadt(aml, sizeof aml);
    install_madt(good_madt());
    assert_true(can_sleep);
    assert_int_equal(sleep_a, 5);
    assert_int_equal(sleep_b, 1);
    assert_int_equal(pm1a_control, 0x604);
}

static void a_cut_off_package_is_no_package(void **state) {
    static const uint8_t aml[] = { 8, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a };
    (void)state;
    forget();
    add_fadt(aml, sizeof aml);
    install_madt(good_madt());
    assert_false(can_sleep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_and_lines_are_found),
        cmocka_unit_test(an_entry_beyond_the_table_ends_it),
        cmocka_unit_test(a_wrong_checksum_hides_a_table),
        cmocka_unit_test(no_rsdp_stops_the_boot),
        cmocka_unit_test(sleep_types_are_read),
        cmocka_unit_test(a_cut_off_package_is_no_package),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
