/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the e1000e driver's core over a fake card: start, both directions, and a card and a
 * switch that lie, stand still or are gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/e1000e/nic.h"
#include "lib/mmio/mmio.h"
#include "tests/unit/link_pair.h"

enum { POOL = 512 * NET_SLOT, POOL_IOVA = 0x10000000, AREA_IOVA = 0x20000000, AREA = 0x10000 };

static uint32_t registers[NIC_BAR_SIZE / 4];
static bool stuck_in_reset;
static struct nic_rings rings;
static struct nic *nic;
static struct link_pair pair;
static struct ring netswitch;
static uint32_t card_receive, card_transmit;      /* the card's heads, counting for ever */

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    assert_ptr_equal(base, registers);
    return registers[offset / 4];
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    assert_ptr_equal(base, registers);
    assert_true(offset < NIC_BAR_SIZE && offset % 4 == 0);
    if (offset == NIC_CTRL && !stuck_in_reset)
        value &= ~(uint32_t)CTRL_RST;
    registers[offset / 4] = offset == NIC_IMS ? registers[offset / 4] | value : value;
    if (offset == NIC_IMC)
        registers[NIC_IMS / 4] &= ~value;
}

static uint32_t reg(uint32_t offset) {
    return registers[offset / 4];
}

static bool settle(void) {
    uint32_t notify = BH_NONE;
    bool settled = nic_settle(nic, &notify);

    if (notify != BH_NONE)
        call_notify(notify);
    return settled;
}

static void turn(void) {
    nic_turn(nic, 0);
    settle();
}

static int setup(void **state) {
    (void)state;
    memset(registers, 0, sizeof(registers));
    stuck_in_reset = false;
    card_receive = card_transmit = 0;
    nic = calloc(1, sizeof(*nic));
    nic->registers = registers;
    nic->rings = &rings;
    nic->rings_iova = 0x100000;
    nic->pool = (struct nic_area){ POOL_IOVA, POOL };
    nic->area[0] = (struct nic_area){ AREA_IOVA, AREA };
    link_pair_make(&pair, 8192, 4096);
    pair.a.link.out_area = 0;
    ring_open(&nic->link, &pair.a, 1);
    ring_open(&netswitch, &pair.b, 2);
    ring_check(&nic->link);
    ring_check(&netswitch);
    ring_check(&nic->link);
    assert_true(nic_start(nic));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    link_pair_free(&pair);
    free(nic);
    return 0;
}

/* The card receives a frame into the next descriptor that it owns. */
static uint64_t card_receives(uint16_t length, uint8_t status, uint8_t errors) {
    struct nic_receive *descriptor = &rings.receive[card_receive++ % NIC_DEPTH];

    descriptor->length = length;
    descriptor->errors = errors;
    descriptor->status = status;
    return descriptor->address;
}

static void card_sends(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        rings.transmit[card_transmit++ % NIC_DEPTH].status = TX_DONE;
}

static void request(uint8_t port, uint32_t offset, uint16_t length) {
    ring_put(&netswitch, (struct ring_descriptor){
        .offset = offset, .length = length, .kind = NET_FRAME, .port = port });
    ring_flush(&netswitch);
}

static void test_start(void **state) {
    (void)state;
    assert_true(nic->running);
    assert_int_equal(reg(NIC_RDT), NIC_DEPTH - 1);
    assert_int_equal(reg(NIC_RDLEN), NIC_DEPTH * 16);
    assert_int_equal(reg(NIC_RDBAL), 0x100000);
    assert_int_equal(reg(NIC_TDBAL), 0x100000 + NIC_DEPTH * 16);
    assert_true((reg(NIC_RCTL) & (RCTL_EN | RCTL_UPE)) == (RCTL_EN | RCTL_UPE));
    assert_true((reg(NIC_TCTL) & TCTL_EN) != 0);
    for (unsigned i = 0; i < NIC_DEPTH - 1; i++)
        assert_in_range(rings.receive[i].address, POOL_IOVA, POOL_IOVA + POOL - NET_SLOT);
}

