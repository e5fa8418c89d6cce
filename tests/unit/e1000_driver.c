/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver of the emulated 82540EM, and the switch behind it, for unit tests. */
#include "tests/unit/e1000_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/platform/layout.h"

const uint8_t card_address[6] = { 0x52, 0x54, 0, 1, 2, 3 };

void card_write(uint32_t reg, uint32_t value) {
    vm_fake_store(LAYOUT_E1000_BAR + reg, 4, value);
}

uint32_t card_read(uint32_t reg) {
    return (uint32_t)vm_fake_load(LAYOUT_E1000_BAR + reg, 4);
}

void card_run(void) { devices_run(&vm_fake.vm); }

uint8_t *card_ram(uint64_t at, uint64_t size) {
    return guest_range(&vm_fake.vm.memory, (struct gpa){ at }, size);
}

void card_set_ring(uint32_t registers, uint64_t base) {
    card_write(registers + QUEUE_BASE_LOW, (uint32_t)base);
    card_write(registers + QUEUE_BASE_HIGH, (uint32_t)(base >> 32));
    card_write(registers + QUEUE_LENGTH, ENTRIES * DESCRIPTOR_SIZE);
    card_write(registers + QUEUE_HEAD, 0);
    card_write(registers + QUEUE_TAIL, 0);
}

/* As a driver sets the card up: both rings, receive buffers of 2 KiB. */
void card_start(void) {
    vm_fake_config_write(CARD, PCI_COMMAND, 7);
    memset(card_ram(RX_RING, 0x2000), 0, 0x2000);
    card_set_ring(REG_RX_QUEUE, RX_RING);
    card_set_ring(REG_TX_QUEUE, TX_RING);
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t at = BUFFERS + 0x800 * i;
        vm_fake_poke(RX_RING + DESCRIPTOR_SIZE * i, &at, sizeof(at));
    }
    card_write(REG_RCTL, RCTL_ENABLE | RCTL_BROADCAST);
    card_write(REG_TCTL, TCTL_ENABLE);
}

int card_setup(void **state) {
    (void)state;
    card_tail = 0;
    vm_fake_make(1);
    vm_fake_use_e1000();
    card_start();
    return 0;
}

int card_teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

bool card_broken(void) { return vm_fake.vm.e1000.broken; }

void card_reset(void) {
    card_write(REG_CTRL, CTRL_RESET);
    assert_false(card_broken());
    card_start();
}

/* ---- The driver's transmit side ---- */

uint32_t card_tail;

void card_put(struct e1000_send d) {
    vm_fake_poke(TX_RING + DESCRIPTOR_SIZE * (card_tail % ENTRIES), &d, sizeof(d));
    card_tail++;
}

void card_kick(void) {
    card_write(REG_TX_QUEUE + QUEUE_TAIL, card_tail % ENTRIES);
    card_run();
}

uint32_t card_word(uint32_t length, unsigned type, unsigned command) {
    return length | type << 20 | command << 24;
}

void card_put_legacy(uint64_t at, uint16_t length, unsigned command) {
    card_put((struct e1000_send){ .address = at,
                                  .length_type_command = card_word(length, 0, command) });
}

void card_put_data(uint64_t at, uint32_t length, unsigned command, uint8_t options) {
    card_put((struct e1000_send){
        .address = at, .options = options,
        .length_type_command = card_word(length, TYPE_DATA, command | SEND_EXTENDED) });
}

void card_put_context(struct e1000_send_context context, unsigned command) {
    struct e1000_send d;
    context.length_type_command = card_word(0, TYPE_CONTEXT, command | SEND_EXTENDED);
    memcpy(&d, &context, sizeof(d));
    card_put(d);
}

struct e1000_send_context card_tcp_context(uint8_t header, uint16_t mss) {
    return (struct e1000_send_context){
        .ip_start = IP, .ip_at = IP + 10, .ip_end = TCP - 1, .payload_start = TCP,
        .payload_at = TCP + 16, .header_length = header, .segment_size = mss,
    };
}

/* The next frame that the switch got, or NULL. */
const uint8_t *card_sent(uint32_t *length) {
    if (ring_available(&vm_fake.net_peer) == 0)
        return NULL;
    struct ring_descriptor d = ring_get(&vm_fake.net_peer);
    assert_true(net_valid(d, vm_fake.net_peer.in_size));
    ring_done(&vm_fake.net_peer, 1);
    ring_flush(&vm_fake.net_peer);
    *length = d.length;
    return vm_fake.net_peer.in + d.offset;
}

void card_expect_sent(uint64_t from, uint32_t size) {
    uint32_t length = 0;
    const uint8_t *frame = card_sent(&length);
    assert_non_null(frame);
    assert_int_equal(length, size);
    assert_memory_equal(frame, card_ram(from, size), size);
}

void card_expect_nothing(void) {
    uint32_t length;
    assert_null(card_sent(&length));
}

void card_fill_frame(uint64_t at, uint32_t size) {
    uint8_t *bytes = card_ram(at, size);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7 + size);
}

/* ---- The switch's side ---- */

void card_deliver_to(const uint8_t to[6], uint16_t length) {
    memset(vm_fake.net_peer.out, 0xab, NET_SLOT);
    memcpy(vm_fake.net_peer.out, to, 6);
    ring_put(&vm_fake.net_peer, (struct ring_descriptor){ .length = length, .kind = NET_FRAME });
    ring_flush(&vm_fake.net_peer);
}

void card_deliver(uint16_t length) {
    card_deliver_to(card_address, length);
    card_run();
}

void card_offer(uint32_t until) { card_write(REG_RX_QUEUE + QUEUE_TAIL, until % ENTRIES); }

struct e1000_received card_received(unsigned index) {
    struct e1000_received answer;
    memcpy(&answer, card_ram(RX_RING + DESCRIPTOR_SIZE * (index % ENTRIES) + 8, 8), 8);
    return answer;
}
