/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules for what servers say (vmm/peers.h). Trusts nobody.
 */
#include "vmm/peers.h"

bool peers_answer_good(const struct backend *backend, struct ring_descriptor answer) {
    uint32_t tag = block_tag(answer);
    return answer.kind == BLOCK_DONE && tag < backend->slots && backend_under_way(backend, tag);
}

bool peers_frame_good(const struct ring *link, struct ring_descriptor frame) {
    return net_valid(frame, link->in_size);
}
