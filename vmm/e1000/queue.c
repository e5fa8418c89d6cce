/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82540EM's descriptor rings in guest memory (SDM 3.2.6, 3.4). The driver writes base, length,
 * head and tail as it likes; nothing is used before it was compared with the others.
 */
#include "vmm/e1000/parts.h"

uint32_t e1000_queue_count(const struct e1000_queue *queue) {
    return queue->tail >= queue->head ? queue->tail - queue->head
                                      : queue->tail + e1000_queue_entries(queue) - queue->head;
}

/* Where the head's descriptor is, or NULL. From a base near 2^64 the sum would wrap into RAM, so the
 * base is looked at by itself. */
static uint8_t *descriptor(const struct e1000 *e1000, const struct e1000_queue *queue) {
    struct gpa first = { queue->base };
    struct gpa at = { queue->base + (uint64_t)queue->head * DESCRIPTOR_SIZE };
    bool known = guest_range(e1000->memory, first, DESCRIPTOR_SIZE) && at.value >= first.value;
    return known ? guest_range(e1000->memory, at, DESCRIPTOR_SIZE) : NULL;
}

/* One copy: what the guest writes afterwards doesn't matter. */
bool e1000_queue_fetch(const struct e1000 *e1000, const struct e1000_queue *queue, void *to) {
    const uint64_t *from = (const uint64_t *)(const void *)descriptor(e1000, queue);
    uint64_t *words = to;
    if (!from)
        return false;
    words[0] = __atomic_load_n(&from[0], __ATOMIC_RELAXED);
    words[1] = __atomic_load_n(&from[1], __ATOMIC_RELAXED);
    return true;
}

bool e1000_queue_sent(const struct e1000 *e1000, const struct e1000_queue *queue) {
    uint8_t *at = descriptor(e1000, queue);
    if (at)
        __atomic_store_n(at + DESCRIPTOR_STATUS, DESCRIPTOR_DONE, __ATOMIC_RELEASE);
    return at != NULL;
}

/* In one store behind the frame's bytes: the driver sees all of it or nothing. */
bool e1000_queue_received(const struct e1000 *e1000, const struct e1000_queue *queue,
                          const struct e1000_received *received) {
    uint8_t *at = descriptor(e1000, queue);
    uint64_t word = received->length | (uint64_t)received->checksum << 16 |
                    (uint64_t)received->status << 32 | (uint64_t)received->errors << 40 |
                    (uint64_t)received->special << 48;
    if (at)
        __atomic_store_n((uint64_t *)(void *)(at + sizeof(uint64_t)), word, __ATOMIC_RELEASE);
    return at != NULL;
}

void e1000_queue_advance(struct e1000_queue *queue) {
    queue->head = queue->head + 1 < e1000_queue_entries(queue) ? queue->head + 1 : 0;
}
