/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring: the one way in which two compartments exchange data. Trusts nobody: the peer may write
 * anything at any moment into its half and its data area.
 *
 * A *link* joins two ends. Each end owns one *half*, which it alone writes and the other end maps
 * read-only, and one data area, which it alone fills (or lets its device fill). A half holds the
 * descriptors that its owner sends, and three index pairs:
 *
 *   generation, seen   life: who am I in this life, and whom do I talk to
 *   tail, space_at     as a sender: how many descriptors I published; the position of the peer's
 *                      `head` whose passing I want to be woken for
 *   head, wake_at      as a receiver: how many of the peer's descriptors I am done with; the
 *                      position of the peer's `tail` whose passing I want to be woken for
 *
 * Indices count up for ever (modulo 2^32); descriptor i lies in descriptor[i % depth].
 *
 * Ownership. Descriptor i and the data that it names belong to the sender until its tail passes i,
 * then to the receiver until the receiver's head passes i, then to the sender again. There is no
 * other completion message: receivers release in order, and a sender learns by the head.
 *
 * Ordering. A sender writes data and descriptor, then stores tail with release; the receiver loads
 * tail with acquire, then reads. The same holds for head. Before sleeping, a receiver stores
 * wake_at, then (full fence) loads tail again; a sender stores tail, then (full fence) loads
 * wake_at: at least one of the two sees the other, so no wake-up is lost (proofs/ring).
 *
 * Life. `generation` is new at each start of an end and never zero while it runs; a reset leaves an
 * end's half as it was, the next life clears it. An end that sees a generation of the peer that it
 * doesn't know yet sets its own indices to zero, and then acknowledges it in `seen`. A link is up
 * at an end when each half acknowledges the other's generation; only then are tail and head of the
 * peer looked at. Nothing survives from one life to the next.
 *
 * A peer whose index moves backwards or too far has broken the rules: the link is RING_BROKEN until
 * the peer's generation changes.
 *
 * A link belongs to one thread. Typical turn of a thread that was woken:
 *
 *   if (ring_check(r) != RING_SAME) { forget everything about the link }
 *   for (n = ring_available(r); n > 0; n--) { d = ring_get(r); check d; use it; ring_done(r, 1); }
 *   while (there is something to say && ring_space(r) > 0) ring_put(r, d);
 *   ring_flush(r);             or ring_flush_before_wait(r, &last) and notify_wait(last)
 *   ... and before `wait`: if (!ring_sleep(r)) take another turn
 */
#ifndef BULKHEAD_LIB_RING_H
#define BULKHEAD_LIB_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/manifest.h"
#include "lib/call/before_wait.h"

struct ring_descriptor {
    uint32_t offset;      /* bytes from the start of a data area: the link's protocol says which */
    uint16_t length;      /* bytes */
    uint8_t  kind;        /* the protocol's message kind; zero is none */
    uint8_t  port;        /* the protocol's own use */
    uint64_t extra;       /* the protocol's own use */
};

struct ring_half {
    uint32_t generation;  /* zero: the owner isn't there */
    uint32_t seen;        /* the peer's generation that the indices below belong to */
    uint32_t reserved0[14];
    uint32_t tail;
    uint32_t space_at;
    uint32_t reserved1[14];
    uint32_t head;
    uint32_t wake_at;
    uint32_t reserved2[14];
    struct ring_descriptor descriptor[];
};

_Static_assert(sizeof(struct ring_descriptor) == 16, "two words");
_Static_assert(offsetof(struct ring_half, tail) == 64, "a cache line each");
_Static_assert(offsetof(struct ring_half, head) == 128, "a cache line each");
_Static_assert(sizeof(struct ring_half) == 192, "descriptors follow the indices");

enum ring_state {
    RING_DOWN,            /* the peer isn't there, or hasn't acknowledged us yet */
    RING_UP,
    RING_BROKEN,          /* the peer broke the rules */
};

enum ring_event {
    RING_SAME,            /* nothing changed */
    RING_LOST,            /* the link went down: forget what was in flight */
    RING_NEW,             /* the link came up with a peer that knows nothing: forget, start anew */
};

