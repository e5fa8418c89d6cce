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

/* The bytes that a descriptor names, or NULL: it breaks the rules. */
static uint8_t *bytes_of(const struct virtqueue *queue, const struct virtqueue_descriptor *d) {
    if ((d->flags & VIRTQUEUE_INDIRECT) || d->length == 0)
        return NULL;
    return guest_range(queue->memory, (struct gpa){ d->address }, d->length);
}

bool virtqueue_walk(const struct virtqueue *queue, uint16_t head, struct virtqueue_chain *chain) {
    uint16_t index = head, readable = 0;
    uint64_t readable_size = 0, writable_size = 0;
    for (uint16_t count = 0; count < VIRTQUEUE_CHAIN && index < queue->size; count++) {
        struct virtqueue_descriptor d = load_descriptor(queue, index);
        bool writable = (d.flags & VIRTQUEUE_WRITE) != 0;
        uint8_t *bytes = bytes_of(queue, &d);
        if (!bytes || (!writable && count > readable))
            return false;
        chain->buffer[count] = (struct virtqueue_buffer){ bytes, d.length };
        writable_size += writable ? d.length : 0;
        readable_size += writable ? 0 : d.length;
        readable += !writable;
        if (!(d.flags & VIRTQUEUE_NEXT)) {
            chain->head = head;
            chain->count = (uint16_t)(count + 1);
            chain->readable = readable;
            chain->readable_size = readable_size;
            chain->writable_size = writable_size;
            return true;
        }
        index = d.next;
    }
    return false;
}
