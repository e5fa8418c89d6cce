/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split virtqueue in guest memory. The guest is hostile and writes the queue
 * at any time: each descriptor is read once, every buffer must lie in guest RAM, a chain has at
 * most VIRTQUEUE_CHAIN descriptors. A queue whose driver breaks the rules answers VIRTQUEUE_BROKEN
 * until it is reset. Indirect descriptors are not offered, hence refused.
 *
 * References: Virtual I/O Device 1.2 ("virtio"), section 2.7.
 */
#ifndef VMM_VIRTQUEUE_H
#define VMM_VIRTQUEUE_H

#include "vmm/memory.h"

#define VIRTQUEUE_SIZE_MAX 256u
#define VIRTQUEUE_CHAIN 34u

/* virtio 2.7.5: a descriptor, as the driver writes it. */
struct virtqueue_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;                  /* enum virtqueue_flag */
    uint16_t next;
};

enum virtqueue_flag { VIRTQUEUE_NEXT = 1, VIRTQUEUE_WRITE = 2, VIRTQUEUE_INDIRECT = 4 };

_Static_assert(sizeof(struct virtqueue_descriptor) == 16, "virtio 2.7.5");

/* A chain: what the device may read, then what it may write. */
struct virtqueue_chain {
    uint16_t head;
    uint16_t readable;               /* buffers 0 .. readable - 1 */
    uint16_t count;                  /* buffers readable .. count - 1 are writable */
    uint64_t readable_size;
    uint64_t writable_size;
    struct guest_buffer buffer[VIRTQUEUE_CHAIN];
};

enum virtqueue_result { VIRTQUEUE_EMPTY, VIRTQUEUE_GOT, VIRTQUEUE_BROKEN };

struct virtqueue {
    /* As the driver configures it. */
    uint16_t size;                   /* a power of two, up to VIRTQUEUE_SIZE_MAX */
    uint16_t vector;
    bool enabled;
    uint64_t descriptors_at;
    uint64_t driver_at;              /* available ring */
    uint64_t device_at;              /* used ring */
    /* While it is enabled. */
    const struct guest_memory *memory;
    uint8_t *descriptors;
    uint8_t *available;
    uint8_t *used;
    uint16_t next_available;
    uint16_t next_used;
    uint16_t signalled_used;         /* next_used at the last virtqueue_wants_interrupt */
    bool event_index;                /* VIRTIO_F_EVENT_IDX was negotiated */
    bool broken;
    bool armed;                      /* nothing waits, and the driver notifies of what comes */
};

void virtqueue_reset(struct virtqueue *queue);

/* Checks size, alignment and that all three parts lie in RAM; false: it stays disabled. */
bool virtqueue_enable(struct virtqueue *queue, const struct guest_memory *memory,
                      bool event_index);

/* chain.c: the chain that begins at descriptor `head`; false: it breaks the rules. */
bool virtqueue_walk(const struct virtqueue *queue, uint16_t head, struct virtqueue_chain *chain);

enum virtqueue_result virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain);

/* Puts the last popped chain back, as if it had not been taken. */
void virtqueue_unpop(struct virtqueue *queue);

/* Returns a chain, `written` bytes of it filled; seen by the driver after virtqueue_publish. */
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written);
void virtqueue_publish(struct virtqueue *queue);

/* Whether anything was pushed since the last virtqueue_wants_interrupt. */
static inline bool virtqueue_has_used(const struct virtqueue *queue) {
    return queue->next_used != queue->signalled_used;
}

/* Whether the driver asked for an interrupt for what was published since the last call. */
bool virtqueue_wants_interrupt(struct virtqueue *queue);

/* Asks the driver to notify for its next buffer; false: there is one already. */
bool virtqueue_arm(struct virtqueue *queue);
/* Asks it not to notify while we are at work. */
void virtqueue_disarm(struct virtqueue *queue);

/* Copies out of the readable, into the writable buffers; answers how many bytes. */
uint32_t virtqueue_gather(const struct virtqueue_chain *chain, uint32_t skip, void *to,
                          uint32_t size);
uint32_t virtqueue_scatter(const struct virtqueue_chain *chain, uint32_t skip, const void *from,
                           uint32_t size);

#endif
