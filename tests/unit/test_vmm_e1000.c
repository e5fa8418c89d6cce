/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated 82540EM from both sides: registers, EEPROM and PHY, interrupts, frames both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/e1000_driver.h"
#include "vmm/platform/layout.h"

enum { VECTOR = 0x41 };
#define PIN LAYOUT_PCI_PIN(CARD)

/* ---- Registers ---- */

static void registers_are_as_after_power_on(void **state) {
    (void)state;
    assert_int_equal(vm_fake_config_read(CARD, PCI_ID), 0x100e8086);
    assert_int_equal(vm_fake_config_read(CARD, PCI_CLASS) >> 8, 0x020000);
    assert_int_equal(vm_fake_config_read(CARD, PCI_INTERRUPT_LINE) & 0xffff, 0x0100 | PIN);
    card_write(REG_CTRL, CTRL_RESET | CTRL_LINK_UP);
    assert_int_equal(card_read(REG_CTRL), 0);
    assert_int_equal(card_read(REG_RCTL), 0);
    assert_int_equal(card_read(REG_TX_QUEUE + QUEUE_LENGTH), 0);
    assert_int_equal(card_read(REG_RA), 0x01005452);
    assert_int_equal(card_read(REG_RA + 4), 0x80000302);
    assert_int_equal(card_read(REG_STATUS) & STATUS_LINK_UP, 0);
    card_write(REG_CTRL, CTRL_LINK_UP);
    assert_int_equal(card_read(REG_STATUS),
                     STATUS_LINK_UP | STATUS_FULL_DUPLEX | STATUS_SPEED_1000);
    assert_int_equal(card_read(0x1fffc), 0);
}

static void io_window_reaches_the_registers(void **state) {
    (void)state;
    uint16_t port = LAYOUT_PORT_E1000;
    assert_int_equal(vm_fake_config_read(CARD, PCI_BAR + 8), port | 1u);
    vm_fake_out(port, 4, REG_CTRL);
    assert_int_equal(vm_fake_in(port, 4), REG_CTRL);
    vm_fake_out(port + 4, 4, CTRL_RESET);
    assert_int_equal(card_read(REG_RCTL), 0);
    vm_fake_out(port, 4, REG_STATUS);
    assert_int_equal(vm_fake_in(port + 4, 4), card_read(REG_STATUS));
    vm_fake_out(port, 4, 0xffffffff);
    assert_int_equal(vm_fake_in(port + 4, 4), 0);
    vm_fake_out(port + 2, 2, 7);
}

static void accesses_of_other_sizes_have_no_effect(void **state) {
    (void)state;
    uint32_t rctl = card_read(REG_RCTL);
    vm_fake_store(LAYOUT_E1000_BAR + REG_RCTL, 1, 0);
    vm_fake_store(LAYOUT_E1000_BAR + REG_RCTL, 2, 0);
    assert_int_equal(card_read(REG_RCTL), rctl);
    assert_int_equal(vm_fake_load(LAYOUT_E1000_BAR + REG_RCTL, 2), 0);
    vm_fake_store(LAYOUT_E1000_BAR + REG_RX_QUEUE, 8, 0x1122334455667780ull);
    assert_int_equal(vm_fake_load(LAYOUT_E1000_BAR + REG_RX_QUEUE, 8), 0x1122334455667780ull);
}

static uint16_t eeprom_by_register(unsigned address) {
    card_write(REG_EERD, address << EERD_ADDRESS | EERD_START);
    assert_true(card_read(REG_EERD) & EERD_DONE);
    return (uint16_t)(card_read(REG_EERD) >> EERD_DATA);
}

static void clock_bit(bool in) {
    uint32_t lines = EECD_REQUEST | EECD_SELECT | (in ? EECD_IN : 0);
    card_write(REG_EECD, lines);
    card_write(REG_EECD, lines | EECD_CLOCK);
}

