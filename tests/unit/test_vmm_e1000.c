/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated 82540EM from its driver's side and from the link's: registers, EEPROM and PHY,
 * frames both ways, offloads; and drivers that break the rules (ATTACKS.md, F1, F2, F6, F9), which
 * cost themselves the card, nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/e1000/layout.h"
#include "vmm/platform/layout.h"

enum { CARD = 1, ENTRIES = 8, RX_RING = 0x100000, TX_RING = 0x101000, BUFFERS = 0x200000 };
enum { VECTOR = 0x41, FRAME = 64, CHECKSUM = 4 };
#define PIN LAYOUT_PCI_PIN(CARD)

static const uint8_t own[6] = { 0x52, 0x54, 0, 1, 2, 3 };

static void poke(uint32_t reg, uint32_t value) { vm_fake_store(LAYOUT_E1000_BAR + reg, 4, value); }
static uint32_t peek(uint32_t reg) { return (uint32_t)vm_fake_load(LAYOUT_E1000_BAR + reg, 4); }
static void run(void) { devices_run(&vm_fake.vm); }

static uint8_t *ram(uint64_t at, uint64_t size) {
    return guest_range(&vm_fake.vm.memory, (struct gpa){ at }, size);
}

static void set_ring(uint32_t registers, uint64_t base) {
    poke(registers + QUEUE_BASE_LOW, (uint32_t)base);
    poke(registers + QUEUE_BASE_HIGH, (uint32_t)(base >> 32));
    poke(registers + QUEUE_LENGTH, ENTRIES * DESCRIPTOR_SIZE);
    poke(registers + QUEUE_HEAD, 0);
    poke(registers + QUEUE_TAIL, 0);
}

/* As a driver sets the card up: both rings, receive buffers of 2 KiB. */
static void start(void) {
    vm_fake_config_write(CARD, PCI_COMMAND, 7);
    memset(ram(RX_RING, 0x2000), 0, 0x2000);
    set_ring(REG_RX_QUEUE, RX_RING);
    set_ring(REG_TX_QUEUE, TX_RING);
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t at = BUFFERS + 0x800 * i;
        vm_fake_poke(RX_RING + DESCRIPTOR_SIZE * i, &at, sizeof(at));
    }
    poke(REG_RCTL, RCTL_ENABLE | RCTL_BROADCAST);
    poke(REG_TCTL, TCTL_ENABLE);
}

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_e1000();
    start();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static bool broken(void) { return vm_fake.vm.e1000.broken; }

static void reset_card(void) {
    poke(REG_CTRL, CTRL_RESET);
    assert_false(broken());
    start();
}

/* ---- The driver's transmit side ---- */

static uint32_t tail;

static void put_send(struct e1000_send d) {
    vm_fake_poke(TX_RING + DESCRIPTOR_SIZE * (tail % ENTRIES), &d, sizeof(d));
    tail++;
}

static void kick(void) {
    poke(REG_TX_QUEUE + QUEUE_TAIL, tail % ENTRIES);
    run();
}

static uint32_t word(uint32_t length, unsigned type, unsigned command) {
    return length | type << 20 | command << 24;
}

static void put_legacy(uint64_t at, uint16_t length, unsigned command) {
    put_send((struct e1000_send){ .address = at, .length_type_command = word(length, 0, command) });
}

static void put_data(uint64_t at, uint32_t length, unsigned command, uint8_t options) {
    put_send((struct e1000_send){
        .address = at, .options = options,
        .length_type_command = word(length, TYPE_DATA, command | SEND_EXTENDED) });
}

static void put_context(struct e1000_send_context context, unsigned command) {
    struct e1000_send d;
    context.length_type_command = word(0, TYPE_CONTEXT, command | SEND_EXTENDED);
    memcpy(&d, &context, sizeof(d));
    put_send(d);
}

/* The next frame that the switch got, or NULL. */
static const uint8_t *sent(uint32_t *length) {
    if (ring_available(&vm_fake.net_peer) == 0)
        return NULL;
    struct ring_descriptor d = ring_get(&vm_fake.net_peer);
    assert_true(net_valid(d, vm_fake.net_peer.in_size));
    ring_done(&vm_fake.net_peer, 1);
    ring_flush(&vm_fake.net_peer);
    *length = d.length;
    return vm_fake.net_peer.in + d.offset;
}

