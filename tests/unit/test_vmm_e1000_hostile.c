/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drivers of the emulated 82540EM, and switches, that break the rules (ATTACKS.md, F1, F2, F6, F9):
 * they cost themselves the card, nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/e1000_driver.h"
#include "vmm/platform/layout.h"

static void frames_of_bad_length_are_dropped(void **state) {
    (void)state;
    card_put_legacy(BUFFERS, 13, SEND_LAST);
    card_put_legacy(BUFFERS, 0, SEND_LAST);
    card_put_legacy(BUFFERS, 60000, SEND_LAST);
    card_put_data(BUFFERS, 0xfffff, SEND_LAST, SUMS);
    card_kick();
    card_expect_nothing();
    assert_int_equal(vm_fake.vm.e1000.dropped, 4);
    assert_false(card_broken());
    card_put_legacy(BUFFERS, FRAME, SEND_LAST);
    card_kick();
    card_expect_sent(BUFFERS, FRAME);
}

static void hostile_switch_is_dropped(void **state) {
    (void)state;
    static const struct ring_descriptor bad[] = {
        { .offset = 0xfffffff0, .length = 100, .kind = NET_FRAME },
        { .offset = 0, .length = 60000, .kind = NET_FRAME },
        { .offset = 0, .length = 3, .kind = NET_FRAME },
        { .offset = 0, .length = 100, .kind = 77 },
    };
    card_offer(4);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ring_put(&vm_fake.net_peer, bad[i]);
    ring_flush(&vm_fake.net_peer);
    card_run();
    assert_int_equal(card_read(REG_RX_QUEUE + QUEUE_HEAD), 0);
    card_deliver(FRAME);
    assert_int_equal(card_read(REG_RX_QUEUE + QUEUE_HEAD), 1);
}

/* After each broken rule nothing moves until the reset; then everything does. */
static void stands_still_until_reset(void) {
    card_run();
    assert_true(card_broken());
    card_expect_nothing();
    card_tail = 0;
    card_set_ring(REG_TX_QUEUE, TX_RING);
    card_put_legacy(BUFFERS, FRAME, SEND_LAST);
    card_kick();
    card_expect_nothing();
    card_reset();
    card_tail = 0;
    card_put_legacy(BUFFERS, FRAME, SEND_LAST);
    card_kick();
    card_expect_sent(BUFFERS, FRAME);
    card_reset();
    card_tail = 0;
}

static void buffers_outside_ram_break_the_card(void **state) {
    (void)state;
    static const uint64_t bad[] = { FAKE_RAM, FAKE_RAM - 8, ~0ull - 8, LAYOUT_E1000_BAR, APIC_PAGE,
                                    LAYOUT_BARS };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        card_put_legacy(bad[i], FRAME, SEND_LAST);
        card_kick();
        stands_still_until_reset();
        card_put_data(bad[i], 0xfffff, SEND_LAST, 0);
        card_kick();
        stands_still_until_reset();
        vm_fake_poke(RX_RING, &bad[i], sizeof(bad[i]));
        card_offer(1);
        card_deliver(FRAME);
        stands_still_until_reset();
    }
}

static void rings_outside_ram_break_the_card(void **state) {
    (void)state;
    static const uint64_t bad[] = { FAKE_RAM, ~15ull, LAYOUT_E1000_BAR, 1ull << 63,
                                    ~0xfull - 0x70 };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        card_set_ring(REG_TX_QUEUE, bad[i]);
        card_write(REG_TX_QUEUE + QUEUE_TAIL, 1);
        stands_still_until_reset();
        card_set_ring(REG_TX_QUEUE, bad[i]);                 /* index times size wraps to RAM */
        card_write(REG_TX_QUEUE + QUEUE_HEAD, ENTRIES - 1);
        card_write(REG_TX_QUEUE + QUEUE_TAIL, 1);
        stands_still_until_reset();
        card_set_ring(REG_RX_QUEUE, bad[i]);
        card_offer(1);
        card_deliver(FRAME);
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
        card_write(REG_TX_QUEUE + QUEUE_LENGTH, bad[i].length);
        card_write(REG_TX_QUEUE + QUEUE_HEAD, bad[i].head);
        card_write(REG_TX_QUEUE + QUEUE_TAIL, bad[i].tail);
        stands_still_until_reset();
        card_write(REG_RX_QUEUE + QUEUE_LENGTH, bad[i].length);
        card_write(REG_RX_QUEUE + QUEUE_HEAD, bad[i].head);
        card_write(REG_RX_QUEUE + QUEUE_TAIL, bad[i].tail);
        card_deliver(FRAME);
        stands_still_until_reset();
    }
}

static void silly_segmentations_break_the_card(void **state) {
    (void)state;
    const struct e1000_send_context good = card_tcp_context(HEADERS, MSS);
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
        card_put_context(bad[i], TCP4 | SEND_SEGMENTED);
        card_put_data(BUFFERS, 1000, SEND_SEGMENTED | SEND_LAST, SUMS);
        card_kick();
        stands_still_until_reset();
    }
    card_put_context(good, TCP4 | SEND_SEGMENTED);
    card_put_data(BUFFERS, HEADERS - 1, SEND_SEGMENTED | SEND_LAST, SUMS);
    card_kick();
    card_expect_nothing();
    assert_false(card_broken());
}

static void silly_checksum_offsets_change_nothing(void **state) {
    (void)state;
    card_fill_frame(BUFFERS, FRAME);
    card_put_context((struct e1000_send_context){
                         .ip_start = 255, .ip_at = 255, .payload_start = 10,
        .payload_at = FRAME - 1, .payload_end = 5 }, 0);
    card_put_data(BUFFERS, FRAME, SEND_LAST, SUMS);
    card_kick();
    card_expect_sent(BUFFERS, FRAME);
}

/* A descriptor of a mebibyte that is to be cut into pieces of a byte: no turn does more than its
 * budget, and the rest waits for the switch. */
static void work_is_bounded(void **state) {
    (void)state;
    enum { MEBIBYTE_LESS_ONE = 0xfffff, LONG = 200 };
    unsigned frames = 0;
    uint32_t length;
    card_put_context(card_tcp_context(HEADERS, 1), TCP4 | SEND_SEGMENTED);
    card_put_data(BUFFERS, MEBIBYTE_LESS_ONE, SEND_SEGMENTED | SEND_LAST, SUMS);
    card_kick();
    for (unsigned i = 0; i < LONG; i++) {
        unsigned turn = 0;
        while (card_sent(&length))
            turn++;
        assert_true(turn <= 256);
        frames += turn;
        card_run();
    }
    assert_true(frames > LONG);
    card_write(REG_CTRL, CTRL_RESET);
    while (card_sent(&length))
        ;
    card_run();
    card_expect_nothing();
    card_tail = 0;
}

static void nothing_moves_without_bus_mastering(void **state) {
    (void)state;
    vm_fake_config_write(CARD, PCI_COMMAND, 3);
    card_put_legacy(BUFFERS, FRAME, SEND_LAST);
    card_offer(1);
    card_deliver(FRAME);
    card_kick();
    card_expect_nothing();
    assert_int_equal(card_received(0).status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, card_setup, card_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
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
