/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard of a VM with a screen: its commands, the seat's keys, the interrupt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"

enum { DATA = 0x60, COMMAND = 0x64, FULL = 1, VECTOR = 0x31 };

static struct vm *vm;

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_screen();
    vm = &vm_fake.vm;
    irq_ioapic_write(vm, 0, 0x10 + 2 * I8042_PIN);
    irq_ioapic_write(vm, 0x10, VECTOR);
    vm->vcpu[0].apic.svr = 0x1ff;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

/* What the guest's handler finds: an interrupt for each byte. */
static bool interrupted(void) {
    struct apic *apic = &vm->vcpu[0].apic;
    struct apic_effect effect;
    apic_collect(apic);
    if (apic_next(apic) != VECTOR)
        return false;
    apic_take(apic, VECTOR);
    apic_write(apic, APIC_EOI, 0, 0, &effect);
    return true;
}

static void assert_bytes(const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_true(interrupted());
        assert_int_equal(vm_fake_in(COMMAND, 1) & FULL, FULL);
        assert_int_equal(vm_fake_in(DATA, 1), (uint8_t)bytes[i]);
    }
    assert_int_equal(vm_fake_in(COMMAND, 1) & FULL, 0);
    assert_false(interrupted());
}
#define ASSERT_BYTES(text) assert_bytes(text, sizeof(text) - 1)

static void seat_says(uint8_t kind, uint16_t length, uint64_t codes) {
    assert_true(ring_space(&vm_fake.seat_peer) > 0);
    ring_put(&vm_fake.seat_peer, (struct ring_descriptor){ .kind = kind, .length = length,
                                                           .extra = codes });
    ring_flush(&vm_fake.seat_peer);
    while (devices_run(vm)) {
    }
}

static void set_control(uint8_t value) {
    vm_fake_out(COMMAND, 1, 0x60);
    vm_fake_out(DATA, 1, value);
}

static void keys_come_one_by_one_with_an_interrupt_each(void **state) {
    (void)state;
    seat_says(SCREEN_KEYS, 4, 0x9e1ee09cu);
    ASSERT_BYTES("\x9c\xe0\x1e\x9e");
    seat_says(SCREEN_KEYS, 8, 0x0807060504030201u);
    ASSERT_BYTES("\x01\x02\x03\x04\x05\x06\x07\x08");
}

static void untranslated_keys_are_of_set_2(void **state) {
    (void)state;
    set_control(0x25);
    seat_says(SCREEN_KEYS, 2, 0x9e1e);
    ASSERT_BYTES("\x1c\xf0\x1c");
    seat_says(SCREEN_KEYS, 4, 0xd0e050e0u);
    ASSERT_BYTES("\xe0\x72\xe0\xf0\x72");
    seat_says(SCREEN_KEYS, 6, 0xc59de1451de1u);
    ASSERT_BYTES("\xe1\x14\x77\xe1\xf0\x14\xf0\x77");
    seat_says(SCREEN_KEYS, 2, 0x7f55);           /* no such keys */
    ASSERT_BYTES("");
    vm_fake_out(DATA, 1, 0xf0);
    vm_fake_out(DATA, 1, 1);
    seat_says(SCREEN_KEYS, 2, 0x9e1e);
    ASSERT_BYTES("\xfa\xfa\x1e\x9e");
}

static void commands_are_answered(void **state) {
    (void)state;
    static const struct { uint8_t command; const char *answer; size_t count; } commands[] = {
        { 0xee, "\xee", 1 }, { 0xf2, "\xfa\xab\x41", 3 }, { 0xff, "\xfa\xaa", 2 },
        { 0xf4, "\xfa", 1 }, { 0xf5, "\xfa", 1 }, { 0xf6, "\xfa", 1 }, { 0xfe, "\xfa", 1 },
        { 0x12, "\xfe", 1 }, { 0xf7, "\xfe", 1 },
    };
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        vm_fake_out(DATA, 1, commands[i].command);
        assert_bytes(commands[i].answer, commands[i].count);
    }
    vm_fake_out(DATA, 1, 0xed);
    vm_fake_out(DATA, 1, 7);
    ASSERT_BYTES("\xfa\xfa");
    vm_fake_out(DATA, 1, 0xf3);
    vm_fake_out(DATA, 1, 0xf2);                  /* a command instead of the option */
    ASSERT_BYTES("\xfa\xfa\xab\x41");
    vm_fake_out(DATA, 1, 0xf0);
    vm_fake_out(DATA, 1, 3);
    ASSERT_BYTES("\xfa\xfe");
    vm_fake_out(DATA, 1, 0xf0);
    vm_fake_out(DATA, 1, 0);
    ASSERT_BYTES("\xfa\xfa\x41");
    set_control(0x25);
    vm_fake_out(DATA, 1, 0xf2);
    ASSERT_BYTES("\xfa\xab\x83");
}

