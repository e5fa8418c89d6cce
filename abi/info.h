/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a reader with a BH_REGION_LOG mapping sees of the kernel: the framebuffer that the boot
 * loader left, which doesn't change after the start, and the kernel's log: a ring of text bytes that only
 * the kernel writes. Lines end in '\n'. A reader keeps its own position, a count of bytes since
 * boot; the byte at position p is text[p % BH_LOG_BYTES]. Read `written` (acquire), copy, read
 * `written` again: whatever is more than BH_LOG_BYTES behind was overwritten meanwhile.
 */
#ifndef BULKHEAD_ABI_INFO_H
#define BULKHEAD_ABI_INFO_H

#include "base.h"

#define BH_LOG_REGION_SIZE (16u * BH_PAGE_SIZE)
#define BH_LOG_BYTES       (BH_LOG_REGION_SIZE - BH_PAGE_SIZE)

/* As the loader told it, unchecked (Multiboot 2, 3.6.12); address 0: it told none. */
struct bh_framebuffer {
    uint64_t address;                               /* physical */
    uint32_t pitch;                                 /* bytes from one line to the next */
    uint32_t width, height;                         /* pixels */
    uint8_t  bits;                                  /* of a pixel */
    uint8_t  type;                                  /* 1: red, green and blue */
    uint16_t reserved0;
    uint8_t  red_at, red_bits;                      /* lowest bit of a colour in a pixel */
    uint8_t  green_at, green_bits;
    uint8_t  blue_at, blue_bits;
    uint16_t reserved1;
};

struct bh_log {
    uint64_t written;                               /* bytes since boot */
    struct bh_framebuffer framebuffer;
    uint8_t  reserved[BH_PAGE_SIZE - sizeof(uint64_t) - sizeof(struct bh_framebuffer)];
    char     text[BH_LOG_BYTES];
};

_Static_assert(sizeof(struct bh_framebuffer) == 32, "as in the loader's tag");
_Static_assert(sizeof(struct bh_log) == BH_LOG_REGION_SIZE, "log layout");

#endif
