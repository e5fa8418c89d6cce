/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A passed-through function as its guest finds it: what it may see, where its registers appear,
 * its messages, its resets, and what the kernel is told of all that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/passed_fake.h"
#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"

enum { CARD = LAYOUT_PCI_PASSED, MEMORY = 2, MASTER = 4, VECTOR = 0x51, MOST_CAPABILITIES = 10 };
enum { POWER = 0x01, MSI = 0x05, VENDOR = 0x09, PCIE = 0x10, MSIX = 0x11 };
enum { MSIX_ON = 1u << 31, FLR = 1u << 15 };
#define BAR_AT 0xd0000000u

static struct vm *vm;

static int make(bool msix) {
    vm_fake_make(1);
    vm = &vm_fake.vm;
    passed_fake_use(msix);
    return 0;
}

static int setup(void **state) {
    (void)state;
    return make(true);
}

static int setup_msi(void **state) {
    (void)state;
    return make(false);
}

/* Whatever a test did, the kernel was asked for nothing that it refuses. */
static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return passed_fake.mistakes != 0;
}

static uint32_t get(unsigned offset) {
    return vm_fake_config_read(CARD, offset);
}

static void set(unsigned offset, uint32_t value) {
    vm_fake_config_write(CARD, offset, value);
}

/* The offset of a capability in the guest's list; 0: it isn't in it. */
static unsigned capability(uint8_t id) {
    unsigned at = get(PCI_CAPABILITIES) & 0xff;
    for (unsigned i = 0; i < MOST_CAPABILITIES && at != 0; i++) {
        if ((get(at) & 0xff) == id)
            return at;
        at = get(at) >> 8 & 0xff;
    }
    assert_int_equal(at, 0);
    return 0;
}

static bool interrupt_came(void) {
    struct apic *apic = &vm->vcpu[0].apic;
    apic_write(apic, 0xf, 0x1ff, 0, &(struct apic_effect){ 0 });
    apic_collect(apic);
    bool came = (apic->irr[VECTOR / 32] >> (VECTOR % 32) & 1) != 0;
    apic->irr[VECTOR / 32] &= ~(1u << (VECTOR % 32));
    return came;
}

/* ---- Configuration space ---- */

static void ids_are_the_functions_own(void **state) {
    (void)state;
    assert_int_equal(get(PCI_ID), 0x10d38086);
    assert_int_equal(get(PCI_CLASS), 0x02000007);
    assert_int_equal(get(PCI_SUBSYSTEM), 0xa01f8086);
    assert_int_equal(get(0x0c), 0);            /* one function, whatever the machine's has */
    assert_int_equal(get(0x30), 0);            /* no ROM */
    assert_int_equal(get(0x3c) >> 8 & 0xff, 0);
}

static void only_known_capabilities_are_seen(void **state) {
    (void)state;
    assert_int_not_equal(capability(POWER), 0);
    assert_int_not_equal(capability(MSIX), 0);
    assert_int_not_equal(capability(PCIE), 0);
    assert_int_equal(capability(MSI), 0);
    assert_int_equal(capability(VENDOR), 0);
    unsigned pcie = capability(PCIE);
    assert_int_equal(get(pcie) >> 20 & 0xf, 9);        /* of the root complex, so without a link */
    assert_int_equal(get(pcie + 12), 0);
    assert_int_equal(get(capability(MSIX)) >> 16 & 0x7ff, PASSED_ENTRIES - 1);
    assert_int_equal(get(capability(MSIX) + 4), PASSED_TABLE | PASSED_BAR);
}

static void endless_list_of_capabilities_ends(void **state) {
    (void)state;
    struct passthrough *p = &vm->passed[0];
    passed_fake.config[PCI_CAPABILITIES / 4] = 0x40;
    passed_fake.config[0x40 / 4] = 0x4009;
    passthrough_learn(p);
    devices_reset(vm);
    assert_int_equal(get(PCI_CAPABILITIES), 0);
    assert_false(p->msix);
}

