/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log as a reader with a BH_REGION_LOG mapping sees it: a ring of text bytes that only
 * the kernel writes. Lines end in '\n'. A reader keeps its own position, a count of bytes since
 * boot; the byte at position p is text[p % BH_LOG_BYTES]. Read `written` (acquire), copy, read
 * `written` again: whatever is more than BH_LOG_BYTES behind was overwritten meanwhile.
 */
#ifndef BULKHEAD_ABI_INFO_H
#define BULKHEAD_ABI_INFO_H

#include "base.h"

#define BH_LOG_REGION_SIZE (16u * BH_PAGE_SIZE)
#define BH_LOG_BYTES       (BH_LOG_REGION_SIZE - BH_PAGE_SIZE)

struct bh_log {
    uint64_t written;                               /* bytes since boot */
    uint8_t  reserved[BH_PAGE_SIZE - sizeof(uint64_t)];
    char     text[BH_LOG_BYTES];
};

_Static_assert(sizeof(struct bh_log) == BH_LOG_REGION_SIZE, "log layout");

#endif