static uint16_t eeprom_by_bits(unsigned address) {
    enum { READ = 6 };
    unsigned command = READ << 6 | address;
    uint16_t value = 0;
    card_write(REG_EECD, EECD_REQUEST);
    assert_true(card_read(REG_EECD) & EECD_GRANT);
    clock_bit(false);                                   /* before the start bit */
    for (int i = 8; i >= 0; i--)
        clock_bit(command >> i & 1);
    assert_false(card_read(REG_EECD) & EECD_OUT);
    for (unsigned i = 0; i < 16; i++) {
        clock_bit(false);
        value = (uint16_t)(value << 1 | ((card_read(REG_EECD) & EECD_OUT) != 0));
    }
    card_write(REG_EECD, 0);
    return value;
}

static void eeprom_holds_the_address_and_its_sum(void **state) {
    (void)state;
    uint16_t sum = 0;
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(eeprom_by_register(i), eeprom_by_bits(i));
        sum = (uint16_t)(sum + eeprom_by_register(i));
    }
    assert_int_equal(sum, 0xbaba);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(eeprom_by_bits(i), card_address[2 * i] | card_address[2 * i + 1] << 8);
    assert_int_equal(eeprom_by_register(64), 0xffff);
    for (unsigned i = 0; i < 1000; i++)                 /* the operation 11 isn't answered */
        clock_bit(true);
    assert_false(card_read(REG_EECD) & EECD_OUT);
}

static uint32_t phy(uint32_t operation, unsigned address, unsigned number, uint16_t data) {
    card_write(REG_MDIC, operation | address << MDIC_PHY | number << MDIC_REGISTER | data);
    return card_read(REG_MDIC);
}

static void phy_answers_at_its_address(void **state) {
    (void)state;
    assert_int_equal(phy(MDIC_READ, 1, 2, 0) & 0xffff, 0x0141);
    assert_int_equal(phy(MDIC_READ, 1, 3, 0) & 0xfff0, 0x0c20);
    assert_true(phy(MDIC_READ, 1, 1, 0) & 1u << 2);     /* link */
    assert_true(phy(MDIC_READ, 2, 1, 0) & MDIC_ERROR);
    phy(MDIC_WRITE, 1, 4, 0x0041);
    assert_int_equal(phy(MDIC_READ, 1, 4, 0) & 0xffff, 0x0041);
    phy(MDIC_WRITE, 1, 1, 0);
    assert_true(phy(MDIC_READ, 1, 1, 0) & 1u << 2);
    phy(MDIC_WRITE | MDIC_INTERRUPT, 1, 0, 0x8000);
    assert_int_equal(phy(MDIC_READ, 1, 4, 0) & 0xffff, 0x01e1);
    assert_true(card_read(REG_ICR) & CAUSE_MDIO);
}

/* ---- Interrupts ---- */

static bool interrupted(void) {
    struct apic *apic = &vm_fake.vm.vcpu[0].apic;
    struct apic_effect effect;
    apic->svr = 0x1ff;
    apic_collect(apic);
    if (apic_next(apic) != VECTOR)
        return false;
    apic_take(apic, VECTOR);
    apic_write(apic, APIC_EOI, 0, 0, &effect);
    exit_apic_effect(&vm_fake.vm.vcpu[0], &effect);
    return true;
}

static void route(void) {
    enum { LEVEL_LOW = 1u << 15 | 1u << 13 };
    irq_ioapic_write(&vm_fake.vm, 0, 0x10 + 2 * PIN);
    irq_ioapic_write(&vm_fake.vm, 0x10, VECTOR | LEVEL_LOW);
}

static void causes_interrupt_while_unmasked(void **state) {
    (void)state;
    route();
    card_write(REG_ICS, CAUSE_LINK);
    assert_false(interrupted());
    card_write(REG_IMS, CAUSE_LINK | CAUSE_RECEIVED);
    assert_true(interrupted());
    assert_true(interrupted());                         /* a level: again until it is read */
    card_write(REG_IMC, CAUSE_LINK);
    interrupted();
    assert_false(interrupted());
    assert_int_equal(card_read(REG_IMS), CAUSE_RECEIVED);
    card_write(REG_IMS, CAUSE_LINK);
    assert_int_equal(card_read(REG_ICR), CAUSE_LINK);
    assert_int_equal(card_read(REG_ICR), 0);
    interrupted();
    assert_false(interrupted());
    vm_fake_config_write(CARD, PCI_COMMAND, 7 | PCI_COMMAND_INTX_OFF);
    card_write(REG_ICS, CAUSE_LINK);
    assert_false(interrupted());
    card_write(REG_ICR, CAUSE_LINK);
    assert_int_equal(card_read(REG_ICR), 0);
}

