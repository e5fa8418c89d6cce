/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor chains of a split virtqueue: from what the guest wrote to buffers that may be used.
 * The only place that reads descriptors, each once. A file of its own, so that the red team's
 * controls can be built with careless ones.
 */
#include "vmm/virtio/virtqueue.h"

/* One copy, taken field by field: later changes by the guest don't matter. */
static struct virtqueue_descriptor load_descriptor(const struct virtqueue *queue, uint16_t index) {
    const uint64_t *at = (const uint64_t *)(const void *)(queue->descriptors + 16u * index);
    uint64_t low = __atomic_load_n(&at[0], __ATOMIC_RELAXED);
    uint64_t high = __atomic_load_n(&at[1], __ATOMIC_RELAXED);
    return (struct virtqueue_descriptor){ low, (uint32_t)high, (uint16_t)(high >> 32),
                                          (uint16_t)(high >> 48) };
}

/* The chain's buffer `at`. */
static bool add_buffer(const struct virtqueue *queue, struct virtqueue_chain *chain, unsigned at,
                       const struct virtqueue_descriptor *d) {
    bool writable = (d->flags & VIRTQUEUE_WRITE) != 0;
    bool after_writable = at > chain->readable;
    if ((d->flags & VIRTQUEUE_INDIRECT) || d->length == 0 || (!writable && after_writable))
        return false;
    uint8_t *bytes = guest_range(queue->memory, (struct gpa){ d->address }, d->length);
    if (!bytes)
        return false;
    chain->buffer[at] = (struct guest_buffer){ bytes, d->length };
    if (writable) {
        chain->writable_size += d->length;
    } else {
        chain->readable_size += d->length;
        chain->readable++;
    }
    return true;
}

bool virtqueue_walk(const struct virtqueue *queue, uint16_t head, struct virtqueue_chain *chain) {
    uint16_t index = head;
    chain->head = head;
    chain->readable = 0;
    chain->readable_size = chain->writable_size = 0;
    for (unsigned i = 0; i < VIRTQUEUE_CHAIN; i++) {
        if (index >= queue->size)
            return false;
        struct virtqueue_descriptor d = load_descriptor(queue, index);
        if (!add_buffer(queue, chain, i, &d))
            return false;
        if (!(d.flags & VIRTQUEUE_NEXT)) {
            chain->count = (uint16_t)(i + 1);
            return true;
        }
        index = d.next;
    }
    return false;
}