static void bars_have_their_sizes_and_no_ports(void **state) {
    (void)state;
    static const uint32_t sizes[] = { 0xffffc000, 0, 0, 0, 0xffff0000, 0 };
    set(PCI_COMMAND, 0);
    for (unsigned bar = 0; bar < PASSTHROUGH_BARS; bar++) {
        set(PCI_BAR + 4 * bar, 0xffffffff);
        assert_int_equal(get(PCI_BAR + 4 * bar), sizes[bar]);
    }
}

/* ---- Where its registers are ---- */

static void registers_are_where_firmware_would_put_them(void **state) {
    (void)state;
    assert_int_equal(passed_fake.at[0], get(PCI_BAR));
    assert_int_equal(passed_fake.at[1], get(PCI_BAR + 4 * PASSED_WIDE_BAR) + PASSED_PIECE_SIZE);
    assert_int_equal(get(PCI_BAR), LAYOUT_HOLE);
}

static void registers_follow_their_bar(void **state) {
    (void)state;
    set(PCI_BAR, BAR_AT);
    assert_int_equal(passed_fake.at[0], BAR_AT);
    set(PCI_COMMAND, 0);
    assert_int_equal(passed_fake.at[0], 0);
    assert_int_equal(passed_fake.at[1], 0);
    set(PCI_BAR, BAR_AT + 0x4000);
    assert_int_equal(passed_fake.at[0], 0);
    set(PCI_COMMAND, MEMORY);
    assert_int_equal(passed_fake.at[0], BAR_AT + 0x4000);
}

static void bars_can_change_places(void **state) {
    (void)state;
    uint32_t wide = get(PCI_BAR + 4 * PASSED_WIDE_BAR);
    set(PCI_BAR, wide + PASSED_PIECE_SIZE);            /* rounded down to the BAR's size */
    set(PCI_BAR + 4 * PASSED_WIDE_BAR, LAYOUT_HOLE);
    assert_int_equal(passed_fake.at[0], wide);
    assert_int_equal(passed_fake.at[1], LAYOUT_HOLE + PASSED_PIECE_SIZE);
}

static void registers_are_never_over_ram_or_the_interrupt_controllers(void **state) {
    (void)state;
    static const uint32_t forbidden[] = { 0, 0x1000, 0x100000, 0xffffc000, 0xfec00000, 0xfee00000,
                                          0xfebfe000 + 0x4000 };
    for (unsigned i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        set(PCI_BAR, forbidden[i]);
        assert_int_equal(passed_fake.at[0], 0);
    }
    set(PCI_BAR, FAKE_RAM);
    assert_int_equal(passed_fake.at[0], FAKE_RAM);
}

static void low_power_takes_registers_and_dma_away(void **state) {
    (void)state;
    unsigned control = capability(POWER) + 4;
    set(PCI_COMMAND, MEMORY | MASTER);
    assert_int_equal(passed_fake.state, BH_DEVICE_ACTIVE);
    set(control, 3);
    assert_int_equal(passed_fake.at[0], 0);
    assert_int_equal(passed_fake.state, BH_DEVICE_QUIET);
    assert_int_equal(get(control) & 0xb, 0xb);         /* No_Soft_Reset: it keeps everything */
    set(control, 0);
    assert_int_equal(passed_fake.at[0], get(PCI_BAR));
    assert_int_equal(passed_fake.state, BH_DEVICE_ACTIVE);
    assert_int_equal(passed_fake.resets, 1);           /* the one before the guest's start */
}

/* ---- Messages ---- */

static void program_entry(unsigned entry, uint32_t control) {
    uint64_t table = get(PCI_BAR) + PASSED_TABLE + 16 * entry;
    vm_fake_store(table, 8, 0xfee00000);
    vm_fake_store(table + 8, 4, VECTOR);
    vm_fake_store(table + 12, 4, control);
}

static void enable_msix(void) {
    set(PCI_COMMAND, MEMORY | MASTER);
    set(capability(MSIX), MSIX_ON);
}

