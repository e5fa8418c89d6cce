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

#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"

enum { NET = 1, HVC = 2, DISK = 3, RNG = 7 };
enum { RX = 0, TX = 1, SIZE = 8, QUEUES = 0x100000, BUFFERS = 0x200000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
#define FEATURES (VIRTIO_F_VERSION_1)

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static uint64_t queue_at(unsigned queue) { return QUEUES + 0x4000 * queue; }

static void put16(uint64_t at, uint16_t value) { vm_fake_poke(at, &value, 2); }

static uint16_t get16(uint64_t at) {
    uint16_t value = 0;
    guest_read(&vm_fake.vm.memory, (struct gpa){ at }, &value, 2);
    return value;
}

static uint32_t get32(uint64_t at) {
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static void put_descriptor(unsigned queue, unsigned index, uint64_t address, uint32_t length,
                           uint16_t flags, uint16_t next) {
    uint64_t at = queue_at(queue) + 16 * index;
    vm_fake_poke(at, &address, 8);
    vm_fake_poke(at + 8, &length, 4);
    put16(at + 12, flags);
    put16(at + 14, next);
}

static void offer(unsigned queue, uint16_t head) {
    uint64_t ring = queue_at(queue) + 0x1000;
    uint16_t index = get16(ring + 2);
    put16(ring + 4 + 2 * (index % SIZE), head);
    put16(ring + 2, index + 1);
}

static uint16_t used_index(unsigned queue) { return get16(queue_at(queue) + 0x2002); }

static uint32_t used_length(unsigned queue, unsigned index) {
    return get32(queue_at(queue) + 0x2004 + 8 * (index % SIZE) + 4);
}

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

/* ---- The disk ---- */

enum { STATUS_AT = BUFFERS + 0x8000, REQUESTS = 0 };

static void announce_with(uint64_t sectors, uint16_t flags) {
    ring_put(&vm_fake.disk_peer, (struct ring_descriptor){
        .kind = BLOCK_INFO, .length = flags, .extra = sectors });
    ring_flush(&vm_fake.disk_peer);
    devices_run(&vm_fake.vm);
}

static void announce(uint64_t sectors) { announce_with(sectors, 0); }

/* Descriptors 3 * n and the two that follow: header, data, status. */
static void ask_disk(unsigned n, uint32_t type, uint64_t sector, uint32_t bytes) {
    uint64_t header = BUFFERS + 0x100 * n, data = BUFFERS + 0x1000 * (1 + n);
    uint16_t first = (uint16_t)(3 * n);
    static const uint8_t unset = 0xee;
    vm_fake_poke(header, &type, 4);
    vm_fake_poke(header + 8, &sector, 8);
    vm_fake_poke(STATUS_AT + n, &unset, 1);
    put_descriptor(REQUESTS, first, header, 16, NEXT, bytes ? first + 1 : first + 2);
    put_descriptor(REQUESTS, first + 1, data, bytes, NEXT | (type == 0 ? WRITE : 0), first + 2);
    put_descriptor(REQUESTS, first + 2, STATUS_AT + n, 1, WRITE, 0);
    offer(REQUESTS, first);
    devices_run(&vm_fake.vm);
}

static uint8_t disk_status(unsigned n) { return (uint8_t)get16(STATUS_AT + n); }

static struct ring_descriptor next_request(void) {
    assert_true(ring_available(&vm_fake.disk_peer) > 0);
    struct ring_descriptor request = ring_get(&vm_fake.disk_peer);
    ring_done(&vm_fake.disk_peer, 1);
    assert_true(block_valid(request, vm_fake.disk_peer.in_size));
    return request;
}

static void answer_disk(uint32_t tag, enum block_status status) {
    block_answer(&vm_fake.disk_peer, tag, status);
    ring_flush(&vm_fake.disk_peer);
    devices_run(&vm_fake.vm);
}

static void disk_reads_and_writes(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    assert_int_equal(vm_fake_load(LAYOUT_BARS + 2 * VIRTIO_BAR_SIZE + 0x2000, 4), 1000);
    vm_fake_poke(BUFFERS + 0x1000, "to the disk", 11);
    ask_disk(0, 1, 7, 1024);
    struct ring_descriptor request = next_request();
    assert_int_equal(request.kind, BLOCK_WRITE);
    assert_int_equal(request.length, 2);
    assert_int_equal(block_lba(request), 7);
    assert_memory_equal(vm_fake.disk_peer.in + request.offset, "to the disk", 11);
    assert_int_equal(used_index(REQUESTS), 0);
    answer_disk(block_tag(request), BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 1);
    assert_int_equal(disk_status(0), 0);
    ask_disk(1, 0, 999, 512);
    request = next_request();
    memcpy(vm_fake.vm.disk[0].backend.link.out + request.offset, "from the disk", 13);
    answer_disk(block_tag(request), BLOCK_OK);
    assert_int_equal(used_length(REQUESTS, 1), 513);
    assert_int_equal(disk_status(1), 0);
    assert_memory_equal(guest_range(&vm_fake.vm.memory, (struct gpa){ BUFFERS + 0x2000 }, 13),
                        "from the disk", 13);
}

enum { LONG_AT = BUFFERS + 0x80000, LONG = 2 * BACKEND_SLOT + 1024 };

/* As ask_disk with number 0, but with data of LONG bytes at LONG_AT. */
static void ask_long(uint32_t type, uint64_t sector) {
    static const uint8_t unset = 0xee;
    vm_fake_poke(BUFFERS, &type, 4);
    vm_fake_poke(BUFFERS + 8, &sector, 8);
    vm_fake_poke(STATUS_AT, &unset, 1);
    put_descriptor(REQUESTS, 0, BUFFERS, 16, NEXT, 1);
    put_descriptor(REQUESTS, 1, LONG_AT, LONG, NEXT | (type == 0 ? WRITE : 0), 2);
    put_descriptor(REQUESTS, 2, STATUS_AT, 1, WRITE, 0);
    offer(REQUESTS, 0);
    devices_run(&vm_fake.vm);
}

/* The link has two slots: the third piece waits for one of them. */
static void long_request_goes_in_pieces(void **state) {
    (void)state;
    static const struct { uint64_t lba; uint16_t sectors; } pieces[] = {
        { 5, BLOCK_MOST }, { 5 + BLOCK_MOST, BLOCK_MOST }, { 5 + 2 * BLOCK_MOST, 2 },
    };
    uint32_t tag[3];
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    ask_long(0, 5);
    for (unsigned i = 0; i < 3; i++) {
        struct ring_descriptor request = next_request();
        tag[i] = block_tag(request);
        assert_int_equal(block_lba(request), pieces[i].lba);
        assert_int_equal(request.length, pieces[i].sectors);
        memset(backend_data(&vm_fake.vm.disk[0].backend, tag[i]), (int)i + 1,
               request.length * 512u);
        if (i == 1)
            answer_disk(tag[i], BLOCK_OK);                       /* before the first one */
    }
    assert_int_equal(ring_available(&vm_fake.disk_peer), 0);
    answer_disk(tag[2], BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 0);
    answer_disk(tag[0], BLOCK_OK);
    assert_int_equal(used_length(REQUESTS, 0), LONG + 1);
    assert_int_equal(disk_status(0), 0);
    const uint8_t *data = guest_range(&vm_fake.vm.memory, (struct gpa){ LONG_AT }, LONG);
    assert_int_equal(data[0], 1);
    assert_int_equal(data[BACKEND_SLOT - 1], 1);
    assert_int_equal(data[BACKEND_SLOT], 2);
    assert_int_equal(data[LONG - 1], 3);
}

static void long_request_fails_with_one_of_its_pieces(void **state) {
    (void)state;
    static const uint8_t second = 0x77;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    vm_fake_poke(LONG_AT + BACKEND_SLOT, &second, 1);
    ask_long(1, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct ring_descriptor request = next_request();
        assert_int_equal(vm_fake.disk_peer.in[request.offset], i == 1 ? second : 0);
        answer_disk(block_tag(request), i == 1 ? BLOCK_FAILED : BLOCK_OK);
    }
    assert_int_equal(disk_status(0), 1);
}

/* More requests than there are slots are lost, and the device is as it was. */
static void requests_are_lost_while_bus_mastering_is_off(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    for (unsigned i = 0; i < 2 * BACKEND_SLOTS; i++) {
        ask_disk(0, 0, 0, 512);
        uint32_t tag = block_tag(next_request());
        vm_fake_config_write(DISK, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
        answer_disk(tag, BLOCK_OK);
        vm_fake_config_write(DISK, PCI_COMMAND, 7);
        assert_int_equal(used_index(REQUESTS), 0);
    }
    ask_disk(0, 0, 0, 512);
    answer_disk(block_tag(next_request()), BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 1);
}

/* Data that could not be stored is no data read. */
static void request_with_a_lost_piece_fails(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    ask_long(0, 0);
    uint32_t tag = block_tag(next_request());
    vm_fake_config_write(DISK, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    answer_disk(tag, BLOCK_OK);
    vm_fake_config_write(DISK, PCI_COMMAND, 7);
    devices_run(&vm_fake.vm);
    for (unsigned i = 0; i < 2; i++)
        answer_disk(block_tag(next_request()), BLOCK_OK);
    assert_int_equal(disk_status(0), 1);
}

static void disk_refuses_what_lies_beyond(void **state) {
    (void)state;
    static const struct { uint64_t sector; uint32_t type, bytes; uint8_t status; } bad[] = {
        { 1000, 0, 512, 1 }, { 999, 0, 1024, 1 }, { ~0ull, 1, 512, 1 }, { 0, 0, 100, 1 },
        { 0, 77, 512, 2 },
    };
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        ask_disk(0, bad[i].type, bad[i].sector, bad[i].bytes);
        assert_int_equal(disk_status(0), bad[i].status);
    }
    assert_int_equal(ring_available(&vm_fake.disk_peer), 0);
}

/* One segment of a discard (virtio 5.2.6), in a data part of `bytes`. */
static void discard(uint64_t sector, uint32_t sectors, uint32_t flags, uint32_t bytes) {
    vm_fake_poke(BUFFERS + 0x1000, &sector, 8);
    vm_fake_poke(BUFFERS + 0x1008, &sectors, 4);
    vm_fake_poke(BUFFERS + 0x100c, &flags, 4);
    ask_disk(0, 11, 0, bytes);
}

static void disk_discards(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES | 1ull << 13);
    announce_with(100000, BLOCK_INFO_DISCARD);
    discard(500, BLOCK_DISCARD_MOST, 0, 16);
    struct ring_descriptor request = next_request();
    assert_int_equal(request.kind, BLOCK_DISCARD);
    assert_int_equal(request.length, BLOCK_DISCARD_MOST);
    assert_int_equal(block_lba(request), 500);
    answer_disk(block_tag(request), BLOCK_OK);
    assert_int_equal(disk_status(0), 0);
    assert_int_equal(used_length(REQUESTS, 0), 1);
}

static void disk_refuses_bad_discards(void **state) {
    (void)state;
    static const struct { uint64_t sector; uint32_t sectors, flags, bytes; } bad[] = {
        { 100000, 1, 0, 16 }, { 99999, 2, 0, 16 }, { ~0ull, 1, 0, 16 }, { 0, 0, 0, 16 },
        { 0, BLOCK_DISCARD_MOST + 1, 0, 16 }, { 0, ~0u, 0, 16 }, { 0, 1, 1, 16 },
        { 0, 1, 0, 15 }, { 0, 1, 0, 32 }, { 0, 1, 0, 0 },
    };
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES | 1ull << 13);
    announce_with(100000, BLOCK_INFO_DISCARD);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        discard(bad[i].sector, bad[i].sectors, bad[i].flags, bad[i].bytes);
        assert_int_equal(disk_status(0), 1);
    }
    announce_with(100000, 0);
    discard(0, 1, 0, 16);
    assert_int_equal(disk_status(0), 2);
    announce_with(100000, BLOCK_INFO_DISCARD | BLOCK_INFO_READONLY);
    discard(0, 1, 0, 16);
    assert_int_equal(disk_status(0), 1);
    assert_int_equal(ring_available(&vm_fake.disk_peer), 0);
}