static void expect_sent(uint64_t from, uint32_t size) {
    uint32_t length = 0;
    const uint8_t *frame = sent(&length);
    assert_non_null(frame);
    assert_int_equal(length, size);
    assert_memory_equal(frame, ram(from, size), size);
}

static void expect_nothing(void) {
    uint32_t length;
    assert_null(sent(&length));
}

static void fill_frame(uint64_t at, uint32_t size) {
    uint8_t *bytes = ram(at, size);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7 + size);
}

/* ---- The switch's side ---- */

static void deliver_to(const uint8_t to[6], uint16_t length) {
    memset(vm_fake.net_peer.out, 0xab, NET_SLOT);
    memcpy(vm_fake.net_peer.out, to, 6);
    ring_put(&vm_fake.net_peer, (struct ring_descriptor){ .length = length, .kind = NET_FRAME });
    ring_flush(&vm_fake.net_peer);
}

static void deliver(uint16_t length) {
    deliver_to(own, length);
    run();
}

static void offer(uint32_t until) { poke(REG_RX_QUEUE + QUEUE_TAIL, until % ENTRIES); }

static struct e1000_received received(unsigned index) {
    struct e1000_received answer;
    memcpy(&answer, ram(RX_RING + DESCRIPTOR_SIZE * (index % ENTRIES) + 8, 8), 8);
    return answer;
}

/* ---- Registers ---- */

static void registers_are_as_after_power_on(void **state) {
    (void)state;
    assert_int_equal(vm_fake_config_read(CARD, PCI_ID), 0x100e8086);
    assert_int_equal(vm_fake_config_read(CARD, PCI_CLASS) >> 8, 0x020000);
    assert_int_equal(vm_fake_config_read(CARD, PCI_INTERRUPT_LINE) & 0xffff, 0x0100 | PIN);
    poke(REG_CTRL, CTRL_RESET | CTRL_LINK_UP);
    assert_int_equal(peek(REG_CTRL), 0);
    assert_int_equal(peek(REG_RCTL), 0);
    assert_int_equal(peek(REG_TX_QUEUE + QUEUE_LENGTH), 0);
    assert_int_equal(peek(REG_RA), 0x01005452);
    assert_int_equal(peek(REG_RA + 4), 0x80000302);
    assert_int_equal(peek(REG_STATUS) & STATUS_LINK_UP, 0);
    poke(REG_CTRL, CTRL_LINK_UP);
    assert_int_equal(peek(REG_STATUS), STATUS_LINK_UP | STATUS_FULL_DUPLEX | STATUS_SPEED_1000);
    assert_int_equal(peek(0x1fffc), 0);
}

static void io_window_reaches_the_registers(void **state) {
    (void)state;
    uint16_t port = LAYOUT_PORT_E1000;
    assert_int_equal(vm_fake_config_read(CARD, PCI_BAR + 8), port | 1u);
    vm_fake_out(port, 4, REG_CTRL);
    assert_int_equal(vm_fake_in(port, 4), REG_CTRL);
    vm_fake_out(port + 4, 4, CTRL_RESET);
    assert_int_equal(peek(REG_RCTL), 0);
    vm_fake_out(port, 4, REG_STATUS);
    assert_int_equal(vm_fake_in(port + 4, 4), peek(REG_STATUS));
    vm_fake_out(port, 4, 0xffffffff);
    assert_int_equal(vm_fake_in(port + 4, 4), 0);
    vm_fake_out(port + 2, 2, 7);
}

static void accesses_of_other_sizes_have_no_effect(void **state) {
    (void)state;
    uint32_t rctl = peek(REG_RCTL);
    vm_fake_store(LAYOUT_E1000_BAR + REG_RCTL, 1, 0);
    vm_fake_store(LAYOUT_E1000_BAR + REG_RCTL, 2, 0);
    assert_int_equal(peek(REG_RCTL), rctl);
    assert_int_equal(vm_fake_load(LAYOUT_E1000_BAR + REG_RCTL, 2), 0);
    vm_fake_store(LAYOUT_E1000_BAR + REG_RX_QUEUE, 8, 0x1122334455667780ull);
    assert_int_equal(vm_fake_load(LAYOUT_E1000_BAR + REG_RX_QUEUE, 8), 0x1122334455667780ull);
}