static void interrupt_becomes_the_guests_message(void **state) {
    (void)state;
    enable_msix();
    program_entry(1, 0);
    assert_int_equal(vm_fake_load(get(PCI_BAR) + PASSED_TABLE + 16, 8), 0xfee00000);
    assert_int_equal(vm_fake_load(get(PCI_BAR) + PASSED_TABLE + 24, 4), VECTOR);
    devices_hear(vm, NULL, 1u << 1);
    assert_true(interrupt_came());
    devices_hear(vm, NULL, 1u << 0);                /* its entry is masked */
    assert_false(interrupt_came());
    devices_hear(vm, NULL, 1u << 9);                /* none of ours */
    assert_false(interrupt_came());
    devices_hear(vm, NULL, 1u << 1 | 1u << 9);
    assert_true(interrupt_came());
}

/* Whoever takes it for itself looks at its own APIC anyway. */
static void its_own_vcpu_is_not_woken(void **state) {
    (void)state;
    enable_msix();
    program_entry(1, 0);
    unsigned kicks = vm_fake.kicks[0], io_kicks = vm_fake.io_kicks;
    devices_hear(vm, &vm->vcpu[0], 1u << 1);
    assert_true(interrupt_came());
    assert_int_equal(vm_fake.kicks[0], kicks);
    devices_hear(vm, NULL, 1u << 1);
    assert_true(interrupt_came());
    assert_int_equal(vm_fake.kicks[0], kicks + 1);
    assert_int_equal(vm_fake.io_kicks, io_kicks);
}

static void masked_entry_waits_in_the_pending_bits(void **state) {
    (void)state;
    uint64_t pending = get(PCI_BAR) + PASSED_PENDING;
    enable_msix();
    program_entry(2, 1);
    devices_hear(vm, NULL, 1u << 2);
    assert_false(interrupt_came());
    assert_int_equal(vm_fake_load(pending, 4), 1u << 2);
    assert_int_equal(vm_fake_load(pending, 8), 1u << 2);
    vm_fake_store(pending, 8, 0);                              /* read-only */
    program_entry(2, 0);
    assert_true(interrupt_came());
    assert_int_equal(vm_fake_load(pending, 8), 0);
}

static void nothing_is_sent_while_messages_are_off(void **state) {
    (void)state;
    set(PCI_COMMAND, MEMORY | MASTER);
    program_entry(1, 0);
    devices_hear(vm, NULL, 1u << 1);
    set(capability(MSIX), MSIX_ON);
    assert_false(interrupt_came());
}

static void table_has_no_more_entries_than_we_have_interrupts(void **state) {
    (void)state;
    uint64_t beyond = get(PCI_BAR) + PASSED_TABLE + 16 * PASSED_ENTRIES;
    vm_fake_store(beyond, 8, 0x1234567887654321);
    assert_int_equal(vm_fake_load(beyond, 8), UINT64_MAX);
    assert_int_equal(vm_fake_load(beyond - 8, 1), 0xff);       /* bytes of it don't exist */
    assert_int_equal(vm_fake_load(beyond - 4, 4), 1);          /* masked, as after a reset */
}

static void one_message_by_msi(void **state) {
    (void)state;
    unsigned msi = capability(MSI);
    assert_int_equal(capability(MSIX), 0);
    set(PCI_COMMAND, MEMORY | MASTER);
    set(msi + 4, 0xfee00000);
    set(msi + 8, VECTOR);
    devices_hear(vm, NULL, 1);
    assert_false(interrupt_came());
    set(msi, 1u << 16);
    devices_hear(vm, NULL, 1);
    assert_true(interrupt_came());
}

/* ---- Resets ---- */

