/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices from the driver's side and from the link's: frames and bytes arrive whole, and a
 * driver that breaks the rules (ATTACKS.md, F1 and F2) costs itself the device, nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virtio_driver.h"
#include "vmm/platform/layout.h"

enum { NET = 1, HVC = 2, RNG = 7 };
enum { RX = 0, TX = 1 };

static bool net_failed(void) {
    return (vm_fake.vm.net.device.status & VIRTIO_NEEDS_RESET) != 0;
}

/* A frame of `length` bytes behind a header, in one or two descriptors from `index` on. */
static void send_frame(unsigned index, uint32_t length, bool split) {
    uint8_t frame[2048];
    for (unsigned i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)(i + length);
    memset(frame, 0, 12);
    uint64_t at = BUFFERS + 0x1000 * index;
    vm_fake_poke(at, frame, sizeof(frame));
    uint32_t first = split ? 40 : 12 + length;
    put_descriptor(TX, index, at, first, split ? NEXT : 0, (uint16_t)(index + 1));
    if (split)
        put_descriptor(TX, index + 1, at + first, 12 + length - first, 0, 0);
    offer(TX, (uint16_t)index);
}

static void expect_frame(uint32_t length) {
    assert_true(ring_available(&vm_fake.net_peer) > 0);
    struct ring_descriptor d = ring_get(&vm_fake.net_peer);
    assert_true(net_valid(d, vm_fake.net_peer.in_size));
    assert_int_equal(d.length, length);
    for (unsigned i = 0; i < length; i++)
        assert_int_equal(vm_fake.net_peer.in[d.offset + i], (uint8_t)(12 + i + length));
    ring_done(&vm_fake.net_peer, 1);
    ring_flush(&vm_fake.net_peer);
}

static void frames_go_out(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    send_frame(0, 60, false);
    send_frame(2, 1514, true);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(TX), 2);
    expect_frame(60);
    expect_frame(1514);
    assert_int_equal(apic_collect(&vm_fake.vm.vcpu[0].apic), 0);
    assert_true(vm_fake.vm.vcpu[0].apic.irr[0x52 / 32] & 1u << (0x52 % 32));
}

static void frames_of_bad_length_are_dropped(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    send_frame(0, 13, false);
    send_frame(1, 1519, false);
    put_descriptor(TX, 2, BUFFERS, 4, 0, 0);            /* not even a header */
    offer(TX, 2);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(TX), 3);
    assert_int_equal(ring_available(&vm_fake.net_peer), 0);
    assert_int_equal(vm_fake.vm.net.dropped, 3);
    assert_false(net_failed());
}

static void deliver(uint32_t offset, uint16_t length) {
    ring_put(&vm_fake.net_peer, (struct ring_descriptor){ .offset = offset, .length = length,
                                                          .kind = NET_FRAME });
    ring_flush(&vm_fake.net_peer);
}

static void frames_come_in(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    put_descriptor(RX, 0, BUFFERS, 1526, WRITE, 0);
    offer(RX, 0);
    memset(vm_fake.net_peer.out, 0xab, 4096);
    deliver(2048, 100);
    deliver(2048, 100);                                 /* waits for a buffer */
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(RX), 1);
    assert_int_equal(used_length(RX, 0), 112);
    assert_int_equal(get16(BUFFERS + 10), 1);
    assert_int_equal(get16(BUFFERS + 110), 0xabab);
    assert_true(devices_settle(&vm_fake.vm));
    offer(RX, 0);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(RX), 2);
}

static void hostile_switch_is_dropped(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    put_descriptor(RX, 0, BUFFERS, 1526, WRITE, 0);
    offer(RX, 0);
    deliver(0xfffffff0, 100);
    deliver(0, 60000);
    deliver(0, 3);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(RX), 0);
    deliver(0, 64);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(RX), 1);
}