static void test_stuck_reset(void **state) {
    (void)state;
    stuck_in_reset = true;
    assert_false(nic_start(nic));
    assert_false(nic->running);
    turn();
    memset(registers, 0xff, sizeof(registers));
    assert_false(nic_start(nic));
}

static void test_receive(void **state) {
    struct ring_descriptor frame;
    uint64_t address;

    (void)state;
    address = card_receives(64, RX_DONE | RX_LAST, 0);
    turn();
    assert_int_equal(ring_available(&netswitch), 1);
    frame = ring_get(&netswitch);
    assert_int_equal(frame.kind, NET_FRAME);
    assert_int_equal(frame.length, 64);
    assert_int_equal(POOL_IOVA + frame.offset, address);
}

static void test_buffers_come_round(void **state) {
    uint32_t count = 0;

    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        assert_true(nic->receive_filled - card_receive > 0);
        card_receives(100, RX_DONE | RX_LAST, 0);
        turn();
        for (uint32_t n = ring_available(&netswitch); n > 0; n--, count++) {
            assert_in_range(ring_get(&netswitch).offset, 0, POOL - NET_SLOT);
            ring_done(&netswitch, 1);
        }
        ring_flush(&netswitch);
    }
    assert_int_equal(count, 5000);
    assert_int_equal(nic->received, 5000);
}

static void test_bad_frames(void **state) {
    (void)state;
    card_receives(13, RX_DONE | RX_LAST, 0);
    card_receives(1519, RX_DONE | RX_LAST, 0);
    card_receives(0xffff, RX_DONE | RX_LAST, 0);
    card_receives(64, RX_DONE, 0);
    card_receives(64, RX_DONE | RX_LAST, 1);
    card_receives(64, 0xff, 0xff);
    turn();
    assert_int_equal(ring_available(&netswitch), 0);
    assert_int_equal(nic->dropped, 6);
    assert_int_equal(nic->free_count + (nic->receive_filled - nic->receive_next), 512);
}

static void test_everything_done_forever(void **state) {
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        memset(&rings, 0xff, sizeof(rings));
        turn();
    }
    assert_int_equal(ring_available(&netswitch), 0);
}

static void test_switch_keeps_all(void **state) {
    (void)state;
    for (unsigned i = 0; i < 1000 && nic->receive_filled != card_receive; i++) {
        card_receives(64, RX_DONE | RX_LAST, 0);
        turn();
    }
    assert_int_equal(ring_available(&netswitch), 256);
    assert_true(settle());
    fake_calls.notifies = 0;
    ring_get(&netswitch);
    ring_done(&netswitch, 1);
    ring_flush(&netswitch);
    assert_int_equal(fake_calls.notifies, 1);
}

static void test_transmit(void **state) {
    (void)state;
    request(0, 0x800, 1514);
    turn();
    assert_int_equal(reg(NIC_TDT), 1);
    assert_int_equal(rings.transmit[0].address, AREA_IOVA + 0x800);
    assert_int_equal(rings.transmit[0].length, 1514);
    turn();
    assert_int_equal(ring_space(&netswitch), 255);
    card_sends(1);
    turn();
    assert_int_equal(ring_space(&netswitch), 256);
}

static void test_transmit_comes_round(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        assert_true(ring_space(&netswitch) > 0);
        request(0, 0, 64);
        turn();
        if (i % 3 == 0)
            card_sends(nic->transmit_filled - card_transmit);
        turn();
    }
    assert_int_equal(nic->sent, 5000);
}

