/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of F2: a VMM that checks a descriptor chain and then reads it again to use it
 * (vmm/virtio/chain.c). */
#include "vmm/virtio/virtqueue.h"

/* One descriptor after another, each within the table, at most as many as a chain may have; `use`
 * gets each and answers false to end it. */
static bool walk(const struct virtqueue *queue, struct virtqueue_chain *chain,
                 bool (*use)(const struct virtqueue *, struct virtqueue_chain *,
                             const volatile struct virtqueue_descriptor *)) {
    const volatile struct virtqueue_descriptor *table =
        (const volatile struct virtqueue_descriptor *)(const void *)queue->descriptors;
    unsigned index = chain->head;

    for (unsigned i = 0; i < VIRTQUEUE_CHAIN && index < queue->size; i++) {
        if (!use(queue, chain, &table[index]))
            return false;
        if (!(table[index].flags & VIRTQUEUE_NEXT))
            return true;
        index = table[index].next;
    }
    return false;
}

static bool check(const struct virtqueue *queue, struct virtqueue_chain *chain,
                  const volatile struct virtqueue_descriptor *d) {
    (void)chain;
    return guest_range(queue->memory, (struct gpa){ d->address }, d->length) != NULL;
}

static bool take(const struct virtqueue *queue, struct virtqueue_chain *chain,
                 const volatile struct virtqueue_descriptor *d) {
    const struct guest_ram *ram = &queue->memory->part[0];
    uint32_t length = d->length;

    chain->buffer[chain->count++] =
        (struct guest_buffer){ ram->base + (d->address - ram->gpa), length };
    chain->writable_size += length;
    return true;
}

bool virtqueue_walk(const struct virtqueue *queue, uint16_t head, struct virtqueue_chain *chain) {
    *chain = (struct virtqueue_chain){ .head = head };
    return walk(queue, chain, check) && walk(queue, chain, take);
}