static uint16_t eeprom_by_register(unsigned address) {
    poke(REG_EERD, address << EERD_ADDRESS | EERD_START);
    assert_true(peek(REG_EERD) & EERD_DONE);
    return (uint16_t)(peek(REG_EERD) >> EERD_DATA);
}

static void clock_bit(bool in) {
    uint32_t lines = EECD_REQUEST | EECD_SELECT | (in ? EECD_IN : 0);
    poke(REG_EECD, lines);
    poke(REG_EECD, lines | EECD_CLOCK);
}

static uint16_t eeprom_by_bits(unsigned address) {
    enum { READ = 6 };
    unsigned command = READ << 6 | address;
    uint16_t value = 0;
    poke(REG_EECD, EECD_REQUEST);
    assert_true(peek(REG_EECD) & EECD_GRANT);
    clock_bit(false);                                   /* before the start bit */
    for (int i = 8; i >= 0; i--)
        clock_bit(command >> i & 1);
    assert_false(peek(REG_EECD) & EECD_OUT);
    for (unsigned i = 0; i < 16; i++) {
        clock_bit(false);
        value = (uint16_t)(value << 1 | ((peek(REG_EECD) & EECD_OUT) != 0));
    }
    poke(REG_EECD, 0);
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
        assert_int_equal(eeprom_by_bits(i), own[2 * i] | own[2 * i + 1] << 8);
    assert_int_equal(eeprom_by_register(64), 0xffff);
    for (unsigned i = 0; i < 1000; i++)                 /* the operation 11 isn't answered */
        clock_bit(true);
    assert_false(peek(REG_EECD) & EECD_OUT);
}

static uint32_t phy(uint32_t operation, unsigned address, unsigned number, uint16_t data) {
    poke(REG_MDIC, operation | address << MDIC_PHY | number << MDIC_REGISTER | data);
    return peek(REG_MDIC);
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
    assert_true(peek(REG_ICR) & CAUSE_MDIO);
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
    poke(REG_ICS, CAUSE_LINK);
    assert_false(interrupted());
    poke(REG_IMS, CAUSE_LINK | CAUSE_RECEIVED);
    assert_true(interrupted());
    assert_true(interrupted());                         /* a level: again until it is read */
    poke(REG_IMC, CAUSE_LINK);
    interrupted();
    assert_false(interrupted());
    assert_int_equal(peek(REG_IMS), CAUSE_RECEIVED);
    poke(REG_IMS, CAUSE_LINK);
    assert_int_equal(peek(REG_ICR), CAUSE_LINK);
    assert_int_equal(peek(REG_ICR), 0);
    interrupted();
    assert_false(interrupted());
    vm_fake_config_write(CARD, PCI_COMMAND, 7 | PCI_COMMAND_INTX_OFF);
    poke(REG_ICS, CAUSE_LINK);
    assert_false(interrupted());
    poke(REG_ICR, CAUSE_LINK);
    assert_int_equal(peek(REG_ICR), 0);
}

/* ---- Frames ---- */

static void frames_go_out(void **state) {
    (void)state;
    fill_frame(BUFFERS, 1514);
    put_legacy(BUFFERS, 60, SEND_LAST | SEND_REPORT);
    put_legacy(BUFFERS, 100, 0);
    put_legacy(BUFFERS + 100, 1414, SEND_LAST);
    kick();
    expect_sent(BUFFERS, 60);
    expect_sent(BUFFERS, 1514);
    expect_nothing();
    assert_int_equal(peek(REG_TX_QUEUE + QUEUE_HEAD), 3);
    assert_int_equal(*ram(TX_RING + DESCRIPTOR_STATUS, 1), DESCRIPTOR_DONE);
    assert_int_equal(*ram(TX_RING + DESCRIPTOR_SIZE + DESCRIPTOR_STATUS, 1), 0);
    assert_int_equal(peek(REG_ICR), CAUSE_SENT | CAUSE_SEND_EMPTY);
    assert_int_equal(peek(STAT_GOOD_SENT), 2);
    assert_int_equal(peek(STAT_GOOD_SENT), 0);
}

