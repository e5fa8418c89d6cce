/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rule that keeps pictures within the guest area, below the strip (services/seat/seat.h). A file
 * of its own, so that a control can be built without it. Trusts nobody; touches nothing.
 */
#include "services/seat/seat.h"

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

struct seat_view seat_clip(struct screen_picture picture, uint32_t width, uint32_t height) {
    uint32_t room = height - SEAT_STRIP;
    struct seat_view view = {
        .width = least(picture.width, width), .height = least(picture.height, room),
    };

    view.left = (width - view.width) / 2;
    view.top = SEAT_STRIP + (room - view.height) / 2;
    return view;
}