/* Each rule broken alone; the device then waits for a reset and works again after it. */
static void broken_rules_cost_the_device(void **state) {
    (void)state;
    const struct { uint64_t address; uint32_t length; uint16_t flags, next, head; } rules[] = {
        { FAKE_RAM, 64, 0, 0, 0 },                      /* beyond memory */
        { FAKE_RAM - 8, 64, 0, 0, 0 },                  /* across its end */
        { ~0ull - 8, 64, 0, 0, 0 },                     /* wraps */
        { BUFFERS, 0, 0, 0, 0 },                        /* empty */
        { BUFFERS, 64, INDIRECT, 0, 0 },                /* not offered */
        { BUFFERS, 64, NEXT, 0, 0 },                    /* a loop */
        { BUFFERS, 64, NEXT, SIZE, 0 },                 /* beyond the table */
        { BUFFERS, 64, 0, 0, SIZE },                    /* the head too */
        { LAYOUT_BARS, 64, 0, 0, 0 },                   /* its own registers */
    };
    for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        static const uint8_t zeroes[0x8000];
        vm_fake_poke(QUEUES, zeroes, sizeof(zeroes));
        vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
        put_descriptor(TX, SIZE, BUFFERS, 64, 0, 0);    /* a good one, where none counts */
        put_descriptor(TX, 0, rules[i].address, rules[i].length, rules[i].flags, rules[i].next);
        offer(TX, rules[i].head);
        devices_run(&vm_fake.vm);
        assert_true(net_failed());
        assert_int_equal(used_index(TX), 0);
        vm_fake_store(LAYOUT_BARS + 20, 1, 0);
        assert_int_equal(vm_fake_load(LAYOUT_BARS + 20, 1), 0);
    }
    static const uint8_t zeroes[0x8000];
    vm_fake_poke(QUEUES, zeroes, sizeof(zeroes));
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    send_frame(0, 60, false);
    devices_run(&vm_fake.vm);
    expect_frame(60);
}

static void readable_after_writable_is_refused(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    put_descriptor(TX, 0, BUFFERS, 64, WRITE | NEXT, 1);
    put_descriptor(TX, 1, BUFFERS, 64, 0, 0);
    offer(TX, 0);
    devices_run(&vm_fake.vm);
    assert_true(net_failed());
}

static void index_jumps_are_refused(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    put16(queue_at(TX) + 0x1002, SIZE + 1);
    devices_run(&vm_fake.vm);
    assert_true(net_failed());
}

static void full_link_keeps_the_chain(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES);
    unsigned slots = 0;
    for (; slots < 100 && net_capacity(&vm_fake.vm.net.link) > 0; slots++)
        net_send(&vm_fake.vm.net.link, 60);
    send_frame(0, 60, false);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(TX), 0);
    for (unsigned n = ring_available(&vm_fake.net_peer); n > 0; n--) {
        ring_get(&vm_fake.net_peer);
        ring_done(&vm_fake.net_peer, 1);
    }
    ring_flush(&vm_fake.net_peer);
    assert_false(devices_settle(&vm_fake.vm));
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(TX), 1);
}

static void event_index_suppresses_both_ways(void **state) {
    (void)state;
    vm_fake_virtio_start(NET, QUEUES, SIZE, FEATURES | VIRTIO_F_EVENT_IDX);
    uint64_t used_event = queue_at(TX) + 0x1000 + 4 + 2 * SIZE;
    uint64_t available_event = queue_at(TX) + 0x2000 + 4 + 8 * SIZE;
    put16(used_event, 5);
    send_frame(0, 60, false);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_index(TX), 1);
    apic_collect(&vm_fake.vm.vcpu[0].apic);
    assert_int_equal(vm_fake.vm.vcpu[0].apic.irr[0x52 / 32], 0);
    devices_settle(&vm_fake.vm);
    assert_int_equal(get16(available_event), 1);
    put16(used_event, 1);
    send_frame(0, 60, false);
    devices_run(&vm_fake.vm);
    apic_collect(&vm_fake.vm.vcpu[0].apic);
    assert_true(vm_fake.vm.vcpu[0].apic.irr[0x52 / 32] != 0);
}

