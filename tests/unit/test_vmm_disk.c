/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk from the driver's side and from the link's: requests become the block multiplexer's
 * and come back whole, and neither side can harm the VM's monitor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virtio_driver.h"
#include "vmm/platform/layout.h"

enum { DISK = 3 };

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

/* ---- Zero-copy ---- */

static uint64_t lists[BACKEND_SLOTS][BLOCK_LIST / 8];

static void start_direct(void) {
    memset(lists, 0, sizeof(lists));
    vm_fake.vm.disk[0].backend.lists = lists[0];
    vm_fake.vm.disk[0].backend.memory = &vm_fake.vm.memory;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
}

static void data_is_listed(void **state) {
    (void)state;
    start_direct();
    ask_disk(0, 0, 7, 3072);
    struct ring_descriptor request = next_request();
    uint32_t tag = block_tag(request);
    assert_true(block_listed(request));
    assert_int_equal(request.offset, tag * BLOCK_LIST);
    assert_int_equal(request.length, 6);
    assert_int_equal(lists[tag][0], BUFFERS + 0x1000);
    assert_true(lists[tag][1] == UINT64_MAX);           /* nor does anything follow */
    vm_fake_poke(BUFFERS + 0x1000, "by the disk", 11);
    memset(backend_data(&vm_fake.vm.disk[0].backend, tag), 0x33, BACKEND_SLOT);
    answer_disk(tag, BLOCK_OK);
    assert_int_equal(used_length(REQUESTS, 0), 3073);
    assert_int_equal(disk_status(0), 0);
    assert_true(lists[tag][0] == UINT64_MAX);           /* nothing's page */
    assert_memory_equal(guest_range(&vm_fake.vm.memory, (struct gpa){ BUFFERS + 0x1000 }, 11),
                        "by the disk", 11);
}

/* Three descriptors of data between header and status. */
static void ask_scattered(uint32_t type, const uint64_t at[3], const uint32_t size[3]) {
    uint64_t header[2] = { type, 8 };
    uint16_t write = type == 0 ? WRITE : 0;
    vm_fake_poke(BUFFERS, header, sizeof(header));
    put_descriptor(REQUESTS, 0, BUFFERS, 16, NEXT, 1);
    for (uint16_t i = 0; i < 3; i++)
        put_descriptor(REQUESTS, 1 + i, at[i], size[i], NEXT | write, (uint16_t)(2 + i));
    put_descriptor(REQUESTS, 4, STATUS_AT, 1, WRITE, 0);
    offer(REQUESTS, 0);
    devices_run(&vm_fake.vm);
}

static void pages_are_listed_one_by_one(void **state) {
    (void)state;
    static const uint64_t at[] = { LONG_AT + 0xe00, LONG_AT + 0x8000, LONG_AT + 0x3000 };
    static const uint32_t size[] = { 0x200, 0x3000, 0x600 };
    start_direct();
    for (uint32_t type = 0; type < 2; type++) {
        ask_scattered(type, at, size);
        struct ring_descriptor request = next_request();
        const uint64_t *list = lists[block_tag(request)];
        assert_true(block_listed(request));
        assert_int_equal(request.length, 0x3800 / 512);
        assert_int_equal(list[0], at[0]);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(list[1 + i], at[1] + 0x1000 * i);
        assert_int_equal(list[4], at[2]);
        answer_disk(block_tag(request), BLOCK_OK);
        assert_int_equal(used_index(REQUESTS), type + 1);
    }
}

