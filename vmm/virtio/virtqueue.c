/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues, the device's side: the available and the used ring.
 */
#include "vmm/virtio/virtqueue.h"

#include "lib/c/string.h"

/* virtio 2.7.6 and 2.7.8: offsets in the two rings. */
enum ring_offset { RING_FLAGS = 0, RING_INDEX = 2, RING_ENTRIES = 4 };
enum ring_flag { AVAILABLE_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };
enum { AVAILABLE_ENTRY = 2, USED_ENTRY = 8 };

static uint16_t load16(const uint8_t *at) {
    return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static void store16(uint8_t *at, uint16_t value) {
    __atomic_store_n((uint16_t *)(void *)at, value, __ATOMIC_RELEASE);
}

static void store32(uint8_t *at, uint32_t value) {
    __atomic_store_n((uint32_t *)(void *)at, value, __ATOMIC_RELAXED);
}

void virtqueue_reset(struct virtqueue *queue) {
    *queue = (struct virtqueue){ .size = VIRTQUEUE_SIZE_MAX, .vector = 0xffff };
}

bool virtqueue_enable(struct virtqueue *queue, const struct guest_memory *memory,
                      bool event_index) {
    uint32_t size = queue->size;
    bool power_of_two = size != 0 && size <= VIRTQUEUE_SIZE_MAX && (size & (size - 1)) == 0;
    bool aligned = queue->descriptors_at % 16 == 0 && queue->driver_at % 2 == 0 &&
                   queue->device_at % 4 == 0;
    if (!power_of_two || !aligned)
        return false;
    queue->descriptors = guest_range(memory, (struct gpa){ queue->descriptors_at }, 16u * size);
    queue->available = guest_range(memory, (struct gpa){ queue->driver_at },
                                   RING_ENTRIES + AVAILABLE_ENTRY * size + 2);
    queue->used = guest_range(memory, (struct gpa){ queue->device_at },
                              RING_ENTRIES + USED_ENTRY * size + 2);
    if (!queue->descriptors || !queue->available || !queue->used)
        return false;
    queue->memory = memory;
    queue->event_index = event_index;
    queue->next_available = queue->next_used = queue->signalled_used = 0;
    queue->broken = queue->armed = false;
    queue->enabled = true;
    return true;
}

static enum virtqueue_result broke(struct virtqueue *queue) {
    queue->broken = true;
    return VIRTQUEUE_BROKEN;
}

enum virtqueue_result virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain) {
    if (queue->broken)
        return VIRTQUEUE_BROKEN;
    if (!queue->enabled)
        return VIRTQUEUE_EMPTY;
    uint16_t waiting = (uint16_t)(load16(queue->available + RING_INDEX) - queue->next_available);
    if (waiting == 0)
        return VIRTQUEUE_EMPTY;
    if (waiting > queue->size)
        return broke(queue);
    unsigned slot = queue->next_available & (queue->size - 1u);
    uint16_t head = load16(queue->available + RING_ENTRIES + AVAILABLE_ENTRY * slot);
    if (!virtqueue_walk(queue, head, chain))
        return broke(queue);
    queue->next_available++;
    return VIRTQUEUE_GOT;
}

void virtqueue_unpop(struct virtqueue *queue) {
    queue->next_available--;
}

void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written) {
    unsigned slot = queue->next_used & (queue->size - 1u);
    uint8_t *entry = queue->used + RING_ENTRIES + USED_ENTRY * slot;
    store32(entry, head);
    store32(entry + 4, written);
    queue->next_used++;
}

void virtqueue_publish(struct virtqueue *queue) {
    store16(queue->used + RING_INDEX, queue->next_used);
}

static uint8_t *used_event(const struct virtqueue *queue) {
    return queue->available + RING_ENTRIES + AVAILABLE_ENTRY * queue->size;
}

static uint8_t *available_event(const struct virtqueue *queue) {
    return queue->used + RING_ENTRIES + USED_ENTRY * queue->size;
}

bool virtqueue_wants_interrupt(struct virtqueue *queue) {
    uint16_t now = queue->next_used;
    uint16_t last = queue->signalled_used;
    if (!queue->enabled || now == last)
        return false;
    queue->signalled_used = now;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!queue->event_index)
        return !(load16(queue->available + RING_FLAGS) & AVAILABLE_NO_INTERRUPT);
    uint16_t event = load16(used_event(queue));
    return (uint16_t)(now - event - 1) < (uint16_t)(now - last);
}

bool virtqueue_arm(struct virtqueue *queue) {
    if (!queue->enabled || queue->broken)
        return true;
    if (queue->event_index)
        store16(available_event(queue), queue->next_available);
    else
        store16(queue->used + RING_FLAGS, 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    queue->armed = load16(queue->available + RING_INDEX) == queue->next_available;
    return queue->armed;
}

void virtqueue_disarm(struct virtqueue *queue) {
    queue->armed = false;
    if (queue->enabled && !queue->event_index)
        store16(queue->used + RING_FLAGS, USED_NO_NOTIFY);
}

uint32_t virtqueue_gather(const struct virtqueue_chain *chain, uint32_t skip, void *to,
                          uint32_t size) {
    uint32_t done = 0;
    for (unsigned i = 0; i < chain->readable && done < size; i++) {
        const struct guest_buffer *buffer = &chain->buffer[i];
        if (skip >= buffer->size) {
            skip -= buffer->size;
            continue;
        }
        uint32_t left = buffer->size - skip;
        uint32_t part = left < size - done ? left : size - done;
        memcpy((uint8_t *)to + done, buffer->bytes + skip, part);
        skip = 0;
        done += part;
    }
    return done;
}

uint32_t virtqueue_scatter(const struct virtqueue_chain *chain, uint32_t skip, const void *from,
                           uint32_t size) {
    uint32_t done = 0;
    for (unsigned i = chain->readable; i < chain->count && done < size; i++) {
        const struct guest_buffer *buffer = &chain->buffer[i];
        if (skip >= buffer->size) {
            skip -= buffer->size;
            continue;
        }
        uint32_t left = buffer->size - skip;
        uint32_t part = left < size - done ? left : size - done;
        memcpy(buffer->bytes + skip, (const uint8_t *)from + done, part);
        skip = 0;
        done += part;
    }
    return done;
}
