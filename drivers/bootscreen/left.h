/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The framebuffer as the boot loader left it. The loader is trusted to mean well, not to be without
 * mistakes.
 */
#ifndef BULKHEAD_DRIVERS_BOOTSCREEN_LEFT_H
#define BULKHEAD_DRIVERS_BOOTSCREEN_LEFT_H

#include "abi/info.h"
#include "lib/screen/display.h"

/* The part of the device's memory that the driver maps: [base, base + size), physical, at `bytes`. */
struct left_memory {
    uint8_t *bytes;
    uint64_t base;
    uint64_t size;
};

/* NULL: `display` is the loader's screen; else why it can't be used, and how to mend it. */
const char *left_take(const struct bh_framebuffer *told, struct left_memory memory,
                      struct display *display);

/* The address in a memory BAR; `low`, `high`: its register and the next one. */
uint64_t left_bar_address(uint32_t low, uint32_t high);

#endif
