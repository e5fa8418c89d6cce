/* SPDX-License-Identifier: BSD-2-Clause */
/* The mode that a Bochs display is put into. The device can only refuse. */
#ifndef BULKHEAD_DRIVERS_BOCHS_MODE_H
#define BULKHEAD_DRIVERS_BOCHS_MODE_H

#include "drivers/bochs/registers.h"
#include "lib/screen/display.h"

enum {
    MODE_WIDTH  = 1024,
    MODE_HEIGHT = 800,
    MODE_PITCH  = MODE_WIDTH * SCREEN_PIXEL,
    MODE_BYTES  = MODE_PITCH * MODE_HEIGHT,
};

/* Sets the mode, with a dark screen; false: it isn't such a display. `registers`: BAR 2. */
bool mode_start(volatile void *registers, struct display *display);

#endif