static void frames_come_in(void **state) {
    (void)state;
    offer(2);
    deliver(100);
    struct e1000_received first = received(0);
    assert_int_equal(first.length, 100 + CHECKSUM);
    assert_int_equal(first.status, RECEIVED_DONE | RECEIVED_LAST | RECEIVED_NO_CHECKSUM);
    assert_int_equal(first.errors, 0);
    assert_memory_equal(ram(BUFFERS, 100), vm_fake.net_peer.out, 100);
    assert_true(peek(REG_ICR) & CAUSE_RECEIVED);
    poke(REG_RCTL, peek(REG_RCTL) | RCTL_STRIP_CHECKSUM);
    deliver(20);                                        /* padded as on a cable */
    assert_int_equal(received(1).length, 60);
    assert_int_equal(peek(STAT_GOOD_RECEIVED), 2);
}

static void rings_wrap(void **state) {
    (void)state;
    fill_frame(BUFFERS + 0x10000, FRAME);
    for (unsigned i = 0; i < 3 * ENTRIES; i++) {
        put_legacy(BUFFERS + 0x10000, FRAME, SEND_LAST);
        kick();
        expect_sent(BUFFERS + 0x10000, FRAME);
        offer(i + 1);
        deliver((uint16_t)(FRAME + i));
        assert_int_equal(received(i).length, FRAME + i + CHECKSUM);
        assert_int_equal(peek(REG_RX_QUEUE + QUEUE_HEAD), (i + 1) % ENTRIES);
    }
}

static void long_frame_spans_small_buffers(void **state) {
    (void)state;
    enum { SIZE_256 = 3u << RCTL_SIZE_SHIFT };
    poke(REG_RCTL, peek(REG_RCTL) | SIZE_256);
    offer(6);
    deliver(600);
    assert_int_equal(received(0).length, 256);
    assert_false(received(0).status & RECEIVED_LAST);
    assert_int_equal(received(2).length, 600 + CHECKSUM - 512);
    assert_true(received(2).status & RECEIVED_LAST);
    assert_int_equal(received(3).status, 0);
}

static void frames_wait_for_buffers(void **state) {
    (void)state;
    deliver(FRAME);
    assert_int_equal(received(0).status, 0);
    assert_true(devices_settle(&vm_fake.vm));
    unsigned kicks = vm_fake.io_kicks;
    offer(1);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
    assert_false(devices_settle(&vm_fake.vm));
    run();
    assert_true(received(0).status & RECEIVED_DONE);
    assert_true(devices_settle(&vm_fake.vm));
}

static void full_link_keeps_the_frame(void **state) {
    (void)state;
    uint32_t capacity = net_capacity(&vm_fake.vm.e1000.link);
    fill_frame(BUFFERS, FRAME);
    for (uint32_t i = 0; i < capacity + 1; i++) {
        put_legacy(BUFFERS, FRAME, SEND_LAST);
        kick();
    }
    assert_int_equal(peek(REG_TX_QUEUE + QUEUE_HEAD), (tail - 1) % ENTRIES);
    assert_true(devices_settle(&vm_fake.vm));
    for (uint32_t i = 0; i < capacity; i++)
        expect_sent(BUFFERS, FRAME);
    run();
    expect_sent(BUFFERS, FRAME);
    assert_int_equal(peek(REG_TX_QUEUE + QUEUE_HEAD), tail % ENTRIES);
}

static bool gets(const uint8_t to[6]) {
    uint32_t head = peek(REG_RX_QUEUE + QUEUE_HEAD);
    offer(head + 1);
    deliver_to(to, FRAME);
    run();
    return peek(REG_RX_QUEUE + QUEUE_HEAD) != head;
}