/* One end's private view. `out` and `in` may be null when this end doesn't map that area. */
struct ring {
    struct ring_half       *own;
    const struct ring_half *peer;
    uint8_t       *out;
    const uint8_t *in;
    uint64_t out_size;
    uint64_t in_size;
    uint32_t out_depth;   /* what may be in flight, powers of two */
    uint32_t in_depth;
    uint32_t tail;        /* next to put */
    uint32_t sent;        /* published */
    uint32_t acked;       /* the peer's head, checked */
    uint32_t next;        /* next to get */
    uint32_t released;    /* done with */
    uint32_t head;        /* published */
    uint32_t limit;       /* the peer's tail, checked */
    uint32_t generation;
    uint32_t peer_generation;
    uint32_t slot;        /* capability that notifies the peer, or BH_NONE */
    enum ring_state state;
};

/* Both ends zero-based and down; `generation` must differ from the last life's (time_generation).
 * Tells the peer that we are there. */
void ring_open(struct ring *ring, const struct bh_manifest_entry *link, uint32_t generation);

/* The same for a stream of bytes: indices count bytes of the data areas, no descriptors. */
void ring_open_bytes(struct ring *ring, const struct bh_manifest_entry *link, uint32_t generation);

enum ring_event ring_check_slow(struct ring *ring);
uint32_t ring_break(struct ring *ring);

