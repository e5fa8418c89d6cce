/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of F3: a ring that believes the peer's index, however it moves (lib/ring/break.c). */
#include "lib/ring/ring.h"

uint32_t ring_break(struct ring *ring) {
    ring->limit = ring_load(&ring->peer->tail);
    return ring->limit - ring->next;
}