static void function_level_reset_takes_its_time(void **state) {
    (void)state;
    unsigned pcie = capability(PCIE);
    unsigned kicks = vm_fake.io_kicks;
    enable_msix();
    passed_fake.reset_polls = 2;
    set(pcie + 8, FLR);
    assert_int_equal(passed_fake.state, BH_DEVICE_RESETTING);
    assert_int_equal(passed_fake.at[0], 0);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
    assert_int_equal(get(PCI_ID), 0xffffffff);
    set(PCI_COMMAND, MEMORY | MASTER);                         /* nobody hears it */
    devices_run(vm);
    assert_int_equal(get(PCI_ID), 0xffffffff);
    assert_true(devices_passed_deadline(vm) < BH_FOREVER);
    devices_run(vm);
    devices_run(vm);
    assert_int_equal(get(PCI_ID), 0x10d38086);
    assert_int_equal(get(PCI_COMMAND) & 0xffff, 0);
    assert_int_equal(get(PCI_BAR), 0);
    assert_int_equal(get(capability(MSIX)) >> 31, 0);
    assert_int_equal(get(pcie + 8), 0);
    assert_int_equal(passed_fake.state, BH_DEVICE_QUIET);
}

static void function_that_stays_away_is_lost(void **state) {
    (void)state;
    passed_fake.never_comes_back = true;
    set(capability(PCIE) + 8, FLR);
    devices_run(vm);
    assert_string_equal(passed_fake.lost, "card");
    assert_int_equal(get(PCI_ID), 0xffffffff);
    set(PCI_COMMAND, MEMORY | MASTER);
    assert_true(devices_stop(vm));
    devices_reset(vm);
    assert_int_equal(get(PCI_ID), 0xffffffff);
}

static void guest_that_ends_leaves_it_quiet(void **state) {
    (void)state;
    enable_msix();
    set(PCI_BAR, BAR_AT);
    passed_fake.reset_polls = 2;
    assert_false(devices_stop(vm));
    assert_int_equal(passed_fake.at[0], 0);
    assert_false(devices_stop(vm));
    assert_true(devices_stop(vm));
    assert_int_equal(passed_fake.resets, 2);
    assert_int_equal(passed_fake.state, BH_DEVICE_QUIET);
    devices_reset(vm);
    assert_int_equal(get(PCI_COMMAND) & 0xffff, MEMORY);
    assert_int_equal(passed_fake.at[0], LAYOUT_HOLE);
    assert_int_equal(get(capability(MSIX)) >> 31, 0);
}

static void guest_that_ends_in_the_middle_of_a_reset(void **state) {
    (void)state;
    passed_fake.reset_polls = 3;
    set(capability(PCIE) + 8, FLR);
    for (unsigned i = 0; i < 3; i++)
        assert_false(devices_stop(vm));
    assert_true(devices_stop(vm));
    assert_int_equal(passed_fake.state, BH_DEVICE_QUIET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ids_are_the_functions_own, setup, teardown),
        cmocka_unit_test_setup_teardown(only_known_capabilities_are_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_list_of_capabilities_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(bars_have_their_sizes_and_no_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(registers_are_where_firmware_would_put_them, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(registers_follow_their_bar, setup, teardown),
        cmocka_unit_test_setup_teardown(bars_can_change_places, setup, teardown),
        cmocka_unit_test_setup_teardown(registers_are_never_over_ram_or_the_interrupt_controllers,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(low_power_takes_registers_and_dma_away, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupt_becomes_the_guests_message, setup, teardown),
        cmocka_unit_test_setup_teardown(its_own_vcpu_is_not_woken, setup, teardown),
        cmocka_unit_test_setup_teardown(masked_entry_waits_in_the_pending_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_sent_while_messages_are_off, setup, teardown),
        cmocka_unit_test_setup_teardown(table_has_no_more_entries_than_we_have_interrupts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(one_message_by_msi, setup_msi, teardown),
        cmocka_unit_test_setup_teardown(function_level_reset_takes_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(function_that_stays_away_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(guest_that_ends_leaves_it_quiet, setup, teardown),
        cmocka_unit_test_setup_teardown(guest_that_ends_in_the_middle_of_a_reset, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
