/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A screen and a keyboard over a link (lib/ring): a VM's monitor, the client <-> the seat; and the
 * screen alone: the seat, then the client <-> the display's driver. Trusts nobody.
 *
 * Pixels never cross the link: they lie in the client's area, which the client (and its guest, where
 * the monitor lets it draw) writes and the seat maps read-only. The seat looks at them when it likes
 * and as often as it likes: a picture that is being drawn is seen half drawn, as on any screen.
 *
 *   SCREEN_SHOW  client -> seat: from now on show this part of the area. offset: of its first pixel,
 *                a multiple of 4; extra: screen_extra(width, height, stride). A picture that is too
 *                large for the area or senseless (screen_valid) is not shown. Width 0: no picture.
 *   SCREEN_SIZE  seat -> client, the first message in each life of the link: extra =
 *                screen_extra(width, height, 0) of the room that pictures have; what is larger is
 *                cut off, what is smaller stands in the middle.
 *   SCREEN_KEYS  seat -> client: length bytes, 1 to SCREEN_KEYS_MOST, in extra, the first one in the
 *                lowest byte: scan codes of set 1 (IBM PC/AT 5170 technical reference, 1984, section
 *                4), as an 8042 with translation gives them: make codes, break codes with bit 7,
 *                prefixes 0xe0 and 0xe1. A client that isn't shown gets none; of each key that it saw
 *                go down it sees the release.
 *
 * Between the seat and a display's driver, whose size comes first as well, the area is the screen
 * itself: lines of its width, one behind the other from offset 0.
 *
 *   SCREEN_LINES seat -> driver: the lines offset to offset + length - 1 were changed.
 *
 * A pixel is 32 bits, little endian: blue in bits 0 to 7, green in 8 to 15, red in 16 to 23.
 */
#ifndef BULKHEAD_LIB_SCREEN_H
#define BULKHEAD_LIB_SCREEN_H

#include "lib/ring/ring.h"

enum {
    SCREEN_PIXEL       = 4,        /* bytes */
    SCREEN_SIDE_MOST   = 4096,     /* pixels of a width or a height */
    SCREEN_STRIDE_MOST = 0xffff,   /* bytes from one line to the next, a multiple of SCREEN_PIXEL */
    SCREEN_KEYS_MOST   = 8,
};

enum screen_kind {
    SCREEN_SHOW  = 1,
    SCREEN_SIZE  = 2,
    SCREEN_KEYS  = 3,
    SCREEN_LINES = 4,
};

/* A picture in an area: sides in pixels, the rest in bytes. */
struct screen_picture {
    uint32_t offset;
    uint32_t width;
    uint32_t height;
    uint32_t stride;
};

static inline uint64_t screen_extra(uint32_t width, uint32_t height, uint32_t stride) {
    return width | (uint64_t)height << 16 | (uint64_t)stride << 32;
}

static inline struct screen_picture screen_picture(struct ring_descriptor message) {
    return (struct screen_picture){
        .offset = message.offset,
        .width = (uint16_t)message.extra,
        .height = (uint16_t)(message.extra >> 16),
        .stride = (uint32_t)(message.extra >> 32),
    };
}

/* Whether a picture is one, and every pixel of it lies in an area of `area` bytes. */
static inline bool screen_valid(struct screen_picture p, uint64_t area) {
    uint64_t line = (uint64_t)p.width * SCREEN_PIXEL;

    if (p.width == 0 || p.width > SCREEN_SIDE_MOST || p.height == 0 ||
        p.height > SCREEN_SIDE_MOST || p.stride > SCREEN_STRIDE_MOST || p.stride < line ||
        p.stride % SCREEN_PIXEL != 0 || p.offset % SCREEN_PIXEL != 0)
        return false;
    return ring_inside(p.offset, (uint64_t)(p.height - 1) * p.stride + line, area);
}

#endif
