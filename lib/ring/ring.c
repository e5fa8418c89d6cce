/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rare half of the ring: opening a link, noticing the peer's new life.
 * Touches its own half and reads the peer's; trusts nobody (lib/ring/ring.h).
 */
#include "lib/ring/ring.h"

/* The position that is the last to be passed: nobody waits for space at first. */
#define NO_WAIT UINT32_MAX

static uint32_t power_of_two_below(uint64_t value) {
    uint32_t power = 1;

    for (uint32_t step = 0; step < 31 && (uint64_t)power * 2 <= value; step++)
        power *= 2;
    return value == 0 ? 0 : power;
}

static void *address(uint64_t value) {
    return (void *)(uintptr_t)value;
}

static void clear_indices(struct ring *ring) {
    struct ring_half *own = ring->own;

    ring->tail = ring->sent = ring->acked = 0;
    ring->next = ring->released = ring->head = ring->limit = 0;
    __atomic_store_n(&own->tail, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&own->head, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&own->wake_at, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&own->space_at, NO_WAIT, __ATOMIC_RELAXED);
}

static void open_link(struct ring *ring, const struct bh_manifest_entry *entry,
                      uint32_t generation) {
    const struct bh_manifest_link *link = &entry->link;

    ring->own = address(link->own_half);
    ring->peer = address(link->peer_half);
    ring->out = link->out_area == 0 ? NULL : address(link->out_area);
    ring->in = link->in_area == 0 ? NULL : address(link->in_area);
    ring->out_size = link->out_size;
    ring->in_size = link->in_size;
    ring->slot = entry->slot;
    ring->generation = generation;
    ring->peer_generation = 0;
    ring->state = RING_DOWN;
    __atomic_store_n(&ring->own->generation, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ring->own->seen, 0, __ATOMIC_SEQ_CST);
    clear_indices(ring);
    __atomic_store_n(&ring->own->generation, generation, __ATOMIC_SEQ_CST);
    call_notify(ring->slot);
}

void ring_open(struct ring *ring, const struct bh_manifest_entry *entry, uint32_t generation) {
    uint64_t room = entry->link.half_size - sizeof(struct ring_half);

    ring->out_depth = power_of_two_below(room / sizeof(struct ring_descriptor));
    ring->in_depth = ring->out_depth;
    open_link(ring, entry, generation);
}

void ring_open_bytes(struct ring *ring, const struct bh_manifest_entry *entry,
                     uint32_t generation) {
    ring->out_depth = power_of_two_below(entry->link.out_size);
    ring->in_depth = power_of_two_below(entry->link.in_size);
    open_link(ring, entry, generation);
}

/* The peer has begun another life (or ended one): our side of the link starts anew as well. */
static void meet(struct ring *ring, uint32_t peer_generation) {
    __atomic_store_n(&ring->own->seen, 0, __ATOMIC_SEQ_CST);
    clear_indices(ring);
    ring->state = RING_DOWN;
    ring->peer_generation = peer_generation;
    __atomic_store_n(&ring->own->seen, peer_generation, __ATOMIC_SEQ_CST);
    if (peer_generation != 0)
        call_notify(ring->slot);
}

enum ring_event ring_check_slow(struct ring *ring) {
    bool was_up = ring->state != RING_DOWN;
    uint32_t peer_generation = ring_load(&ring->peer->generation);

    if (peer_generation != ring->peer_generation)
        meet(ring, peer_generation);
    if (ring->state == RING_DOWN && peer_generation != 0 &&
        ring_load(&ring->peer->seen) == ring->generation) {
        ring->state = RING_UP;
        return RING_NEW;
    }
    return was_up ? RING_LOST : RING_SAME;
}