static void other_data_is_copied(void **state) {
    (void)state;
    static const uint64_t at[][3] = {
        { LONG_AT + 0xc00, LONG_AT + 0x8000, LONG_AT + 0x3000 },   /* a page that isn't filled */
        { LONG_AT + 0xe00, LONG_AT + 0x8200, LONG_AT + 0x3000 },   /* begins in a page */
        { LONG_AT + 0xe02, LONG_AT + 0x8000, LONG_AT + 0x3000 },   /* no doubleword */
    };
    static const uint32_t size[] = { 0x200, 0x3000, 0x600 };
    start_direct();
    for (unsigned i = 0; i < 3; i++) {
        ask_scattered(0, at[i], size);
        struct ring_descriptor request = next_request();
        assert_false(block_listed(request));
        assert_true(lists[block_tag(request)][0] == UINT64_MAX);
        memset(backend_data(&vm_fake.vm.disk[0].backend, block_tag(request)), 0x33, 0x3800);
        answer_disk(block_tag(request), BLOCK_OK);
        assert_int_equal(get16(at[i][2] + 0x5fe), 0x3333);
    }
}

/* Each piece has a list of its own, wherever the first one's page began. */
static void long_data_is_listed_in_pieces(void **state) {
    (void)state;
    start_direct();
    ask_long(1, 5);
    uint32_t first = block_tag(next_request()), second = block_tag(next_request());
    for (unsigned i = 0; i < BACKEND_SLOT / 4096; i++) {
        assert_int_equal(lists[first][i], LONG_AT + 4096 * i);
        assert_int_equal(lists[second][i], LONG_AT + BACKEND_SLOT + 4096 * i);
    }
    answer_disk(first, BLOCK_OK);
    struct ring_descriptor last = next_request();
    assert_true(block_listed(last));
    assert_int_equal(lists[block_tag(last)][0], LONG_AT + 2 * BACKEND_SLOT);
}

/* The disk may still write into the guest's RAM: the driver, which waits for a status of zero (virtio
 * 2.4.2), waits for the disk. */
static void reset_ends_with_the_last_answer(void **state) {
    (void)state;
    static const uint64_t status_register = LAYOUT_BARS + 2 * VIRTIO_BAR_SIZE + 20;
    start_direct();
    ask_disk(0, 0, 0, 512);
    uint32_t tag = block_tag(next_request());
    vm_fake_store(status_register, 1, 0);
    assert_int_not_equal(vm_fake_load(status_register, 1), 0);
    devices_run(&vm_fake.vm);
    assert_int_not_equal(vm_fake_load(status_register, 1), 0);
    answer_disk(tag, BLOCK_OK);
    assert_int_equal(vm_fake_load(status_register, 1), 0);
}

static void vm_stops_with_the_last_answer(void **state) {
    (void)state;
    start_direct();
    assert_true(devices_stop(&vm_fake.vm));
    ask_disk(0, 0, 0, 512);
    uint32_t tag = block_tag(next_request());
    assert_false(devices_stop(&vm_fake.vm));
    block_answer(&vm_fake.disk_peer, tag, BLOCK_OK);
    ring_flush(&vm_fake.disk_peer);
    assert_true(devices_stop(&vm_fake.vm));
}

/* What an earlier life of the monitor asked for is answered before the server tells of its disk. */
static void vm_begins_when_the_server_has_told(void **state) {
    (void)state;
    vm_fake.vm.disk[0].backend.lists = lists[0];
    vm_fake.vm.disk[0].backend.memory = &vm_fake.vm.memory;
    assert_false(devices_stop(&vm_fake.vm));
    ring_put(&vm_fake.disk_peer, (struct ring_descriptor){ .kind = BLOCK_INFO, .extra = 1000 });
    ring_flush(&vm_fake.disk_peer);
    assert_true(devices_stop(&vm_fake.vm));
    devices_reset(&vm_fake.vm);
    for (unsigned tag = 0; tag < BACKEND_SLOTS; tag++)
        assert_true(lists[tag][0] == UINT64_MAX);       /* nothing is listed yet */
}

/* ---- Turns of the disk alone ---- */

enum { NET = 1, NET_TX = 1, REQUEST_VECTOR = 0x51, OTHER_BITS = 1 << 20, NOTIFY_BAR = 0x10 };

