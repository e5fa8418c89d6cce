/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Byte streams over a link (lib/stream/stream.h). Touches the link's halves and areas; the peer's
 * bytes are copied and not interpreted.
 */
#include "lib/stream/stream.h"

#include "lib/c/string.h"

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

uint32_t stream_read(struct ring *ring, void *bytes, uint32_t size) {
    uint32_t count = least(ring_available(ring), size);
    uint32_t start, first;

    if (count == 0)
        return 0;
    start = ring->next & (ring->in_depth - 1);
    first = least(count, ring->in_depth - start);
    memcpy(bytes, ring->in + start, first);
    memcpy((uint8_t *)bytes + first, ring->in, count - first);
    ring->next += count;
    ring_done(ring, count);
    return count;
}

uint32_t stream_write(struct ring *ring, const void *bytes, uint32_t size) {
    uint32_t count = least(ring_space(ring), size);
    uint32_t start, first;

    if (count == 0)
        return 0;
    start = ring->tail & (ring->out_depth - 1);
    first = least(count, ring->out_depth - start);
    memcpy(ring->out + start, bytes, first);
    memcpy(ring->out, (const uint8_t *)bytes + first, count - first);
    ring->tail += count;
    return count;
}
