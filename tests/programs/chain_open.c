/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of F1: a VMM that follows a descriptor chain wherever it leads
 * (vmm/virtio/chain.c). */
#include "vmm/virtio/virtqueue.h"

bool virtqueue_walk(const struct virtqueue *queue, uint16_t head, struct virtqueue_chain *chain) {
    const struct virtqueue_descriptor *table =
        (const struct virtqueue_descriptor *)(const void *)queue->descriptors;
    const struct virtqueue_descriptor *d = &table[head];

    *chain = (struct virtqueue_chain){ .head = head };
    for (;;) {
        uint8_t *bytes = guest_range(queue->memory, (struct gpa){ d->address }, d->length);

        if (!bytes)
            return false;
        chain->buffer[chain->count++] = (struct guest_buffer){ bytes, d->length };
        chain->writable_size += d->length;
        if (!(d->flags & VIRTQUEUE_NEXT))
            return true;
        d = &table[d->next];
    }
}