/* Without a turn of the devices: what a driver does before its notification. */
static void offer_read(unsigned n, uint64_t sector) {
    static const uint32_t read = 0;
    uint16_t first = (uint16_t)(3 * n);
    vm_fake_poke(BUFFERS + 0x100 * n, &read, 4);
    vm_fake_poke(BUFFERS + 0x100 * n + 8, &sector, 8);
    put_descriptor(REQUESTS, first, BUFFERS + 0x100 * n, 16, NEXT, first + 1);
    put_descriptor(REQUESTS, first + 1, BUFFERS + 0x1000 * (1 + n), 512, NEXT | WRITE, first + 2);
    put_descriptor(REQUESTS, first + 2, STATUS_AT + n, 1, WRITE, 0);
    offer(REQUESTS, first);
}

static bool interrupt_came(void) {
    struct apic *apic = &vm_fake.vm.vcpu[0].apic;
    apic_collect(apic);
    return (apic->irr[REQUEST_VECTOR / 32] & 1u << (REQUEST_VECTOR % 32)) != 0;
}

static void disk_is_served_alone(void **state) {
    (void)state;
    struct virtqueue *other = &vm_fake.vm.net.device.queue[NET_TX];
    vm_fake_virtio_start(NET, QUEUES + 0x40000, SIZE, FEATURES);
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    put16(QUEUES + 0x40000 + 0x4000 * NET_TX + 0x1002, 1);  /* the card has something to do, too */
    offer_read(0, 5);
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    struct ring_descriptor request = next_request();
    assert_int_equal(block_lba(request), 5);
    assert_false(interrupt_came());
    block_answer(&vm_fake.disk_peer, block_tag(request), BLOCK_OK);
    ring_flush(&vm_fake.disk_peer);
    unsigned kicks = vm_fake.kicks[0], io_kicks = vm_fake.io_kicks;
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    assert_int_equal(used_index(REQUESTS), 1);
    assert_true(interrupt_came());
    assert_int_equal(vm_fake.kicks[0], kicks);          /* it is awake, and goes on by itself */
    assert_int_equal(vm_fake.io_kicks, io_kicks);
    assert_int_equal(other->next_available, 0);
}

/* What else notifications may mean, nobody knows: everybody gets a turn. */
static void other_notifications_are_everybodys(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    assert_false(devices_serve(&vm_fake.vm, 0));
    assert_false(devices_serve(&vm_fake.vm, OTHER_BITS));
    offer_read(0, 5);
    assert_false(devices_serve(&vm_fake.vm, OTHER_BITS | FAKE_DISK_BELL));
    assert_int_equal(block_lba(next_request()), 5);
}

