/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VM's monitor believes of the servers behind its devices: the block multiplexer and the
 * switch. Both are hostile. A file of its own, so that the red team's control can be built without.
 */
#ifndef VMM_PEERS_H
#define VMM_PEERS_H

#include "lib/net/net.h"
#include "vmm/backend.h"

/* Whether an answer is one to a request that is under way. */
bool peers_answer_good(const struct backend *backend, struct ring_descriptor answer);

/* Whether a frame lies in the area that the switch sends from. */
bool peers_frame_good(const struct ring *link, struct ring_descriptor frame);

#endif
