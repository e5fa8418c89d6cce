/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both ends of a link in a host process, for unit tests and fuzz targets: memory and the manifest
 * entries that the host tool would write.
 */
#ifndef BULKHEAD_TESTS_LINK_PAIR_H
#define BULKHEAD_TESTS_LINK_PAIR_H

#include "abi/manifest.h"

struct link_pair {
    struct bh_manifest_entry a;     /* A's end: sends in area_a */
    struct bh_manifest_entry b;
    void *half_a, *half_b, *area_a, *area_b;
};

void link_pair_make(struct link_pair *pair, uint64_t half, uint64_t area);
void link_pair_free(struct link_pair *pair);

#endif
