/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the switch's core: who gets which frame, who is refused, when frames are released, what
 * a port or a driver that dies, lies or stands still does to the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "services/netswitch/switch.h"
#include "tests/unit/link_pair.h"

enum { PORTS = 3, UPLINK = 3, AREA = 256 * NET_SLOT };

static const uint8_t macs[PORTS + 1][6] = {
    { 0x52, 0x54, 0, 0, 0, 1 }, { 0x52, 0x54, 0, 0, 0, 2 }, { 0x52, 0x54, 0, 0, 0, 3 },
    { 0x52, 0x55, 10, 0, 2, 2 },
};
static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static struct netswitch *netswitch;
static struct link_pair pairs[PORTS + 1];
static struct ring ends[PORTS + 1];          /* the clients and the driver */

static struct ring *switch_end(unsigned i) {
    return i == UPLINK ? &netswitch->uplink.ring : &netswitch->port[i].ring;
}

static bool settle(void) {
    uint32_t notify = BH_NONE;
    bool settled = switch_settle(netswitch, &notify);

    if (notify != BH_NONE)
        call_notify(notify);
    return settled;
}

static void turn(void) {
    switch_turn(netswitch);
    settle();
    for (unsigned i = 0; i <= PORTS; i++)
        ring_check(&ends[i]);
}

static int setup(void **state) {
    (void)state;
    netswitch = calloc(1, sizeof(*netswitch));
    netswitch->port_count = PORTS;
    netswitch->has_uplink = true;
    for (unsigned i = 0; i <= PORTS; i++) {
        link_pair_make(&pairs[i], 8192, AREA);
        ring_open(switch_end(i), &pairs[i].a, 100 + i);
        ring_open(&ends[i], &pairs[i].b, 200 + i);
    }
    for (unsigned i = 0; i < PORTS - 1; i++) {       /* the last port learns */
        netswitch->port[i].mac = mac_from_bytes(macs[i]);
        assert_true(mac_add(&netswitch->table, netswitch->port[i].mac, i));
    }
    turn();
    turn();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (unsigned i = 0; i <= PORTS; i++)
        link_pair_free(&pairs[i]);
    free(netswitch);
    return 0;
}

static void send_length(unsigned from, const uint8_t to[6], const uint8_t source[6],
                        uint16_t length) {
    uint8_t *frame = net_slot(&ends[from]);

    assert_true(net_capacity(&ends[from]) > 0);
    memcpy(frame, to, 6);
    memcpy(frame + 6, source, 6);
    for (unsigned i = 12; i < length; i++)
        frame[i] = (uint8_t)(i + from);
    net_send(&ends[from], length);
    ring_flush(&ends[from]);
}

static void send(unsigned from, const uint8_t to[6], const uint8_t source[6]) {
    send_length(from, to, source, 64);
}

/* How many frames this end has got since; the frames are checked and released. */
static unsigned got(unsigned end) {
    unsigned count = ring_available(&ends[end]);

    for (unsigned i = 0; i < count; i++)
        ring_get(&ends[end]);
    ring_done(&ends[end], count);
    ring_flush(&ends[end]);
    return count;
}

static void expect(unsigned port0, unsigned port1, unsigned port2, unsigned uplink) {
    assert_int_equal(got(0), port0);
    assert_int_equal(got(1), port1);
    assert_int_equal(got(2), port2);
    assert_int_equal(got(UPLINK), uplink);
}

static void test_unicast(void **state) {
    (void)state;
    send(0, macs[1], macs[0]);
    turn();
    expect(0, 1, 0, 0);
    send(1, macs[UPLINK], macs[1]);
    turn();
    expect(0, 0, 0, 1);
    send(UPLINK, macs[1], macs[UPLINK]);
    turn();
    expect(0, 1, 0, 0);
}

static void test_content(void **state) {
    struct ring_descriptor frame;
    const uint8_t *bytes;

    (void)state;
    send_length(0, macs[1], macs[0], 1514);
    turn();
    assert_int_equal(ring_available(&ends[1]), 1);
    frame = ring_get(&ends[1]);
    bytes = ends[1].in + frame.offset;
    assert_int_equal(frame.length, 1514);
    assert_memory_equal(bytes, macs[1], 6);
    assert_memory_equal(bytes + 6, macs[0], 6);
    for (unsigned i = 12; i < 1514; i++)
        assert_int_equal(bytes[i], (uint8_t)i);
}

/* Port 1 is the driver domain's: all goes through it that would go up, and comes from it. */
static void make_trunk(void) {
    netswitch->has_uplink = false;
    netswitch->has_trunk = true;
    netswitch->trunk = 1;
}

static void test_trunk_takes_what_nobody_knows(void **state) {
    (void)state;
    make_trunk();
    send(0, macs[UPLINK], macs[0]);
    turn();
    expect(0, 1, 0, 0);
    send(0, broadcast, macs[0]);
    turn();
    expect(0, 1, 1, 0);
    send(2, macs[0], macs[2]);
    turn();
    expect(1, 0, 0, 0);
}

