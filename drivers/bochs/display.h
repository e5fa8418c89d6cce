/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Bochs display, whose one client draws its whole screen. The core, without set-up, so that it
 * runs on the host as well. Trusts nobody: of the client's messages only lines of the screen are
 * taken, and each line is copied once however often it is named; the device can only refuse.
 */
#ifndef BULKHEAD_DRIVERS_BOCHS_DISPLAY_H
#define BULKHEAD_DRIVERS_BOCHS_DISPLAY_H

#include "lib/screen/screen.h"

enum {
    DISPLAY_WIDTH    = 1024,
    DISPLAY_HEIGHT   = 800,
    DISPLAY_LINE     = DISPLAY_WIDTH * SCREEN_PIXEL,    /* bytes */
    DISPLAY_BYTES    = DISPLAY_LINE * DISPLAY_HEIGHT,
    DISPLAY_SHARE    = 64,                              /* lines copied in a turn */
    DISPLAY_MESSAGES = 64,                              /* looked at in a turn */
};

struct display {
    volatile void *registers;       /* BAR 2 */
    uint8_t *framebuffer;           /* BAR 0 */
    struct ring client;
    bool     told;                  /* in this life of the link: how large the screen is */
    bool     changed[DISPLAY_HEIGHT];
    uint32_t changed_count;
};

/* mode.c: sets the mode, with a dark screen; false: it isn't such a display. */
bool display_start(struct display *display);

/* One bounded share of the client's work. */
void display_turn(struct display *display);

/* Publishes, arms the wake-up; false: there is more to do. `notify`: lib/service/service.h. */
bool display_settle(struct display *display, uint32_t *notify);

#endif