static void lying_disk_changes_nothing(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    ask_disk(0, 0, 0, 512);
    uint32_t tag = block_tag(next_request());
    answer_disk(tag + 1, BLOCK_OK);
    answer_disk(0xffff, BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 0);
    answer_disk(tag, BLOCK_FAILED);
    assert_int_equal(disk_status(0), 1);
    answer_disk(tag, BLOCK_OK);                         /* once is enough */
    assert_int_equal(used_index(REQUESTS), 1);
}

/* Both slots have been used, and only one is under way. */
static void disk_answers_for_another_slot(void **state) {
    (void)state;
    uint32_t tag[2];
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    for (unsigned i = 0; i < 2; i++) {
        ask_disk(i, 0, 0, 512);
        tag[i] = block_tag(next_request());
    }
    answer_disk(tag[0], BLOCK_OK);
    answer_disk(tag[1], BLOCK_OK);
    ask_disk(0, 0, 0, 512);
    uint32_t under_way = block_tag(next_request());
    uint32_t other = tag[0] + tag[1] - under_way;
    memset(backend_data(&vm_fake.vm.disk[0].backend, other), 0x5a, 512);
    answer_disk(other, BLOCK_OK);
    answer_disk(BACKEND_SLOTS, BLOCK_OK);               /* there is no such slot */
    answer_disk(UINT16_MAX, BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 2);
    assert_int_equal(get16(BUFFERS + 0x1000), 0);       /* buffers of requests that have ended */
    assert_int_equal(get16(BUFFERS + 0x2000), 0);
    answer_disk(under_way, BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 3);
}