static inline uint32_t ring_load(const uint32_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Whether moving an index from `old` to `now` passes the position `at`. */
static inline bool ring_passes(uint32_t at, uint32_t old, uint32_t now) {
    return (uint32_t)(now - at - 1) < (uint32_t)(now - old);
}

/* To be called at each wake-up before anything else; cheap while nothing changes. */
static inline enum ring_event ring_check(struct ring *ring) {
    bool same = ring_load(&ring->peer->generation) == ring->peer_generation;

    if (same && ring->state != RING_DOWN)
        return RING_SAME;
    return ring_check_slow(ring);
}

static inline bool ring_up(const struct ring *ring) {
    return ring->state == RING_UP;
}

/* How many descriptors (bytes) may be put now. */
static inline uint32_t ring_space(struct ring *ring) {
    uint32_t head;

    if (!ring_up(ring))
        return 0;
    head = ring_load(&ring->peer->head);
    if ((uint32_t)(head - ring->acked) > (uint32_t)(ring->sent - ring->acked))
        return ring_break(ring);
    ring->acked = head;
    return ring->out_depth - (ring->tail - head);
}

/* Whether one may be put; looks at the peer's half only if it has to. */
static inline bool ring_has_space(struct ring *ring) {
    return (ring_up(ring) && ring->tail - ring->acked < ring->out_depth) || ring_space(ring) > 0;
}

/* Needs ring_space() > 0. The peer sees it after ring_flush. */
static inline void ring_put(struct ring *ring, struct ring_descriptor descriptor) {
    ring->own->descriptor[ring->tail & (ring->out_depth - 1)] = descriptor;
    ring->tail++;
}

/* How many descriptors (bytes) may be got now. */
static inline uint32_t ring_available(struct ring *ring) {
    uint32_t tail;

    if (!ring_up(ring))
        return 0;
    tail = ring_load(&ring->peer->tail);
    if ((uint32_t)(tail - ring->limit) > (uint32_t)(ring->head + ring->in_depth - ring->limit))
        return ring_break(ring);
    ring->limit = tail;
    return tail - ring->next;
}

/* Whether one may be got; looks at the peer's half only if it has to. */
static inline bool ring_has_more(struct ring *ring) {
    return (ring_up(ring) && ring->next != ring->limit) || ring_available(ring) > 0;
}

/* Needs ring_available() > 0. A copy: what the peer writes afterwards doesn't matter. */
static inline struct ring_descriptor ring_get(struct ring *ring) {
    const struct ring_descriptor *shared =
        &ring->peer->descriptor[ring->next & (ring->in_depth - 1)];
    const uint64_t *words = (const uint64_t *)(const void *)shared;
    uint64_t low = __atomic_load_n(&words[0], __ATOMIC_RELAXED);

    ring->next++;
    return (struct ring_descriptor){
        .offset = (uint32_t)low,
        .length = (uint16_t)(low >> 32),
        .kind = (uint8_t)(low >> 48),
        .port = (uint8_t)(low >> 56),
        .extra = __atomic_load_n(&words[1], __ATOMIC_RELAXED),
    };
}

/* Gives the oldest `count` of what was got back to the sender, at the next ring_flush. */
static inline void ring_done(struct ring *ring, uint32_t count) {
    ring->released += count;
}

/* Publishes all that was put and done; true: the peer wants a notification for it. */
static inline bool ring_publish(struct ring *ring) {
    uint32_t sent = ring->sent;
    uint32_t head = ring->head;
    bool wake;

    if ((sent == ring->tail && head == ring->released) || !ring_up(ring))
        return false;
    ring->sent = ring->tail;
    ring->head = ring->released;
    __atomic_store_n(&ring->own->head, ring->head, __ATOMIC_RELEASE);
    __atomic_exchange_n(&ring->own->tail, ring->sent, __ATOMIC_SEQ_CST);
    wake = ring_passes(ring_load(&ring->peer->wake_at), sent, ring->sent);
    return wake || ring_passes(ring_load(&ring->peer->space_at), head, ring->head);
}

static inline void ring_flush(struct ring *ring) {
    if (ring_publish(ring))
        call_notify(ring->slot);
}

/* The same, but see lib/call/before_wait.h. */
static inline void ring_flush_before_wait(struct ring *ring, uint32_t *last) {
    if (ring_publish(ring))
        call_notify_before_wait(ring->slot, last);
}

/* The same, but what is only released waits for the next message, or until it is a quarter of the ring.
 * For links with an answer to each request: whoever waits for space hears of it with an answer, and who
 * has nothing under way has space. */
static inline void ring_flush_messages(struct ring *ring, uint32_t *last) {
    if (ring->tail != ring->sent || ring->released - ring->head > ring->in_depth / 4)
        ring_flush_before_wait(ring, last);
}

/* A receiver that is awake needn't be woken: not before its next ring_sleep. For one that works long
 * enough for an answer to come meanwhile, which would cost it a turn for nothing. */
static inline void ring_disarm(struct ring *ring) {
    if (ring_up(ring))
        __atomic_store_n(&ring->own->wake_at, ring->next - 1, __ATOMIC_RELAXED);
}

/* Arms the wake-up for anything more from the peer; false: something wasn't got yet. */
static inline bool ring_sleep(struct ring *ring) {
    if (!ring_up(ring))
        return true;
    if (ring->next != ring->limit)
        return false;
    if (ring->own->wake_at != ring->next)
        __atomic_exchange_n(&ring->own->wake_at, ring->next, __ATOMIC_SEQ_CST);
    return ring_load(&ring->peer->tail) == ring->next;
}

/* Whether nothing came since the wake-up was armed, neither a message nor a new life of the peer. */
static inline bool ring_quiet(const struct ring *ring) {
    return ring_up(ring) && ring->own->wake_at == ring->next &&
           ring_load(&ring->peer->tail) == ring->next &&
           ring_load(&ring->peer->generation) == ring->peer_generation;
}

/* Arms the wake-up for the peer's release of `more` descriptors (bytes) beyond those known; false:
 * they are released already. Only a sender that waits for space calls it, before it sleeps. */
static inline bool ring_await_release(struct ring *ring, uint32_t more) {
    uint32_t at = ring->acked + more - 1;

    if (!ring_up(ring))
        return true;
    __atomic_exchange_n(&ring->own->space_at, at, __ATOMIC_SEQ_CST);
    return (uint32_t)(ring_load(&ring->peer->head) - ring->acked) < more;
}

static inline bool ring_await_space(struct ring *ring) {
    return ring_await_release(ring, 1);
}

/* Whether the peer waits for the release of something that we got and haven't released. */
static inline bool ring_release_wanted(const struct ring *ring) {
    return ring_up(ring) &&
           ring_passes(ring_load(&ring->peer->space_at), ring->head, ring->next);
}

/* Gives back everything before position `index`, which lies between released and next. */
static inline void ring_done_until(struct ring *ring, uint32_t index) {
    ring->released = index;
}

/* Whether [offset, offset + length) lies in an area of `size` bytes. */
static inline bool ring_inside(uint64_t offset, uint64_t length, uint64_t size) {
    return offset <= size && length <= size - offset;
}

#endif
