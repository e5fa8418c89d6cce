/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader of Linux kernels, over good, odd and hostile images; the ACPI tables that go with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/cpu/x86.h"
#include "vmm/platform/acpi.h"
#include "vmm/platform/hpet.h"
#include "vmm/platform/layout.h"

enum { IMAGE = FAKE_KERNEL, SETUP = 2 * 512, PREFERRED = FAKE_KERNEL_AT };

static uint8_t image[IMAGE];
static uint8_t initrd[5000];
static struct loader_input input;

static void put(unsigned offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        image[offset + i] = (uint8_t)(value >> (8 * i));
}

static int setup(void **state) {
    (void)state;
    vm_fake_make(2);
    vm_fake_kernel(image);
    memset(initrd, 0x77, sizeof(initrd));
    input = (struct loader_input){ image, sizeof(image), initrd, sizeof(initrd), "console=ttyS0",
                                   { LAYOUT_ACPI }, false };
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static struct loader_result load(void) {
    return loader_load(&vm_fake.vm.memory, &input);
}

static uint64_t get(uint64_t gpa, unsigned size) {
    uint64_t value = 0;
    guest_read(&vm_fake.vm.memory, (struct gpa){ gpa }, &value, size);
    return value;
}

static void good_image_loads(void **state) {
    (void)state;
    struct loader_result result = load();
    assert_null(result.error);
    assert_int_equal(result.entry.value, PREFERRED + 0x200);
    assert_true(result.long_mode);
    assert_int_equal(get(PREFERRED, 1), 0xc3);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x202, 4), 0x53726448);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x210, 1), 0xff);
    uint64_t at = get(LAYOUT_ZERO_PAGE + 0x218, 4);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x21c, 4), sizeof(initrd));
    assert_int_equal(get(at, 4), 0x77777777);
    assert_true(at + sizeof(initrd) <= FAKE_RAM && at >= PREFERRED + 0x10000);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x1e8, 1), 3);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x2d0 + 2 * 20 + 8, 8), FAKE_RAM - 0x100000);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x070, 8), LAYOUT_ACPI);
    assert_memory_equal(guest_range(&vm_fake.vm.memory, (struct gpa){ LAYOUT_COMMAND_LINE }, 14),
                        "console=ttyS0", 14);
}

/* A kernel without the 64-bit entry begins where its protected-mode part does, without paging. */
static void kernel_of_32_bits_starts_in_protected_mode(void **state) {
    (void)state;
    struct vcpu *vcpu = &vm_fake.vm.vcpu[0];
    put(0x236, 2, 0);
    struct loader_result result = load();
    assert_null(result.error);
    assert_int_equal(result.entry.value, PREFERRED);
    assert_int_equal(get(LAYOUT_GDT + 16, 8), 0x00cf9b000000ffffull);
    start_reset(vcpu);
    start_kernel(vcpu, &result);
    assert_int_equal(vcpu->state->rip, PREFERRED);
    assert_int_equal(vcpu->state->gpr[BH_RSI], LAYOUT_ZERO_PAGE);
    assert_int_equal(vcpu->state->cr0 & (CR0_PE | CR0_PG), CR0_PE);
    assert_int_equal(vcpu->state->efer, 0);
    assert_int_equal(vcpu->state->segment[BH_CS].attributes, SEGMENT_FLAT_CODE_32);
}

static void kernel_moves_when_its_place_is_missing(void **state) {
    (void)state;
    put(0x258, 8, 0x10000000);
    assert_int_equal(load().entry.value, 0x200200);
    put(0x234, 1, 0);
    assert_non_null(load().error);
}

/* Each field spoilt alone is refused with a reason, and nothing is written outside of memory. */
static void damaged_headers_are_refused(void **state) {
    (void)state;
    static const struct { unsigned offset, size; uint64_t value; } damage[] = {
        { 0x1fe, 2, 0 }, { 0x202, 4, 0 }, { 0x206, 2, 0x0201 },
        { 0x201, 1, 0 }, { 0x201, 1, 0xff }, { 0x230, 4, 0 }, { 0x230, 4, 0x300001 },
        { 0x260, 4, 0xffffffff }, { 0x22c, 4, 0x1000 }, { 0x1f1, 1, 255 }, { 0x238, 4, 3 },
    };
    for (unsigned i = 0; i < sizeof(damage) / sizeof(*damage); i++) {
        uint8_t saved[IMAGE];
        memcpy(saved, image, IMAGE);
        put(damage[i].offset, damage[i].size, damage[i].value);
        assert_non_null(load().error);
        memcpy(image, saved, IMAGE);
    }
    for (uint64_t size = 0; size < 0x600; size += 64) {
        input.kernel_size = size;
        assert_non_null(load().error);
    }
}

