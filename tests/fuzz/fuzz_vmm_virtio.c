/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile driver of the virtio devices, and hostile servers behind them: the input is a list of
 * descriptors (any, and nearly good ones, so that chains are walked), requests to the disk, offers,
 * status writes, what the servers say, and turns of the I/O thread. Whatever comes, the devices
 * read and write nothing but guest RAM and their links (the sanitizers watch), and what the
 * multiplexer and the switch get are requests and frames. All of it twice: with a disk whose data is
 * copied, and with a zero-copy one, whose lists must name guest RAM.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/block/block.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/listed.h"
#include "tests/unit/vm_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUES = 0x100000, QUEUE_ROOM = 0x4000, AVAILABLE = 0x1000, SIZE = 8, STEPS = 300, TURNS = 8,
       BUFFERS = 0x200000, HEADER = 16, SECTORS = 1000 };

/* ---- The driver ---- */

static void start(struct input *in) {
    uint64_t features = VIRTIO_F_VERSION_1 | (take(in, 1) % 8 == 0 ? take(in, 8) : 0);
    vm_fake_virtio_start(1 + (unsigned)take(in, 1) % VM_VIRTIO_DEVICES, QUEUES, SIZE, features);
}

static uint64_t queue_at(struct input *in) { return QUEUES + QUEUE_ROOM * (take(in, 1) % 2); }

static void put(uint64_t queue, unsigned index, struct virtqueue_descriptor d) {
    vm_fake_poke(queue + sizeof(d) * index, &d, sizeof(d));
}

static void put_any(struct input *in) {
    uint64_t queue = queue_at(in);
    put(queue, (unsigned)take(in, 1) % SIZE, (struct virtqueue_descriptor){
        .address = take(in, 8), .length = (uint32_t)take(in, 4), .flags = (uint16_t)take(in, 1),
        .next = (uint16_t)take(in, 1) });
}

static void put_near(struct input *in) {
    uint64_t queue = queue_at(in);
    put(queue, (unsigned)take(in, 1) % SIZE, (struct virtqueue_descriptor){
        .address = BUFFERS + take(in, 2), .length = (uint32_t)take(in, 2) % 2000,
        .flags = (uint16_t)take(in, 1) & (VIRTQUEUE_NEXT | VIRTQUEUE_WRITE),
        .next = (uint16_t)take(in, 1) % (SIZE + 1) });
}

static void offer(uint64_t queue, uint16_t head) {
    uint16_t index = 0;
    guest_read(&vm_fake.vm.memory, (struct gpa){ queue + AVAILABLE + 2 }, &index, sizeof(index));
    vm_fake_poke(queue + AVAILABLE + 4 + 2 * (index % SIZE), &head, sizeof(head));
    index++;
    vm_fake_poke(queue + AVAILABLE + 2, &index, sizeof(index));
}

static void offer_one(struct input *in) {
    uint64_t queue = queue_at(in);
    offer(queue, (uint16_t)take(in, 1) % (SIZE + 1));
}

/* A request to the disk whose three descriptors are as they should be (virtio 5.2.6). */
static void ask_disk(struct input *in) {
    static const uint32_t types[] = { 0, 1, 4, 8, 11, 5 };
    uint32_t type = types[take(in, 1) % 6];
    uint64_t header[2] = { type, take(in, 2) % (SECTORS + 8) };
    uint32_t bytes = type == 11 ? 16 : 512 * (1 + (uint32_t)take(in, 1));
    uint16_t write = type == 0 || type == 8 ? VIRTQUEUE_WRITE : 0;
    vm_fake_poke(BUFFERS, header, sizeof(header));
    put(QUEUES, 0, (struct virtqueue_descriptor){ BUFFERS, HEADER, VIRTQUEUE_NEXT, 1 });
    put(QUEUES, 1, (struct virtqueue_descriptor){ BUFFERS + 0x1000, bytes,
                                                  VIRTQUEUE_NEXT | write, 2 });
    put(QUEUES, 2, (struct virtqueue_descriptor){ BUFFERS + 0x800, 1, VIRTQUEUE_WRITE, 0 });
    offer(QUEUES, 0);
}

