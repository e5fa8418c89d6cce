/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream of bytes each way over a link (lib/ring in its byte form): consoles, logs, the serial
 * line. The data areas are circular buffers, the indices count bytes. Trusts nobody; what is read is
 * copied before anybody looks at it.
 *
 *   stream_open once; then at each wake-up stream_check, stream_read until it answers 0 and
 *   stream_write (answers how many bytes were taken), and stream_flush; before `wait`:
 *   stream_sleep, and stream_await_space if a write was cut short.
 */
#ifndef BULKHEAD_LIB_STREAM_H
#define BULKHEAD_LIB_STREAM_H

#include "lib/ring/ring.h"

static inline void stream_open(struct ring *ring, const struct bh_manifest_entry *link,
                               uint32_t generation) {
    ring_open_bytes(ring, link, generation);
}

/* Both answer the bytes moved, 0 to `size`; the peer sees it after stream_flush. */
uint32_t stream_read(struct ring *ring, void *bytes, uint32_t size);
uint32_t stream_write(struct ring *ring, const void *bytes, uint32_t size);

static inline enum ring_event stream_check(struct ring *ring) {
    return ring_check(ring);
}

static inline void stream_flush(struct ring *ring) {
    ring_flush(ring);
}

static inline bool stream_sleep(struct ring *ring) {
    return ring_sleep(ring);
}

static inline bool stream_await_space(struct ring *ring) {
    return ring_await_space(ring);
}

#endif