static void test_trunk_brings_the_outside_in(void **state) {
    (void)state;
    make_trunk();
    send(1, macs[0], macs[UPLINK]);
    send(1, macs[0], macs[1]);
    turn();
    expect(2, 0, 0, 0);
    send(1, broadcast, macs[UPLINK]);
    turn();
    expect(1, 0, 1, 0);
    send(1, macs[UPLINK], macs[UPLINK]);
    turn();
    expect(0, 0, 0, 0);
    assert_int_equal(netswitch->port[1].count[COUNT_UNKNOWN], 1);
}

static void test_trunk_cannot_be_another_port(void **state) {
    (void)state;
    make_trunk();
    send(1, macs[2], macs[0]);
    turn();
    expect(0, 0, 0, 0);
    assert_int_equal(netswitch->port[1].count[COUNT_SPOOFED], 1);
}

static void test_groups(void **state) {
    (void)state;
    send(0, broadcast, macs[0]);
    turn();
    expect(0, 1, 1, 1);
    send(UPLINK, broadcast, macs[UPLINK]);
    turn();
    expect(1, 1, 1, 0);
}

static void test_unknown_goes_to_nobody_else(void **state) {
    static const uint8_t nobody[6] = { 2, 2, 2, 2, 2, 2 };
    static const uint8_t zero[6];

    (void)state;
    send(0, nobody, macs[0]);
    send(0, zero, macs[0]);
    turn();
    expect(0, 0, 0, 2);
    send(UPLINK, nobody, macs[UPLINK]);
    send(UPLINK, zero, macs[UPLINK]);
    turn();
    expect(0, 0, 0, 0);
    assert_int_equal(netswitch->uplink.count[COUNT_UNKNOWN], 2);
}

static void test_spoofed_source(void **state) {
    (void)state;
    send(0, macs[UPLINK], macs[1]);
    send(0, broadcast, macs[UPLINK]);
    turn();
    expect(0, 0, 0, 0);
    assert_int_equal(netswitch->port[0].count[COUNT_SPOOFED], 2);
    send(UPLINK, macs[0], macs[1]);
    turn();
    expect(0, 0, 0, 0);
    assert_int_equal(netswitch->uplink.count[COUNT_SPOOFED], 1);
    assert_int_equal(ring_space(&ends[0]), 256);
}

static void test_learning_is_bounded(void **state) {
    uint8_t mac[6] = { 6, 0, 0, 0, 0, 0 };

    (void)state;
    for (unsigned i = 0; i < SWITCH_LEARNED + 3; i++) {
        mac[5] = (uint8_t)i;
        send(2, macs[UPLINK], mac);
    }
    send(2, macs[UPLINK], macs[0]);
    send(2, macs[UPLINK], broadcast);
    turn();
    expect(0, 0, 0, SWITCH_LEARNED);
    assert_int_equal(netswitch->port[2].count[COUNT_SPOOFED], 5);
    mac[5] = 1;
    send(UPLINK, mac, macs[UPLINK]);
    turn();
    expect(0, 0, 1, 0);
}

static void put_raw(unsigned from, uint32_t offset, uint16_t length, uint8_t kind) {
    ring_put(&ends[from], (struct ring_descriptor){
        .offset = offset, .length = length, .kind = kind, .port = 200, .extra = ~0ull });
    ring_flush(&ends[from]);
}

static void test_bad_descriptors(void **state) {
    (void)state;
    for (unsigned from = 0; from <= PORTS; from += PORTS) {
        put_raw(from, AREA - 63, 64, NET_FRAME);
        put_raw(from, 0xffffffff, 64, NET_FRAME);
        put_raw(from, 0, 13, NET_FRAME);
        put_raw(from, 0, 0, NET_FRAME);
        put_raw(from, 0, 1519, NET_FRAME);
        put_raw(from, 0, 0xffff, NET_FRAME);
        put_raw(from, 0, 64, 0);
        put_raw(from, 0, 64, 99);
        turn();
        assert_int_equal(ring_space(&ends[from]), 256);
    }
    expect(0, 0, 0, 0);
    assert_int_equal(netswitch->port[0].count[COUNT_INVALID], 8);
    assert_int_equal(netswitch->uplink.count[COUNT_INVALID], 8);
}

static void test_held_while_the_uplink_reads(void **state) {
    (void)state;
    send(0, macs[UPLINK], macs[0]);
    send(0, macs[1], macs[0]);
    send(0, macs[UPLINK], macs[0]);
    turn();
    assert_int_equal(ring_space(&ends[0]), 253);
    assert_int_equal(ring_available(&ends[UPLINK]), 2);
    ring_get(&ends[UPLINK]);
    ring_done(&ends[UPLINK], 1);
    ring_flush(&ends[UPLINK]);
    turn();
    assert_int_equal(ring_space(&ends[0]), 254);
    ring_get(&ends[UPLINK]);
    ring_done(&ends[UPLINK], 1);
    ring_flush(&ends[UPLINK]);
    turn();
    assert_int_equal(ring_space(&ends[0]), 256);
}