static void addresses_are_filtered(void **state) {
    (void)state;
    static const uint8_t other[6] = { 0x52, 0x54, 0, 1, 2, 4 };
    static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    static const uint8_t group[6] = { 0x01, 0, 0x5e, 0, 0x12, 0x34 };
    enum { HASH = 0x341 };                              /* bits 47:36 of the address */
    assert_true(gets(own));
    assert_false(gets(other));
    assert_true(gets(all));
    assert_false(gets(group));
    poke(REG_MTA + 4 * (HASH / 32), 1u << (HASH % 32));
    assert_true(gets(group));
    poke(REG_RCTL, RCTL_ENABLE);
    assert_false(gets(all));
    poke(REG_RCTL, RCTL_ENABLE | RCTL_MULTICAST_ALL | RCTL_UNICAST_ALL);
    assert_true(gets(all));
    assert_true(gets(other));
    poke(REG_RCTL, 0);
    assert_false(gets(own));
    assert_int_equal(peek(STAT_MISSED), 1);
}

static void vlan_tags_are_put_in_and_taken_out(void **state) {
    (void)state;
    static const uint8_t tag[] = { 0x81, 0x00, 0x00, 0x05 };
    uint32_t length = 0;
    poke(REG_CTRL, CTRL_VLAN);
    fill_frame(BUFFERS + 0x10000, FRAME);
    put_send((struct e1000_send){ .address = BUFFERS + 0x10000, .special = 5,
                                  .length_type_command = word(FRAME, 0, SEND_LAST | SEND_VLAN) });
    kick();
    const uint8_t *frame = sent(&length);
    assert_int_equal(length, FRAME + 4);
    assert_memory_equal(frame + 12, tag, 4);
    assert_memory_equal(frame + 16, ram(BUFFERS + 0x1000c, FRAME - 12), FRAME - 12);
    poke(REG_RCTL, peek(REG_RCTL) | RCTL_VLAN_FILTER);
    for (unsigned i = 0; i < 2; i++) {
        offer(1);
        deliver_to(own, 100);
        memcpy(vm_fake.net_peer.out + 12, tag, 4);
        run();
        assert_int_equal(received(0).length, i == 0 ? 0 : 96 + CHECKSUM);
        poke(REG_VFTA, 1u << 5);
    }
    assert_true(received(0).status & RECEIVED_VLAN);
    assert_int_equal(received(0).special, 5);
}

/* ---- Offloads ---- */