static void slots_stay_taken_across_a_reset(void **state) {
    (void)state;
    static const uint8_t zeroes[0x8000];
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    ask_disk(0, 0, 0, 512);
    ask_disk(1, 0, 0, 512);
    uint32_t tag = block_tag(next_request());
    vm_fake_store(LAYOUT_BARS + 2 * VIRTIO_BAR_SIZE + 20, 1, 0);
    vm_fake_poke(QUEUES, zeroes, sizeof(zeroes));
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    next_request();
    ask_disk(0, 0, 5, 512);                             /* no slot is free */
    assert_int_equal(ring_available(&vm_fake.disk_peer), 0);
    answer_disk(tag, BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 0);          /* the old answer is nobody's */
    assert_int_equal(block_lba(next_request()), 5);
}

static void requests_survive_the_servers_restart(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    ask_disk(0, 1, 3, 512);
    next_request();
    ring_open(&vm_fake.disk_peer, &vm_fake.disk.b, 3);
    for (unsigned i = 0; i < 3; i++) {
        devices_run(&vm_fake.vm);
        ring_check(&vm_fake.disk_peer);
    }
    struct ring_descriptor again = next_request();
    assert_int_equal(block_lba(again), 3);
    answer_disk(block_tag(again), BLOCK_OK);
    assert_int_equal(used_index(REQUESTS), 1);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(disk_reads_and_writes),
        TEST(long_request_goes_in_pieces),
        TEST(long_request_fails_with_one_of_its_pieces),
        TEST(requests_are_lost_while_bus_mastering_is_off),
        TEST(request_with_a_lost_piece_fails),
        TEST(disk_refuses_what_lies_beyond),
        TEST(disk_discards),
        TEST(disk_refuses_bad_discards),
        TEST(lying_disk_changes_nothing),
        TEST(disk_answers_for_another_slot),
        TEST(slots_stay_taken_across_a_reset),
        TEST(requests_survive_the_servers_restart),
        TEST(random_numbers_fill_a_buffer_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