static void poke_queue(struct input *in) {
    uint64_t value = take(in, 8);
    vm_fake_poke(queue_at(in) + (take(in, 2) & (QUEUE_ROOM - 1)), &value, 1u << take(in, 1) % 4);
}

/* ---- The servers ---- */

static void say(struct ring *peer, struct ring_descriptor d) {
    if (ring_space(peer) > 0)
        ring_put(peer, d);
    ring_flush(peer);
}

static void announce(struct input *in) {
    say(&vm_fake.disk_peer, (struct ring_descriptor){
        .kind = BLOCK_INFO, .length = (uint16_t)take(in, 1), .extra = SECTORS });
}

static void answer(struct input *in) {
    uint32_t tag = (uint32_t)take(in, 1) % 64;
    say(&vm_fake.disk_peer, (struct ring_descriptor){
        .kind = BLOCK_DONE, .offset = (uint32_t)take(in, 1) % 3, .extra = block_extra(0, tag) });
}

static void send_frame(struct input *in) {
    say(&vm_fake.net_peer, (struct ring_descriptor){
        .kind = NET_FRAME, .offset = (uint32_t)take(in, 3),
        .length = (uint16_t)take(in, 2) % 1600 });
}

static void type_keys(struct input *in) {
    uint64_t keys = take(in, 8);
    stream_write(&vm_fake.hvc_peer, &keys, sizeof(keys));
    stream_flush(&vm_fake.hvc_peer);
}

static void lie(struct input *in) {
    struct ring *peers[] = { &vm_fake.net_peer, &vm_fake.hvc_peer, &vm_fake.disk_peer };
    uint32_t *half = (uint32_t *)(void *)peers[take(in, 1) % 3]->own;
    half[take(in, 1) % 128] = (uint32_t)take(in, 4);
}

static void hear_request(struct ring_descriptor request, uint64_t area) {
    if (!block_valid(request, area))
        abort();
    listed_check(request);
}

static void hear(void) {
    for (struct ring *peer = &vm_fake.net_peer; ring_available(peer) > 0; ring_done(peer, 1))
        if (!net_valid(ring_get(peer), peer->in_size))
            abort();
    for (struct ring *peer = &vm_fake.disk_peer; ring_available(peer) > 0; ring_done(peer, 1))
        hear_request(ring_get(peer), peer->in_size);
    ring_flush(&vm_fake.net_peer);
    ring_flush(&vm_fake.disk_peer);
}

/* ---- The input ---- */

static void run_io(void) {
    for (unsigned i = 0; i < TURNS && devices_run(&vm_fake.vm); i++)
        ;
    devices_settle(&vm_fake.vm);
    hear();
}

static void serve_disk(void) {
    devices_serve(&vm_fake.vm, FAKE_DISK_BELL);
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    hear();
}

static void step(struct input *in) {
    switch (take(in, 1) % 14) {
    case 0: start(in); break;
    case 1: put_any(in); break;
    case 2:
    case 3: put_near(in); break;
    case 4: offer_one(in); break;
    case 5: ask_disk(in); break;
    case 6: poke_queue(in); break;
    case 7: announce(in); break;
    case 8: answer(in); break;
    case 9: send_frame(in); break;
    case 10: type_keys(in); break;
    case 11: lie(in); break;
    case 12: serve_disk(); break;
    default: run_io(); break;
    }
}

static void run(struct input in, bool direct) {
    vm_fake_make(1);
    listed_begin(&vm_fake.vm.disk[0].backend, direct);
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    run_io();
    vm_fake_free();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run((struct input){ data, size }, false);
    run((struct input){ data, size }, true);
    return 0;
}
