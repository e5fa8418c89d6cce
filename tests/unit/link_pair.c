/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and manifest entries of a link (tests/unit/link_pair.h). */
#include "tests/unit/link_pair.h"

#include <stdlib.h>
#include <string.h>

static void describe(struct bh_manifest_entry *entry, void *own, void *peer, void *out, void *in,
                     uint64_t half, uint64_t area, uint32_t slot) {
    memset(entry, 0, sizeof(*entry));
    entry->kind = BH_ENTRY_LINK;
    entry->slot = slot;
    entry->link.own_half = (uintptr_t)own;
    entry->link.peer_half = (uintptr_t)peer;
    entry->link.half_size = half;
    entry->link.out_area = (uintptr_t)out;
    entry->link.in_area = (uintptr_t)in;
    entry->link.out_size = area;
    entry->link.in_size = area;
}

void link_pair_make(struct link_pair *pair, uint64_t half, uint64_t area) {
    pair->half_a = calloc(1, half);
    pair->half_b = calloc(1, half);
    pair->area_a = calloc(1, area);
    pair->area_b = calloc(1, area);
    describe(&pair->a, pair->half_a, pair->half_b, pair->area_a, pair->area_b, half, area, 1);
    describe(&pair->b, pair->half_b, pair->half_a, pair->area_b, pair->area_a, half, area, 2);
}

void link_pair_free(struct link_pair *pair) {
    free(pair->half_a);
    free(pair->half_b);
    free(pair->area_a);
    free(pair->area_b);
}
