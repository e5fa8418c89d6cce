/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rule that keeps the clients of one disk apart (services/blockmux/mux.h). A file of its own, so
 * that the red team's control can be built without it. Trusts nobody; touches nothing.
 */
#include "services/blockmux/mux.h"

bool mux_extent_allows(struct ring_descriptor request, uint64_t sectors) {
    return block_within(block_lba(request), request.length, sectors);
}