/* A driver that has sent a port's frame and sleeps is asked for it before the frames behind it,
 * which went to a neighbour, fill the port's link. */
static void test_one_held_frame_does_not_stop_a_port(void **state) {
    (void)state;
    uint32_t notify = BH_NONE;

    send(0, macs[UPLINK], macs[0]);
    turn();
    ring_get(&ends[UPLINK]);
    ring_done(&ends[UPLINK], 1);                /* not published: the driver sleeps */
    for (unsigned i = 0; i < 255; i++) {
        assert_true(net_capacity(&ends[0]) > 0);
        send(0, macs[1], macs[0]);
        turn();
        got(1);
    }
    assert_int_equal(net_capacity(&ends[0]), 0);
    assert_true(switch_waits(netswitch));
    assert_true(switch_settle(netswitch, &notify));
    assert_int_equal(notify, netswitch->uplink.ring.slot);
    assert_true(ring_publish(&ends[UPLINK]));   /* and asks for a notification in return */
    turn();
    assert_int_equal(net_capacity(&ends[0]), 256);
    assert_false(switch_waits(netswitch));
}

static void test_dead_driver_releases(void **state) {
    (void)state;
    send(0, macs[UPLINK], macs[0]);
    turn();
    assert_int_equal(ring_space(&ends[0]), 255);
    ring_open(&ends[UPLINK], &pairs[UPLINK].b, 999);
    turn();
    turn();
    turn();
    assert_int_equal(ring_space(&ends[0]), 256);
    send(0, macs[UPLINK], macs[0]);
    turn();
    expect(0, 0, 0, 1);
}

static void test_lying_driver_releases(void **state) {
    (void)state;
    send(0, macs[UPLINK], macs[0]);
    turn();
    ends[UPLINK].own->head = 77;
    turn();
    turn();
    assert_int_equal(ring_space(&ends[0]), 256);
    send(0, macs[1], macs[0]);
    turn();
    assert_int_equal(got(1), 1);
}

/* The driver breaks its ring in the turn in which a frame is put there: it is never sent, and the
 * next turns must not count for ever to where it would have been released. */
static void test_broken_uplink_with_frames_unsent(void **state) {
    (void)state;
    send(0, macs[UPLINK], macs[0]);
    turn();
    ends[UPLINK].own->tail += 1 << 20;
    send(0, macs[UPLINK], macs[0]);
    turn();
    turn();
    turn();
    send(0, macs[1], macs[0]);
    turn();
    assert_int_equal(got(1), 1);
}

static void test_standing_uplink_is_abandoned(void **state) {
    (void)state;
    for (unsigned i = 0; i < SWITCH_HELD; i++)
        send(0, macs[UPLINK], macs[0]);
    for (unsigned i = 0; i < 4; i++)
        turn();
    assert_true(switch_waits(netswitch));
    switch_abandon(netswitch);
    turn();
    assert_int_equal(ring_space(&ends[0]), 256);
    send(0, macs[UPLINK], macs[0]);
    turn();
    assert_int_equal(netswitch->uplink.count[COUNT_FULL], 1);
    assert_int_equal(got(UPLINK), SWITCH_HELD);
    turn();
    send(0, macs[UPLINK], macs[0]);
    turn();
    assert_int_equal(got(UPLINK), 1);
    turn();
    assert_int_equal(ring_space(&ends[0]), 256);
}

static void test_restarted_client(void **state) {
    (void)state;
    send(0, macs[UPLINK], macs[0]);
    turn();
    ring_open(&ends[0], &pairs[0].b, 777);
    turn();
    turn();
    send(0, macs[1], macs[0]);
    send(0, macs[UPLINK], macs[0]);
    turn();
    assert_int_equal(got(UPLINK), 2);
    turn();
    assert_int_equal(ring_space(&ends[0]), 256);
    expect(0, 1, 0, 0);
}

static void test_full_receiver_costs_itself(void **state) {
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        send(0, macs[1], macs[0]);
        turn();
    }
    assert_int_equal(netswitch->port[0].count[COUNT_RECEIVED], 300);
    assert_int_equal(netswitch->port[1].count[COUNT_FULL], 44);
    assert_int_equal(got(1), 256);
}

static void test_share_is_bounded(void **state) {
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        send(0, macs[1], macs[0]);
    send(1, macs[0], macs[1]);
    switch_turn(netswitch);
    assert_false(settle());
    assert_int_equal(ring_available(&ends[1]), SWITCH_SHARE);
    assert_int_equal(ring_available(&ends[0]), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unicast, setup, teardown),
        cmocka_unit_test_setup_teardown(test_content, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trunk_takes_what_nobody_knows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trunk_brings_the_outside_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trunk_cannot_be_another_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_goes_to_nobody_else, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoofed_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_learning_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_held_while_the_uplink_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_held_frame_does_not_stop_a_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_driver_releases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lying_driver_releases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_uplink_with_frames_unsent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_standing_uplink_is_abandoned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restarted_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_receiver_costs_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_share_is_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