enum { IP = 14, TCP = 34, HEADERS = 54, MSS = 100 };

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *bytes, uint32_t size, uint32_t sum) {
    for (uint32_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static uint16_t folded(uint32_t sum) {
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* An IPv4 and TCP packet as Linux hands it over: the TCP checksum is of the pseudo-header, with or
 * without the length. */
static void fill_tcp(uint64_t at, uint32_t payload, bool with_length) {
    static const uint8_t ip[] = { 0x45, 0, 0, 0, 0xff, 0xff, 0x40, 0, 64, 6, 0, 0,
                                  10, 0, 2, 15, 10, 0, 2, 2 };
    static const uint8_t tcp[] = { 0, 80, 4, 0, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 1, 0x50, 0x19,
                                   0x10, 0, 0, 0, 0, 0 };
    fill_frame(at, HEADERS + payload);
    uint8_t *frame = ram(at, HEADERS + payload);
    memcpy(frame + IP, ip, sizeof(ip));
    memcpy(frame + TCP, tcp, sizeof(tcp));
    if (with_length)
        put16(frame + IP + 2, HEADERS - IP + payload);
    uint32_t pseudo = sum_of(frame + IP + 12, 8, 6 + (with_length ? HEADERS - TCP + payload : 0));
    put16(frame + TCP + 16, folded(pseudo));
}

static void check_sums(const uint8_t *frame, uint32_t length) {
    uint32_t tcp = length - TCP;
    assert_int_equal(get16(frame + IP + 2), length - IP);
    assert_int_equal(folded(sum_of(frame + IP, 20, 0)), 0xffff);
    assert_int_equal(folded(sum_of(frame + IP + 12, 8, 6 + tcp) + sum_of(frame + TCP, tcp, 0)),
                     0xffff);
}

static struct e1000_send_context tcp_context(uint8_t header, uint16_t mss) {
    return (struct e1000_send_context){
        .ip_start = IP, .ip_at = IP + 10, .ip_end = TCP - 1, .payload_start = TCP,
        .payload_at = TCP + 16, .header_length = header, .segment_size = mss,
    };
}

enum { SUMS = OPTION_IP_CHECKSUM | OPTION_PAYLOAD_CHECKSUM, TCP4 = CONTEXT_TCP | CONTEXT_IPV4 };

static void checksums_are_put_in(void **state) {
    (void)state;
    uint32_t length = 0;
    fill_tcp(BUFFERS, 101, true);
    put_context(tcp_context(0, 0), TCP4);
    put_data(BUFFERS, HEADERS + 101, SEND_LAST | SEND_REPORT, SUMS);
    kick();
    const uint8_t *frame = sent(&length);
    assert_int_equal(length, HEADERS + 101);
    check_sums(frame, length);
    put_send((struct e1000_send){ .address = BUFFERS, .options = TCP, .length_type_command =
        word(HEADERS + 101, 0, SEND_LAST | SEND_LEGACY_CHECKSUM) | (TCP + 16) << 16 });
    kick();
    frame = sent(&length);
    put16(ram(BUFFERS + IP + 10, 2), 0);
    assert_int_equal(folded(sum_of(frame + IP + 12, 8, 6 + length - TCP) +
                            sum_of(frame + TCP, length - TCP, 0)), 0xffff);
}

static void long_packet_is_cut(void **state) {
    (void)state;
    uint32_t length = 0;
    fill_tcp(BUFFERS, 250, false);
    put_context(tcp_context(HEADERS, MSS), TCP4 | SEND_SEGMENTED);
    put_data(BUFFERS, HEADERS, SEND_SEGMENTED, SUMS);
    put_data(BUFFERS + HEADERS, 130, SEND_SEGMENTED, 0);
    put_data(BUFFERS + HEADERS + 130, 120, SEND_SEGMENTED | SEND_LAST | SEND_REPORT, 0);
    kick();
    for (uint32_t i = 0; i < 3; i++) {
        const uint8_t *frame = sent(&length);
        assert_non_null(frame);
        assert_int_equal(length, HEADERS + (i < 2 ? MSS : 50));
        check_sums(frame, length);
        assert_int_equal(get16(frame + IP + 4), (uint16_t)(0xffff + i));
        assert_int_equal(get32(frame + TCP + 4), (uint32_t)(0xfffffff0u + i * MSS));
        assert_int_equal(frame[TCP + 13], i < 2 ? 0x10 : 0x19);
        assert_memory_equal(frame + HEADERS, ram(BUFFERS + HEADERS + i * MSS, 50), 50);
    }
    expect_nothing();
}

static void ipv6_and_udp_are_cut_too(void **state) {
    (void)state;
    enum { UDP = 54, HEADER = 62 };
    uint32_t length = 0;
    fill_frame(BUFFERS, HEADER + 150);
    put_context((struct e1000_send_context){ .ip_start = IP, .payload_start = UDP,
        .payload_at = UDP + 6, .header_length = HEADER, .segment_size = MSS }, SEND_SEGMENTED);
    put_data(BUFFERS, HEADER + 150, SEND_SEGMENTED | SEND_LAST, OPTION_PAYLOAD_CHECKSUM);
    kick();
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *frame = sent(&length);
        assert_int_equal(length, HEADER + (i == 0 ? MSS : 50));
        assert_int_equal(get16(frame + IP + 4), length - UDP);
        assert_int_equal(get16(frame + UDP + 4), length - UDP);
    }
    expect_nothing();
}

static void context_in_the_middle_is_for_the_next_packet(void **state) {
    (void)state;
    uint32_t length = 0;
    fill_tcp(BUFFERS, 250, false);
    put_context(tcp_context(HEADERS, MSS), TCP4 | SEND_SEGMENTED);
    put_data(BUFFERS, HEADERS + 130, SEND_SEGMENTED, SUMS);
    put_context(tcp_context(255, 0xffff), TCP4 | SEND_SEGMENTED);
    put_data(BUFFERS + HEADERS + 130, 120, SEND_SEGMENTED | SEND_LAST, 0);
    kick();
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(sent(&length));
    assert_int_equal(length, HEADERS + 50);
    assert_false(broken());
}

/* ---- Hostile drivers and switches ---- */

static void frames_of_bad_length_are_dropped(void **state) {
    (void)state;
    put_legacy(BUFFERS, 13, SEND_LAST);
    put_legacy(BUFFERS, 0, SEND_LAST);
    put_legacy(BUFFERS, 60000, SEND_LAST);
    put_data(BUFFERS, 0xfffff, SEND_LAST, SUMS);
    kick();
    expect_nothing();
    assert_int_equal(vm_fake.vm.e1000.dropped, 4);
    assert_false(broken());
    put_legacy(BUFFERS, FRAME, SEND_LAST);
    kick();
    expect_sent(BUFFERS, FRAME);
}

static void hostile_switch_is_dropped(void **state) {
    (void)state;
    static const struct ring_descriptor bad[] = {
        { .offset = 0xfffffff0, .length = 100, .kind = NET_FRAME },
        { .offset = 0, .length = 60000, .kind = NET_FRAME },
        { .offset = 0, .length = 3, .kind = NET_FRAME },
        { .offset = 0, .length = 100, .kind = 77 },
    };
    offer(4);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ring_put(&vm_fake.net_peer, bad[i]);
    ring_flush(&vm_fake.net_peer);
    run();
    assert_int_equal(peek(REG_RX_QUEUE + QUEUE_HEAD), 0);
    deliver(FRAME);
    assert_int_equal(peek(REG_RX_QUEUE + QUEUE_HEAD), 1);
}

/* After each broken rule nothing moves until the reset; then everything does. */
static void stands_still_until_reset(void) {
    run();
    assert_true(broken());
    expect_nothing();
    tail = 0;
    set_ring(REG_TX_QUEUE, TX_RING);
    put_legacy(BUFFERS, FRAME, SEND_LAST);
    kick();
    expect_nothing();
    reset_card();
    tail = 0;
    put_legacy(BUFFERS, FRAME, SEND_LAST);
    kick();
    expect_sent(BUFFERS, FRAME);
    reset_card();
    tail = 0;
}

static void buffers_outside_ram_break_the_card(void **state) {
    (void)state;
    static const uint64_t bad[] = { FAKE_RAM, FAKE_RAM - 8, ~0ull - 8, LAYOUT_E1000_BAR, APIC_PAGE,
                                    LAYOUT_BARS };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        put_legacy(bad[i], FRAME, SEND_LAST);
        kick();
        stands_still_until_reset();
        put_data(bad[i], 0xfffff, SEND_LAST, 0);
        kick();
        stands_still_until_reset();
        vm_fake_poke(RX_RING, &bad[i], sizeof(bad[i]));
        offer(1);
        deliver(FRAME);
        stands_still_until_reset();
    }
}

static void rings_outside_ram_break_the_card(void **state) {
    (void)state;
    static const uint64_t bad[] = { FAKE_RAM, ~15ull, LAYOUT_E1000_BAR, 1ull << 63,
                                    ~0xfull - 0x70 };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        set_ring(REG_TX_QUEUE, bad[i]);
        poke(REG_TX_QUEUE + QUEUE_TAIL, 1);
        stands_still_until_reset();
        set_ring(REG_TX_QUEUE, bad[i]);                 /* index times size wraps to RAM */
        poke(REG_TX_QUEUE + QUEUE_HEAD, ENTRIES - 1);
        poke(REG_TX_QUEUE + QUEUE_TAIL, 1);
        stands_still_until_reset();
        set_ring(REG_RX_QUEUE, bad[i]);
        offer(1);
        deliver(FRAME);
        stands_still_until_reset();
    }
}

