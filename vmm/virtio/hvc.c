/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console, the device's side.
 */
#include "vmm/virtio/hvc.h"

enum { RECEIVE = 0, TRANSMIT = 1 };
enum { PIECE = 256 };

void hvc_create(struct hvc *hvc, const struct guest_memory *memory, uint32_t memory_base,
                uint16_t notify_port, uint32_t notify_size) {
    static const struct virtio_identity identity = { .device = 3, .class = 0x078000,
                                                     .queues = 2 };
    virtio_create(&hvc->device, &identity, memory, memory_base, notify_port, notify_size);
    hvc->present = true;
    hvc->sent = 0;
}

/* Sends what of a chain isn't sent yet; false: the stream is full before its end. A peer that is
 * away gets nothing and holds nobody up. */
static bool send(struct hvc *hvc, const struct virtqueue_chain *chain) {
    uint8_t piece[PIECE];
    while (hvc->sent < chain->readable_size && ring_up(&hvc->link)) {
        uint32_t size = virtqueue_gather(chain, hvc->sent, piece, sizeof(piece));
        uint32_t taken = stream_write(&hvc->link, piece, size);
        hvc->sent += taken;
        if (taken < size)
            return false;
    }
    hvc->sent = 0;
    return true;
}

static bool transmit(struct hvc *hvc, unsigned budget) {
    struct virtqueue *queue = &hvc->device.queue[TRANSMIT];
    struct virtqueue_chain chain;
    enum virtqueue_result result = VIRTQUEUE_EMPTY;
    unsigned done = 0;
    for (; done < budget; done++) {
        result = virtqueue_pop(queue, &chain);
        if (result != VIRTQUEUE_GOT)
            break;
        if (!send(hvc, &chain)) {
            virtqueue_unpop(queue);
            break;
        }
        virtqueue_push(queue, chain.head, 0);
    }
    if (result == VIRTQUEUE_BROKEN)
        virtio_fail(&hvc->device);
    if (done > 0) {
        virtqueue_publish(queue);
        virtio_signal(&hvc->device, TRANSMIT);
    }
    return done == budget;
}

static bool receive(struct hvc *hvc, unsigned budget) {
    struct virtqueue *queue = &hvc->device.queue[RECEIVE];
    struct virtqueue_chain chain;
    uint8_t piece[PIECE];
    unsigned done = 0;
    for (; done < budget && ring_available(&hvc->link) > 0; done++) {
        enum virtqueue_result result = virtqueue_pop(queue, &chain);
        if (result == VIRTQUEUE_BROKEN)
            virtio_fail(&hvc->device);
        if (result != VIRTQUEUE_GOT)
            break;
        uint32_t room = chain.writable_size < PIECE ? (uint32_t)chain.writable_size : PIECE;
        uint32_t size = stream_read(&hvc->link, piece, room);
        virtqueue_scatter(&chain, 0, piece, size);
        virtqueue_push(queue, chain.head, size);
    }
    if (done > 0) {
        virtqueue_publish(queue);
        virtio_signal(&hvc->device, RECEIVE);
    }
    return done == budget;
}

bool hvc_run(struct hvc *hvc, unsigned budget) {
    bool more = false;
    if (!hvc->present)
        return false;
    ring_check(&hvc->link);
    if (virtio_ready(&hvc->device)) {
        more |= transmit(hvc, budget);
        more |= receive(hvc, budget);
    } else {
        hvc->sent = 0;
    }
    stream_flush(&hvc->link);
    return more;
}

bool hvc_settle(struct hvc *hvc) {
    if (!hvc->present)
        return true;
    bool quiet = stream_sleep(&hvc->link);
    if (!virtio_ready(&hvc->device))
        return quiet;
    bool sending = hvc->sent > 0;
    if (ring_available(&hvc->link) > 0)
        quiet = virtqueue_arm(&hvc->device.queue[RECEIVE]);
    if (sending)
        return quiet && stream_await_space(&hvc->link);
    return quiet && virtqueue_arm(&hvc->device.queue[TRANSMIT]);
}