static void test_bad_requests(void **state) {
    (void)state;
    request(1, 0, 64);
    request(255, 0, 64);
    request(0, AREA - 63, 64);
    request(0, 0xffffffff, 1500);
    request(0, 0, 1519);
    request(0, 0, 3);
    turn();
    assert_int_equal(nic->dropped, 6);
    assert_int_equal(nic->sent, 0);
    turn();
    assert_int_equal(ring_space(&netswitch), 256);
    request(0, 0, 64);
    request(7, 0, 64);
    turn();
    assert_int_equal(ring_space(&netswitch), 254);
    card_sends(1);
    turn();
    assert_int_equal(ring_space(&netswitch), 256);
}

static void test_card_stands_still(void **state) {
    (void)state;
    for (unsigned i = 0; i < 256; i++)
        request(0, 0, 64);
    for (unsigned i = 0; i < 10; i++)
        turn();
    assert_int_equal(nic->transmit_filled, NIC_DEPTH - 1);
    assert_true(settle());
    assert_true((reg(NIC_IMS) & CAUSE_TXQ0) != 0);
}

static void test_interrupts(void **state) {
    (void)state;
    turn();
    assert_int_equal(reg(NIC_IMS), CAUSE_RXQ0 | CAUSE_OTHER | CAUSE_LSC);
    registers[NIC_IMS / 4] = 0;
    turn();
    assert_int_equal(reg(NIC_IMS), 0);
    nic_interrupted(nic, CAUSE_RXQ0);
    turn();
    assert_int_equal(reg(NIC_IMS), CAUSE_RXQ0);
}

static void test_completions_interrupt_who_waits(void **state) {
    (void)state;
    turn();
    request(0, 0, 64);
    turn();
    assert_int_equal(reg(NIC_IMS) & CAUSE_TXQ0, 0);
    ring_space(&netswitch);
    assert_true(ring_await_release(&netswitch, 1));
    turn();
    assert_int_equal(reg(NIC_IMS) & CAUSE_TXQ0, CAUSE_TXQ0);
}

static void test_flood_is_polled(void **state) {
    uint64_t now = 1000;

    (void)state;
    nic->pace.period = 100;
    for (unsigned i = 0; i < 2 * PACE_BURST; i++) {
        card_receives(64, RX_DONE | RX_LAST, 0);
        nic_interrupted(nic, CAUSE_RXQ0);
        registers[NIC_IMS / 4] &= ~(uint32_t)CAUSE_RXQ0;
        nic_turn(nic, now += 10);
        settle();
    }
    assert_true(nic->pace.on);
    assert_int_equal(reg(NIC_IMS) & CAUSE_RXQ0, 0);
    nic_turn(nic, nic->pace.due + 1000);
    nic_turn(nic, nic->pace.due + 1000);
    settle();
    assert_false(nic->pace.on);
    assert_int_equal(reg(NIC_IMS) & CAUSE_RXQ0, CAUSE_RXQ0);
}

static void test_link_speed(void **state) {
    (void)state;
    registers[NIC_STATUS / 4] = STATUS_LU | 2 << 6;
    assert_int_equal(nic_link_speed(nic), 1000);
    card_receives(64, RX_DONE | RX_LAST, 0);
    turn();
    assert_int_equal(ring_available(&netswitch), 2);
    assert_int_equal(ring_get(&netswitch).extra, 1000);
    assert_int_equal(ring_get(&netswitch).kind, NET_FRAME);
    ring_done(&netswitch, 2);
    ring_flush(&netswitch);
    turn();
    assert_int_equal(nic->free_count + (nic->receive_filled - nic->receive_next), 512);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_start), TEST(test_stuck_reset), TEST(test_receive),
        TEST(test_buffers_come_round), TEST(test_bad_frames), TEST(test_everything_done_forever),
        TEST(test_switch_keeps_all), TEST(test_transmit), TEST(test_transmit_comes_round),
        TEST(test_bad_requests), TEST(test_card_stands_still), TEST(test_interrupts),
        TEST(test_completions_interrupt_who_waits), TEST(test_flood_is_polled),
        TEST(test_link_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