static void setup_is_validated(void **state) {
    (void)state;
    uint64_t bar = LAYOUT_BARS;
    vm_fake_config_write(NET, 4, 7);
    vm_fake_store(bar + 20, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    vm_fake_store(bar + 20, 1, VIRTIO_FEATURES_OK);     /* without VERSION_1 */
    assert_false(vm_fake_load(bar + 20, 1) & VIRTIO_FEATURES_OK);
    vm_fake_store(bar + 20, 1, VIRTIO_DRIVER_OK);
    assert_false(virtio_ready(&vm_fake.vm.net.device));
    vm_fake_store(bar + 8, 4, 1);
    vm_fake_store(bar + 12, 4, 0xffffffff);             /* more than was offered */
    vm_fake_store(bar + 20, 1, VIRTIO_FEATURES_OK);
    assert_false(vm_fake_load(bar + 20, 1) & VIRTIO_FEATURES_OK);
    vm_fake_store(bar + 12, 4, 1);
    vm_fake_store(bar + 20, 1, VIRTIO_FEATURES_OK);
    assert_true(vm_fake_load(bar + 20, 1) & VIRTIO_FEATURES_OK);
    vm_fake_store(bar + 24, 2, 3);                      /* no power of two */
    vm_fake_store(bar + 28, 2, 1);
    assert_int_equal(vm_fake_load(bar + 28, 2), 0);
    assert_true(vm_fake_load(bar + 20, 1) & VIRTIO_NEEDS_RESET);
    vm_fake_store(bar + 22, 2, 77);                     /* no such queue */
    vm_fake_store(bar + 28, 2, 1);
    assert_int_equal(vm_fake_load(bar + 24, 2), 0);
}

static void bars_move_and_size_themselves(void **state) {
    (void)state;
    vm_fake_config_write(NET, 0x20, 0xffffffff);
    assert_int_equal(vm_fake_config_read(NET, 0x20), 0xffffc000);
    vm_fake_config_write(NET, 0x20, 0xd0000000);
    assert_int_equal(vm_fake_load(0xd0002000, 4), 0x01005452);
    assert_int_equal(vm_fake_load(LAYOUT_BARS + 0x2000, 4), 0xffffffff);
    vm_fake_config_write(NET, 4, 0);
    assert_int_equal(vm_fake_load(0xd0002000, 4), 0xffffffff);
    assert_int_equal(vm_fake_config_read(NET, 0x10), FAKE_NET_PORT | 1);
    assert_int_equal(vm_fake_config_read(5, 0), 0xffffffff);
    vm_fake_out(FAKE_NET_PORT, 2, 0);                   /* not decoded: no kick */
    assert_int_equal(vm_fake.io_kicks, 0);
    vm_fake_config_write(NET, 4, 1);
    vm_fake_out(FAKE_NET_PORT + 4, 2, 1);
    assert_int_equal(vm_fake.io_kicks, 1);
}

/* The capability with structure type 5, which firmware uses for BARs that have no place. */
static unsigned find_window(void) {
    unsigned at = vm_fake_config_read(NET, 0x34) & 0xff;
    while (at != 0 && (vm_fake_config_read(NET, at) & 0xff0000ff) != 0x05000009)
        at = vm_fake_config_read(NET, at) >> 8 & 0xff;
    assert_true(at != 0);
    return at;
}

static void aim_window(unsigned window, uint32_t bar, uint32_t offset, uint32_t size) {
    vm_fake_config_write(NET, window + 4, bar);
    vm_fake_config_write(NET, window + 8, offset);
    vm_fake_config_write(NET, window + 12, size);
}

static void window_reaches_the_bars(void **state) {
    (void)state;
    unsigned window = find_window();
    aim_window(window, VIRTIO_MEMORY_BAR, 20, 1);                /* the status */
    vm_fake_config_write(NET, window + 16, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    assert_int_equal(vm_fake_config_read(NET, window + 16), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    assert_int_equal(vm_fake.vm.net.device.status, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    aim_window(window, VIRTIO_MEMORY_BAR, 0x2000, 4);            /* the MAC address */
    assert_int_equal(vm_fake_config_read(NET, window + 16), 0x01005452);
    unsigned kicks = vm_fake.io_kicks;
    aim_window(window, VIRTIO_NOTIFY_BAR, 4, 2);
    vm_fake_config_write(NET, window + 16, TX);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
    static const uint32_t bad[][3] = { { 5, 20, 1 }, { 4, 20, 3 }, { 4, 21, 2 }, { 4, 0x4000, 4 },
                                       { 4, 0xfffffffc, 4 }, { 4, 20, 0 } };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        aim_window(window, bad[i][0], bad[i][1], bad[i][2]);
        vm_fake_config_write(NET, window + 16, 0);
        assert_int_equal(vm_fake_config_read(NET, window + 16), 0);
    }
    assert_int_equal(vm_fake.vm.net.device.status, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
}

static void console_bytes_go_both_ways(void **state) {
    (void)state;
    char text[16] = { 0 };
    vm_fake_virtio_start(HVC, QUEUES, SIZE, FEATURES);
    vm_fake_poke(BUFFERS, "ahoy!", 5);
    put_descriptor(TX, 0, BUFFERS, 2, NEXT, 1);
    put_descriptor(TX, 1, BUFFERS + 2, 3, 0, 0);
    offer(TX, 0);
    put_descriptor(RX, 0, BUFFERS + 64, 32, WRITE, 0);
    offer(RX, 0);
    stream_write(&vm_fake.hvc_peer, "aye", 3);
    stream_flush(&vm_fake.hvc_peer);
    devices_run(&vm_fake.vm);
    assert_int_equal(stream_read(&vm_fake.hvc_peer, text, sizeof(text)), 5);
    assert_string_equal(text, "ahoy!");
    assert_int_equal(used_length(RX, 0), 3);
    assert_int_equal(get16(BUFFERS + 64), 'a' | 'y' << 8);
}

static void long_console_output_waits_for_the_reader(void **state) {
    (void)state;
    enum { LONG = 10000 };
    uint8_t piece[4096];
    uint32_t total = 0;
    vm_fake_virtio_start(HVC, QUEUES, SIZE, FEATURES);
    put_descriptor(TX, 0, BUFFERS, LONG, 0, 0);
    offer(TX, 0);
    for (unsigned i = 0; i < 10 && total < LONG; i++) {
        devices_run(&vm_fake.vm);
        total += stream_read(&vm_fake.hvc_peer, piece, sizeof(piece));
        stream_flush(&vm_fake.hvc_peer);
    }
    assert_int_equal(total, LONG);
    assert_int_equal(used_index(TX), 1);
}

enum { REQUESTS = 0 };

static void random_numbers_fill_a_buffer_in_part(void **state) {
    (void)state;
    vm_fake_virtio_start(RNG, QUEUES, SIZE, FEATURES);
    put_descriptor(REQUESTS, 0, BUFFERS, 13, WRITE, 0);
    put_descriptor(REQUESTS, 1, BUFFERS + 0x1000, 4096, WRITE, 0);
    put_descriptor(REQUESTS, 2, BUFFERS + 0x3000, 8, 0, 0);     /* nothing to write to */
    offer(REQUESTS, 0);
    offer(REQUESTS, 1);
    offer(REQUESTS, 2);
    vm_fake_out(RNG_NOTIFY_PORT, 2, 0);
    assert_int_equal(vm_fake.io_kicks > 0, 1);
    devices_run(&vm_fake.vm);
    assert_int_equal(used_length(REQUESTS, 0), 13);
    assert_int_equal(get16(BUFFERS + 11), 0x5a5a);
    assert_int_equal(get16(BUFFERS + 13), 0);
    assert_int_equal(used_length(REQUESTS, 1), 256);
    assert_int_equal(used_length(REQUESTS, 2), 0);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, virtio_driver_setup, virtio_driver_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(frames_go_out),
        TEST(frames_of_bad_length_are_dropped),
        TEST(frames_come_in),
        TEST(hostile_switch_is_dropped),
        TEST(broken_rules_cost_the_device),
        TEST(readable_after_writable_is_refused),
        TEST(index_jumps_are_refused),
        TEST(full_link_keeps_the_chain),
        TEST(event_index_suppresses_both_ways),
        TEST(setup_is_validated),
        TEST(bars_move_and_size_themselves),
        TEST(window_reaches_the_bars),
        TEST(console_bytes_go_both_ways),
        TEST(long_console_output_waits_for_the_reader),
        TEST(random_numbers_fill_a_buffer_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
