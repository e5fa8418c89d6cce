/* SPDX-License-Identifier: BSD-2-Clause */
/* The display's mode (drivers/bochs/display.h). Touches the registers and clears the framebuffer. */
#include "drivers/bochs/display.h"
#include "drivers/bochs/registers.h"

#include "lib/c/string.h"
#include "lib/mmio/mmio.h"

static uint16_t read_dispi(const struct display *display, enum bochs_dispi which) {
    return mmio_read16(display->registers, BOCHS_DISPI + 2 * (uint32_t)which);
}

static void write_dispi(const struct display *display, enum bochs_dispi which, uint16_t value) {
    mmio_write16(display->registers, BOCHS_DISPI + 2 * (uint32_t)which, value);
}

/* The registers of size are taken while the interface is off only. */
static void set_mode(const struct display *display) {
    write_dispi(display, DISPI_ENABLE, 0);
    write_dispi(display, DISPI_WIDTH, DISPLAY_WIDTH);
    write_dispi(display, DISPI_HEIGHT, DISPLAY_HEIGHT);
    write_dispi(display, DISPI_BITS, 8 * SCREEN_PIXEL);
    write_dispi(display, DISPI_ENABLE, DISPI_ENABLED | DISPI_LINEAR);
    write_dispi(display, DISPI_VIRTUAL_WIDTH, DISPLAY_WIDTH);
    write_dispi(display, DISPI_X_OFFSET, 0);
    write_dispi(display, DISPI_Y_OFFSET, 0);
}

static void unblank(const struct display *display) {
    mmio_write8(display->registers, BOCHS_VGA + VGA_MISCELLANEOUS, VGA_COLOUR_PORTS);
    mmio_read8(display->registers, BOCHS_VGA + VGA_STATUS_1);
    mmio_write8(display->registers, BOCHS_VGA + VGA_ATTRIBUTE, VGA_UNBLANK);
}

/* A device that has less memory than the mode needs makes the mode smaller. */
static bool mode_is_set(const struct display *display) {
    return read_dispi(display, DISPI_WIDTH) == DISPLAY_WIDTH &&
           read_dispi(display, DISPI_HEIGHT) == DISPLAY_HEIGHT &&
           read_dispi(display, DISPI_BITS) == 8 * SCREEN_PIXEL;
}

bool display_start(struct display *display) {
    if ((read_dispi(display, DISPI_ID) & DISPI_ID_MASK) != DISPI_ID_VALUE)
        return false;
    memset(display->framebuffer, 0, DISPLAY_BYTES);
    set_mode(display);
    unblank(display);
    return mode_is_set(display);
}
