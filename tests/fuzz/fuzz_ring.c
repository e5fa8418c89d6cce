/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile peer of a ring: the input is a program of writes into the peer's half between calls of
 * our end. Our end must stay within its memory and its own promises: never more space or more
 * descriptors than the ring has.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream/stream.h"
#include "tests/unit/link_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int truth) {
    if (!truth)
        abort();
}

static void poke(struct ring_half *half, uint8_t where, uint32_t value) {
    uint32_t *words = (uint32_t *)half;

    words[where % (4096 / 4)] = value;
}

static void act(struct ring *ring, uint8_t action) {
    uint32_t space = ring_space(ring);
    uint32_t available = ring_available(ring);

    need(space <= ring->out_depth);
    need(available <= ring->in_depth);
    if ((action & 1) != 0 && available > 0) {
        ring_get(ring);
        ring_done(ring, 1);
    }
    if ((action & 2) != 0 && space > 0)
        ring_put(ring, (struct ring_descriptor){ .kind = action });
    if ((action & 4) != 0)
        ring_flush(ring);
    if ((action & 8) != 0)
        ring_sleep(ring);
    if ((action & 16) != 0)
        ring_await_release(ring, action);
    ring_check(ring);
}

static void act_bytes(struct ring *ring, uint8_t action) {
    char bytes[64] = { 0 };

    need(stream_read(ring, bytes, action % 65) <= 64);
    need(stream_write(ring, bytes, action % 65) <= 64);
    stream_flush(ring);
    stream_check(ring);
}

static void run(const uint8_t *data, size_t size, int bytes) {
    static const uint8_t words[] = { 0, 1, 16, 17, 32, 33, 48, 49 };
    struct link_pair pair;
    struct ring ring;

    link_pair_make(&pair, 4096, 4096);
    if (bytes)
        stream_open(&ring, &pair.a, 1);
    else
        ring_open(&ring, &pair.a, 1);
    poke(pair.half_b, 0, 2);
    poke(pair.half_b, 1, 1);
    ring_check(&ring);
    for (; size >= 6; data += 6, size -= 6) {
        uint32_t value;

        memcpy(&value, data + 1, sizeof(value));
        if (data[0] < 128)
            value %= 300;
        poke(pair.half_b, words[data[0] % 8], value);
        if (bytes)
            act_bytes(&ring, data[5]);
        else
            act(&ring, data[5]);
    }
    link_pair_free(&pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0)
        run(data + 1, size - 1, data[0] & 1);
    return 0;
}
