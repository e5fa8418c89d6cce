/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-rng, the device's side.
 */
#include "vmm/virtio/rng.h"

enum { RNG_LIMIT = 256 };            /* bytes a chain: a long buffer doesn't hold the others up */

void rng_create(struct rng *rng, const struct guest_memory *memory, uint32_t memory_base) {
    static const struct virtio_identity identity = { .device = 4, .class = 0x00ff00, .queues = 1 };
    uint64_t value;
    virtio_create(&rng->device, &identity, memory, memory_base, RNG_NOTIFY_PORT, RNG_NOTIFY_SIZE);
    rng->present = rng_take(&value);
}

/* Answers the bytes written: fewer than asked for are as good. */
static uint32_t fill(const struct virtqueue_chain *chain) {
    uint32_t done = 0;
    uint64_t value;
    while (done < RNG_LIMIT && rng_take(&value)) {
        uint32_t part = virtqueue_scatter(chain, done, &value, sizeof(value));
        done += part;
        if (part < sizeof(value))
            break;
    }
    return done;
}

bool rng_run(struct rng *rng, unsigned budget) {
    struct virtqueue *queue = &rng->device.queue[0];
    struct virtqueue_chain chain;
    enum virtqueue_result result = VIRTQUEUE_EMPTY;
    unsigned done = 0;
    if (!rng->present || !virtio_ready(&rng->device))
        return false;
    for (; done < budget; done++) {
        result = virtqueue_pop(queue, &chain);
        if (result != VIRTQUEUE_GOT)
            break;
        virtqueue_push(queue, chain.head, fill(&chain));
    }
    if (result == VIRTQUEUE_BROKEN)
        virtio_fail(&rng->device);
    if (done > 0) {
        virtqueue_publish(queue);
        virtio_signal(&rng->device, 0);
    }
    return done == budget;
}

bool rng_settle(struct rng *rng) {
    bool ready = rng->present && virtio_ready(&rng->device);
    return !ready || virtqueue_arm(&rng->device.queue[0]);
}
