/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of the strip: a seat whose pictures have the whole screen (services/seat/clip.c). */
#include "services/seat/seat.h"

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

struct seat_view seat_clip(struct screen_picture picture, uint32_t width, uint32_t height) {
    uint32_t shown_width = least(picture.width, width);
    uint32_t shown_height = least(picture.height, height);

    return (struct seat_view){
        .left = (width - shown_width) / 2, .top = (height - shown_height) / 2,
        .width = shown_width, .height = shown_height,
    };
}