static void indices_beyond_the_ring_break_the_card(void **state) {
    (void)state;
    static const struct { uint32_t length, head, tail; } bad[] = {
        { ENTRIES * 16, 0, ENTRIES }, { ENTRIES * 16, ENTRIES, 0 }, { ENTRIES * 16, 0, 0xffff },
        { 0, 0, 1 }, { 0, 1, 0 }, { 0, 0xffff, 0xffff },
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        poke(REG_TX_QUEUE + QUEUE_LENGTH, bad[i].length);
        poke(REG_TX_QUEUE + QUEUE_HEAD, bad[i].head);
        poke(REG_TX_QUEUE + QUEUE_TAIL, bad[i].tail);
        stands_still_until_reset();
        poke(REG_RX_QUEUE + QUEUE_LENGTH, bad[i].length);
        poke(REG_RX_QUEUE + QUEUE_HEAD, bad[i].head);
        poke(REG_RX_QUEUE + QUEUE_TAIL, bad[i].tail);
        deliver(FRAME);
        stands_still_until_reset();
    }
}

static void silly_segmentations_break_the_card(void **state) {
    (void)state;
    const struct e1000_send_context good = tcp_context(HEADERS, MSS);
    struct e1000_send_context bad[] = { good, good, good, good, good, good, good, good };
    bad[0].segment_size = 0;
    bad[1].segment_size = 0xffff;
    bad[2].header_length = 0;
    bad[3].header_length = TCP + 19;
    bad[4].ip_start = 13;
    bad[5].payload_start = IP + 19;
    bad[6].payload_at = HEADERS - 1;
    bad[7].ip_at = 255;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        put_context(bad[i], TCP4 | SEND_SEGMENTED);
        put_data(BUFFERS, 1000, SEND_SEGMENTED | SEND_LAST, SUMS);
        kick();
        stands_still_until_reset();
    }
    put_context(good, TCP4 | SEND_SEGMENTED);
    put_data(BUFFERS, HEADERS - 1, SEND_SEGMENTED | SEND_LAST, SUMS);
    kick();
    expect_nothing();
    assert_false(broken());
}