/* Where firmware moved the disk's notify BAR away, another device's may be at its doorbell. */
static void doorbell_is_the_disks_where_its_bar_is(void **state) {
    (void)state;
    static const uint32_t elsewhere[] = { FAKE_DISK_PORT + 2 * FAKE_NOTIFY_SIZE,
                                          FAKE_DISK_PORT - FAKE_NOTIFY_SIZE };
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    for (unsigned i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
        vm_fake_config_write(DISK, NOTIFY_BAR, elsewhere[i]);
        assert_false(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    }
    vm_fake_config_write(DISK, NOTIFY_BAR, FAKE_DISK_PORT);
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
}

/* A guest that always has something more to ask doesn't keep the others' turn away. */
static void disk_alone_has_bounded_turns(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    static const uint32_t unknown = 77;
    vm_fake_poke(BUFFERS, &unknown, 4);
    put_descriptor(REQUESTS, 0, BUFFERS, 16, NEXT, 1);
    put_descriptor(REQUESTS, 1, STATUS_AT, 1, WRITE, 0);
    announce(1000);
    struct virtqueue *queue = &vm_fake.vm.disk[0].device.queue[0];
    uint16_t behind = 0xff00;                           /* as if it had offered without end */
    queue->next_available = behind;
    queue->size = VIRTQUEUE_SIZE_MAX;
    put16(queue_at(REQUESTS) + 0x1002, (uint16_t)(behind + VIRTQUEUE_SIZE_MAX));
    assert_false(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    uint16_t taken = (uint16_t)(queue->next_available - behind);
    assert_true(taken > 0 && taken < VIRTQUEUE_SIZE_MAX);
    unsigned io_kicks = vm_fake.io_kicks;
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    assert_int_equal(vm_fake.io_kicks, io_kicks + 1);   /* what a vCPU's thread leaves undone */
}

/* An answer is there, and behind it another request that nobody has notified of. */
static void answer_one_and_offer_another(void) {
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    offer_read(0, 5);
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    block_answer(&vm_fake.disk_peer, block_tag(next_request()), BLOCK_OK);
    ring_flush(&vm_fake.disk_peer);
    offer_read(1, 6);
}

/* A vCPU's thread wakes another vCPU that the interrupt is for, and the server at once. */
static void answers_wake_whom_they_must(void **state) {
    (void)state;
    answer_one_and_offer_another();
    virtqueue_disarm(&vm_fake.vm.disk[0].device.queue[0]);   /* as after a turn without a free slot */
    ring_sleep(&vm_fake.disk_peer);
    assert_false(interrupt_came());
    fake_calls.notifies = 0;
    unsigned kicks = vm_fake.kicks[0];
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[1], FAKE_DISK_LINK);
    assert_int_equal(vm_fake.kicks[0], kicks + 1);
    assert_int_equal(fake_calls.notifies, 1);
    assert_int_equal(block_lba(next_request()), 6);
}

/* A request that the guest has to notify of isn't looked for when an answer comes. */
static void requests_come_with_their_notification(void **state) {
    (void)state;
    answer_one_and_offer_another();
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    assert_true(interrupt_came());
    assert_int_equal(ring_available(&vm_fake.disk_peer), 0);
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    assert_int_equal(block_lba(next_request()), 6);
}

/* The server tells of its answer, too: a doorbell is no reason to listen to it. */
static void answers_come_with_their_notification(void **state) {
    (void)state;
    answer_one_and_offer_another();
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    assert_int_equal(block_lba(next_request()), 6);
    assert_int_equal(used_index(REQUESTS), 0);
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    assert_int_equal(used_index(REQUESTS), 1);
}

/* But one that was listened to, and not asked to tell of more, may have an answer already. */
static void who_isnt_armed_is_listened_to(void **state) {
    (void)state;
    answer_one_and_offer_another();
    backend_check(&vm_fake.vm.disk[0].backend);
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    assert_int_equal(block_lba(next_request()), 6);
    assert_int_equal(used_index(REQUESTS), 1);
}

/* One that is woken for the last thing that a turn did waits for our own wait. */
static void last_notification_waits_for_the_wait(void **state) {
    (void)state;
    vm_fake_virtio_start(DISK, QUEUES, SIZE, FEATURES);
    announce(1000);
    vm_fake.vm.before_wait = BH_NONE;
    fake_calls.notifies = 0;
    ring_sleep(&vm_fake.disk_peer);
    offer_read(0, 5);
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    assert_int_equal(fake_calls.notifies, 0);
    assert_int_equal(vm_fake.vm.before_wait, vm_fake.vm.disk[0].backend.link.slot);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, virtio_driver_setup, virtio_driver_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
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
        TEST(data_is_listed),
        TEST(pages_are_listed_one_by_one),
        TEST(other_data_is_copied),
        TEST(long_data_is_listed_in_pieces),
        TEST(reset_ends_with_the_last_answer),
        TEST(vm_stops_with_the_last_answer),
        TEST(vm_begins_when_the_server_has_told),
        TEST(disk_is_served_alone),
        TEST(other_notifications_are_everybodys),
        TEST(doorbell_is_the_disks_where_its_bar_is),
        TEST(disk_alone_has_bounded_turns),
        TEST(answers_wake_whom_they_must),
        TEST(requests_come_with_their_notification),
        TEST(answers_come_with_their_notification),
        TEST(who_isnt_armed_is_listened_to),
        TEST(last_notification_waits_for_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