static void too_little_memory_is_refused(void **state) {
    (void)state;
    input.initrd_size = FAKE_RAM;
    assert_non_null(strstr(load().error, "initramfs"));
    input.initrd_size = 0;
    vm_fake.vm.memory.part[0].size = 1 << 20;
    assert_non_null(strstr(load().error, "memory"));
}

static uint8_t sum(const uint8_t *bytes, size_t size) {
    uint8_t total = 0;
    for (size_t i = 0; i < size; i++)
        total = (uint8_t)(total + bytes[i]);
    return total;
}

static const uint8_t *table(const uint8_t *tables, uint64_t at, const char *signature) {
    const uint8_t *found = tables + (at - LAYOUT_ACPI);
    uint32_t length;
    assert_memory_equal(found, signature, 4);
    memcpy(&length, found + 4, 4);
    assert_int_equal(sum(found, length), 0);
    return found;
}

static void acpi_tables_hang_together(void **state) {
    (void)state;
    static uint8_t tables[0x8000];
    uint64_t xsdt, fadt, madt, hpet, dsdt, hpet_page;
    struct acpi_fixups fixups;
    const struct acpi_machine machine = { .at = LAYOUT_ACPI, .hole = LAYOUT_HOLE, .vcpu_count = 2,
                                          .hpet = true };
    size_t size = acpi_build(tables, sizeof(tables), &machine, &fixups);
    assert_true(size > 0);
    assert_memory_equal(tables, "RSD PTR ", 8);
    assert_int_equal(sum(tables, 20), 0);
    assert_int_equal(sum(tables, 36), 0);
    memcpy(&xsdt, tables + 24, 8);
    memcpy(&fadt, table(tables, xsdt, "XSDT") + 36, 8);
    memcpy(&madt, table(tables, xsdt, "XSDT") + 44, 8);
    memcpy(&hpet, table(tables, xsdt, "XSDT") + 52, 8);
    memcpy(&hpet_page, table(tables, hpet, "HPET") + 44, 8);
    assert_int_equal(hpet_page, HPET_PAGE);
    memcpy(&dsdt, table(tables, fadt, "FACP") + 140, 8);
    table(tables, dsdt, "DSDT");
    assert_int_equal(table(tables, madt, "APIC")[44], 0);
    for (size_t less = 0; less < size; less += 7)
        assert_int_equal(acpi_build(tables, less, &machine, &fixups), 0);
}

/* Whether the tables name a keyboard (PNP0303), and what the FADT says of the board. */
static bool names_keyboard(bool screen, uint16_t *boot_flags) {
    static uint8_t tables[0x8000];
    static const uint8_t pnp0303[] = { 0x41, 0xd0, 0x03, 0x03 };
    uint64_t xsdt, fadt;
    struct acpi_fixups fixups;
    const struct acpi_machine machine = { .at = LAYOUT_ACPI, .hole = LAYOUT_HOLE, .vcpu_count = 1,
                                          .screen = screen };
    size_t size = acpi_build(tables, sizeof(tables), &machine, &fixups);
    memcpy(&xsdt, tables + 24, 8);
    memcpy(&fadt, table(tables, xsdt, "XSDT") + 36, 8);
    memcpy(boot_flags, table(tables, fadt, "FACP") + 109, 2);
    return memmem(tables, size, pnp0303, sizeof(pnp0303)) != NULL;
}

static void screen_is_told_by_zero_page_and_tables(void **state) {
    (void)state;
    uint16_t flags;
    load();
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x0f, 1), 0);
    assert_int_equal(get(LAYOUT_TEXT, 2), 0);
    assert_false(names_keyboard(false, &flags));
    assert_int_equal(flags & 6, 4);                  /* no VGA, no keyboard controller */
    input.screen = true;
    load();
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x06, 2), 80 << 8 | 3);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x0e, 2), 1 << 8 | 25);
    assert_int_equal(get(LAYOUT_ZERO_PAGE + 0x10, 2), 16);
    assert_int_equal(get(LAYOUT_TEXT, 2), 0x0720);
    assert_int_equal(get(LAYOUT_TEXT + LAYOUT_TEXT_SIZE - 2, 2), 0x0720);
    assert_int_equal(get(LAYOUT_TEXT + LAYOUT_TEXT_SIZE, 2), 0);
    assert_true(names_keyboard(true, &flags));
    assert_int_equal(flags & 6, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(good_image_loads),
        TEST(kernel_of_32_bits_starts_in_protected_mode),
        TEST(kernel_moves_when_its_place_is_missing),
        TEST(damaged_headers_are_refused),
        TEST(too_little_memory_is_refused),
        TEST(acpi_tables_hang_together),
        TEST(screen_is_told_by_zero_page_and_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