/* ---- Frames ---- */

static void frames_go_out(void **state) {
    (void)state;
    card_fill_frame(BUFFERS, 1514);
    card_put_legacy(BUFFERS, 60, SEND_LAST | SEND_REPORT);
    card_put_legacy(BUFFERS, 100, 0);
    card_put_legacy(BUFFERS + 100, 1414, SEND_LAST);
    card_kick();
    card_expect_sent(BUFFERS, 60);
    card_expect_sent(BUFFERS, 1514);
    card_expect_nothing();
    assert_int_equal(card_read(REG_TX_QUEUE + QUEUE_HEAD), 3);
    assert_int_equal(*card_ram(TX_RING + DESCRIPTOR_STATUS, 1), DESCRIPTOR_DONE);
    assert_int_equal(*card_ram(TX_RING + DESCRIPTOR_SIZE + DESCRIPTOR_STATUS, 1), 0);
    assert_int_equal(card_read(REG_ICR), CAUSE_SENT | CAUSE_SEND_EMPTY);
    assert_int_equal(card_read(STAT_GOOD_SENT), 2);
    assert_int_equal(card_read(STAT_GOOD_SENT), 0);
}

static void frames_come_in(void **state) {
    (void)state;
    card_offer(2);
    card_deliver(100);
    struct e1000_received first = card_received(0);
    assert_int_equal(first.length, 100 + CHECKSUM);
    assert_int_equal(first.status, RECEIVED_DONE | RECEIVED_LAST | RECEIVED_NO_CHECKSUM);
    assert_int_equal(first.errors, 0);
    assert_memory_equal(card_ram(BUFFERS, 100), vm_fake.net_peer.out, 100);
    assert_true(card_read(REG_ICR) & CAUSE_RECEIVED);
    card_write(REG_RCTL, card_read(REG_RCTL) | RCTL_STRIP_CHECKSUM);
    card_deliver(20);                                        /* padded as on a cable */
    assert_int_equal(card_received(1).length, 60);
    assert_int_equal(card_read(STAT_GOOD_RECEIVED), 2);
}

static void rings_wrap(void **state) {
    (void)state;
    card_fill_frame(BUFFERS + 0x10000, FRAME);
    for (unsigned i = 0; i < 3 * ENTRIES; i++) {
        card_put_legacy(BUFFERS + 0x10000, FRAME, SEND_LAST);
        card_kick();
        card_expect_sent(BUFFERS + 0x10000, FRAME);
        card_offer(i + 1);
        card_deliver((uint16_t)(FRAME + i));
        assert_int_equal(card_received(i).length, FRAME + i + CHECKSUM);
        assert_int_equal(card_read(REG_RX_QUEUE + QUEUE_HEAD), (i + 1) % ENTRIES);
    }
}

static void long_frame_spans_small_buffers(void **state) {
    (void)state;
    enum { SIZE_256 = 3u << RCTL_SIZE_SHIFT };
    card_write(REG_RCTL, card_read(REG_RCTL) | SIZE_256);
    card_offer(6);
    card_deliver(600);
    assert_int_equal(card_received(0).length, 256);
    assert_false(card_received(0).status & RECEIVED_LAST);
    assert_int_equal(card_received(2).length, 600 + CHECKSUM - 512);
    assert_true(card_received(2).status & RECEIVED_LAST);
    assert_int_equal(card_received(3).status, 0);
}

static void frames_wait_for_buffers(void **state) {
    (void)state;
    card_deliver(FRAME);
    assert_int_equal(card_received(0).status, 0);
    assert_true(devices_settle(&vm_fake.vm));
    unsigned kicks = vm_fake.io_kicks;
    card_offer(1);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
    assert_false(devices_settle(&vm_fake.vm));
    card_run();
    assert_true(card_received(0).status & RECEIVED_DONE);
    assert_true(devices_settle(&vm_fake.vm));
}