static void silly_checksum_offsets_change_nothing(void **state) {
    (void)state;
    fill_frame(BUFFERS, FRAME);
    put_context((struct e1000_send_context){ .ip_start = 255, .ip_at = 255, .payload_start = 10,
        .payload_at = FRAME - 1, .payload_end = 5 }, 0);
    put_data(BUFFERS, FRAME, SEND_LAST, SUMS);
    kick();
    expect_sent(BUFFERS, FRAME);
}

/* A descriptor of a mebibyte that is to be cut into pieces of a byte: no turn does more than its
 * budget, and the rest waits for the switch. */
static void work_is_bounded(void **state) {
    (void)state;
    enum { MEBIBYTE_LESS_ONE = 0xfffff, LONG = 200 };
    unsigned frames = 0;
    uint32_t length;
    put_context(tcp_context(HEADERS, 1), TCP4 | SEND_SEGMENTED);
    put_data(BUFFERS, MEBIBYTE_LESS_ONE, SEND_SEGMENTED | SEND_LAST, SUMS);
    kick();
    for (unsigned i = 0; i < LONG; i++) {
        unsigned turn = 0;
        while (sent(&length))
            turn++;
        assert_true(turn <= 256);
        frames += turn;
        run();
    }
    assert_true(frames > LONG);
    poke(REG_CTRL, CTRL_RESET);
    while (sent(&length))
        ;
    run();
    expect_nothing();
    tail = 0;
}

static void nothing_moves_without_bus_mastering(void **state) {
    (void)state;
    vm_fake_config_write(CARD, PCI_COMMAND, 3);
    put_legacy(BUFFERS, FRAME, SEND_LAST);
    offer(1);
    deliver(FRAME);
    kick();
    expect_nothing();
    assert_int_equal(received(0).status, 0);
}

static int fresh(void **state) {
    tail = 0;
    return setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, teardown)

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
        TEST(checksums_are_put_in),
        TEST(long_packet_is_cut),
        TEST(ipv6_and_udp_are_cut_too),
        TEST(context_in_the_middle_is_for_the_next_packet),
        TEST(frames_of_bad_length_are_dropped),
        TEST(hostile_switch_is_dropped),
        TEST(buffers_outside_ram_break_the_card),
        TEST(rings_outside_ram_break_the_card),
        TEST(indices_beyond_the_ring_break_the_card),
        TEST(silly_segmentations_break_the_card),
        TEST(silly_checksum_offsets_change_nothing),
        TEST(work_is_bounded),
        TEST(nothing_moves_without_bus_mastering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