static void keyboard_that_is_off_hears_no_keys(void **state) {
    (void)state;
    vm_fake_out(DATA, 1, 0xf5);
    seat_says(SCREEN_KEYS, 1, 0x1e);
    ASSERT_BYTES("\xfa");
    vm_fake_out(DATA, 1, 0xf4);
    seat_says(SCREEN_KEYS, 1, 0x1e);
    ASSERT_BYTES("\xfa\x1e");
}

static void closed_line_holds_keys_back(void **state) {
    (void)state;
    vm_fake_out(COMMAND, 1, 0xad);
    seat_says(SCREEN_KEYS, 1, 0x1e);
    assert_int_equal(vm_fake_in(COMMAND, 1) & FULL, 0);
    vm_fake_out(COMMAND, 1, 0xae);
    ASSERT_BYTES("\x1e");
    vm_fake_out(COMMAND, 1, 0xad);
    vm_fake_out(DATA, 1, 0xee);                  /* opens it */
    ASSERT_BYTES("\xee");
}

static void without_interrupt_the_status_tells(void **state) {
    (void)state;
    set_control(0x64);
    seat_says(SCREEN_KEYS, 2, 0x9e1e);
    assert_false(interrupted());
    assert_int_equal(vm_fake_in(COMMAND, 1) & FULL, FULL);
    set_control(0x65);
    ASSERT_BYTES("\x1e\x9e");
}

static void queue_takes_all_of_a_message_or_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        seat_says(SCREEN_KEYS, 8, 0x0807060504030201u);
    unsigned count = 0;
    while (vm_fake_in(COMMAND, 1) & FULL)
        assert_int_equal(vm_fake_in(DATA, 1), count++ % 8 + 1);
    assert_int_equal(count % 8, 0);
    assert_true(count >= KEYBOARD_QUEUE && count <= KEYBOARD_QUEUE + 8);
}

static void other_messages_of_the_seat_are_no_keys(void **state) {
    (void)state;
    seat_says(SCREEN_SIZE, 4, screen_extra(1024, 768, 0));
    seat_says(SCREEN_SHOW, 4, 0x1e1e1e1e);
    seat_says(SCREEN_KEYS, 0, 0x1e);
    seat_says(SCREEN_KEYS, 9, 0x1e);
    seat_says(SCREEN_KEYS, 0xffff, 0x1e);
    seat_says(0xff, 1, 0x1e);
    ASSERT_BYTES("");
}

static void reset_forgets_keys_and_keeps_the_keyboard(void **state) {
    (void)state;
    seat_says(SCREEN_KEYS, 2, 0x9e1e);
    devices_reset(vm);
    assert_int_equal(vm_fake_in(COMMAND, 1) & FULL, 0);
    vm_fake_out(DATA, 1, 0xee);
    assert_int_equal(vm_fake_in(DATA, 1), 0xee);
}

static void firmware_finds_a_keyboard_behind_the_8259(void **state) {
    (void)state;
    vm_fake_use_firmware();
    vm_fake_out(0x20, 1, 0x11);
    vm_fake_out(0x21, 1, 0x08);
    vm_fake_out(0x21, 1, 0x04);
    vm_fake_out(0x21, 1, 0x01);
    vm_fake_out(0x21, 1, 0xfd);
    seat_says(SCREEN_KEYS, 2, 0x9e1e);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(irq_external(vm));
        assert_int_equal(irq_acknowledge_external(vm), 9);
        assert_int_equal(vm_fake_in(DATA, 1), i == 0 ? 0x1e : 0x9e);
        vm_fake_out(0x20, 1, 0x20);
    }
    assert_false(irq_external(vm));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(keys_come_one_by_one_with_an_interrupt_each),
        TEST(untranslated_keys_are_of_set_2),
        TEST(commands_are_answered),
        TEST(keyboard_that_is_off_hears_no_keys),
        TEST(closed_line_holds_keys_back),
        TEST(without_interrupt_the_status_tells),
        TEST(queue_takes_all_of_a_message_or_nothing),
        TEST(other_messages_of_the_seat_are_no_keys),
        TEST(reset_forgets_keys_and_keeps_the_keyboard),
        TEST(firmware_finds_a_keyboard_behind_the_8259),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
