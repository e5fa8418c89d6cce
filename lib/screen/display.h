/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a display, whose one client draws its whole screen. What drivers of displays
 * share; how the mode comes about is theirs. The core runs on the host as well. Trusts nobody: of the
 * client's messages only lines of the screen are taken, and each line is copied once however often
 * it is named.
 */
#ifndef BULKHEAD_LIB_SCREEN_DISPLAY_H
#define BULKHEAD_LIB_SCREEN_DISPLAY_H

#include "lib/screen/screen.h"

enum {
    DISPLAY_HEIGHT_MOST = 2048,
    DISPLAY_SHARE       = 64,       /* lines copied in a turn */
    DISPLAY_MESSAGES    = 64,       /* looked at in a turn */
};

struct display {
    uint8_t *framebuffer;           /* its first pixel; a pixel is as in lib/screen/screen.h */
    uint32_t width;                 /* pixels */
    uint32_t height;                /* 1 to DISPLAY_HEIGHT_MOST */
    uint32_t pitch;                 /* bytes from one line to the next */
    struct ring client;
    bool     told;                  /* in this life of the link: how large the screen is */
    bool     changed[DISPLAY_HEIGHT_MOST];
    uint32_t changed_count;
};

/* Makes the whole screen dark. */
void display_clear(const struct display *display);

/* One bounded share of the client's work. */
void display_turn(struct display *display);

/* Publishes, arms the wake-up; false: there is more to do. `notify`: lib/service/service.h. */
bool display_settle(struct display *display, uint32_t *notify);

/* serve.c: serves link "client0" for ever. A screen that is larger than the client's area is used from
 * its top. */
_Noreturn void display_serve(struct display *display);

#endif