static void full_link_keeps_the_frame(void **state) {
    (void)state;
    uint32_t capacity = net_capacity(&vm_fake.vm.e1000.link);
    card_fill_frame(BUFFERS, FRAME);
    for (uint32_t i = 0; i < capacity + 1; i++) {
        card_put_legacy(BUFFERS, FRAME, SEND_LAST);
        card_kick();
    }
    assert_int_equal(card_read(REG_TX_QUEUE + QUEUE_HEAD), (card_tail - 1) % ENTRIES);
    assert_true(devices_settle(&vm_fake.vm));
    for (uint32_t i = 0; i < capacity; i++)
        card_expect_sent(BUFFERS, FRAME);
    card_run();
    card_expect_sent(BUFFERS, FRAME);
    assert_int_equal(card_read(REG_TX_QUEUE + QUEUE_HEAD), card_tail % ENTRIES);
}

static bool gets(const uint8_t to[6]) {
    uint32_t head = card_read(REG_RX_QUEUE + QUEUE_HEAD);
    card_offer(head + 1);
    card_deliver_to(to, FRAME);
    card_run();
    return card_read(REG_RX_QUEUE + QUEUE_HEAD) != head;
}

static void addresses_are_filtered(void **state) {
    (void)state;
    static const uint8_t other[6] = { 0x52, 0x54, 0, 1, 2, 4 };
    static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    static const uint8_t group[6] = { 0x01, 0, 0x5e, 0, 0x12, 0x34 };
    enum { HASH = 0x341 };                              /* bits 47:36 of the address */
    assert_true(gets(card_address));
    assert_false(gets(other));
    assert_true(gets(all));
    assert_false(gets(group));
    card_write(REG_MTA + 4 * (HASH / 32), 1u << (HASH % 32));
    assert_true(gets(group));
    card_write(REG_RCTL, RCTL_ENABLE);
    assert_false(gets(all));
    card_write(REG_RCTL, RCTL_ENABLE | RCTL_MULTICAST_ALL | RCTL_UNICAST_ALL);
    assert_true(gets(all));
    assert_true(gets(other));
    card_write(REG_RCTL, 0);
    assert_false(gets(card_address));
    assert_int_equal(card_read(STAT_MISSED), 1);
}

static void vlan_tags_are_put_in_and_taken_out(void **state) {
    (void)state;
    static const uint8_t tag[] = { 0x81, 0x00, 0x00, 0x05 };
    uint32_t length = 0;
    card_write(REG_CTRL, CTRL_VLAN);
    card_fill_frame(BUFFERS + 0x10000, FRAME);
    card_put((struct e1000_send){ .address = BUFFERS + 0x10000, .special = 5,
                                  .length_type_command =
                                      card_word(FRAME, 0, SEND_LAST | SEND_VLAN) });
    card_kick();
    const uint8_t *frame = card_sent(&length);
    assert_int_equal(length, FRAME + 4);
    assert_memory_equal(frame + 12, tag, 4);
    assert_memory_equal(frame + 16, card_ram(BUFFERS + 0x1000c, FRAME - 12), FRAME - 12);
    card_write(REG_RCTL, card_read(REG_RCTL) | RCTL_VLAN_FILTER);
    for (unsigned i = 0; i < 2; i++) {
        card_offer(1);
        card_deliver_to(card_address, 100);
        memcpy(vm_fake.net_peer.out + 12, tag, 4);
        card_run();
        assert_int_equal(card_received(0).length, i == 0 ? 0 : 96 + CHECKSUM);
        card_write(REG_VFTA, 1u << 5);
    }
    assert_true(card_received(0).status & RECEIVED_VLAN);
    assert_int_equal(card_received(0).special, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, card_setup, card_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(registers_are_as_after_power_on),
        TEST(io_window_reaches_the_registers),
        TEST(accesses_of_other_sizes_have_no_effect),
        TEST(eeprom_holds_the_address_and_its_sum),
        TEST(phy_answers_at_its_address),
        TEST(causes_interrupt_while_unmasked),
        TEST(frames_go_out),
        TEST(frames_come_in),
        TEST(rings_wrap),
        TEST(long_frame_spans_small_buffers),
        TEST(frames_wait_for_buffers),
        TEST(full_link_keeps_the_frame),
        TEST(addresses_are_filtered),
        TEST(vlan_tags_are_put_in_and_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
