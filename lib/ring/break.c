/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a peer whose index moves as none may (lib/ring/ring.h). Trusts nobody. A file of
 * its own, so that the red team's control can be built without it.
 */
#include "lib/ring/ring.h"

/* Zero, for the callers that count. */
uint32_t ring_break(struct ring *ring) {
    ring->state = RING_BROKEN;
    return 0;
}
