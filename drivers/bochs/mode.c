/* SPDX-License-Identifier: BSD-2-Clause */
/* The display's mode (drivers/bochs/mode.h). Touches the registers and clears the framebuffer. */
#include "drivers/bochs/mode.h"

#include "lib/mmio/mmio.h"

static uint16_t read_dispi(volatile void *registers, enum bochs_dispi which) {
    return mmio_read16(registers, BOCHS_DISPI + 2 * (uint32_t)which);
}

static void write_dispi(volatile void *registers, enum bochs_dispi which, uint16_t value) {
    mmio_write16(registers, BOCHS_DISPI + 2 * (uint32_t)which, value);
}

/* The registers of size are taken while the interface is off only. */
static void set_mode(volatile void *registers) {
    write_dispi(registers, DISPI_ENABLE, 0);
    write_dispi(registers, DISPI_WIDTH, MODE_WIDTH);
    write_dispi(registers, DISPI_HEIGHT, MODE_HEIGHT);
    write_dispi(registers, DISPI_BITS, 8 * SCREEN_PIXEL);
    write_dispi(registers, DISPI_ENABLE, DISPI_ENABLED | DISPI_LINEAR);
    write_dispi(registers, DISPI_VIRTUAL_WIDTH, MODE_WIDTH);
    write_dispi(registers, DISPI_X_OFFSET, 0);
    write_dispi(registers, DISPI_Y_OFFSET, 0);
}

static void unblank(volatile void *registers) {
    mmio_write8(registers, BOCHS_VGA + VGA_MISCELLANEOUS, VGA_COLOUR_PORTS);
    mmio_read8(registers, BOCHS_VGA + VGA_STATUS_1);
    mmio_write8(registers, BOCHS_VGA + VGA_ATTRIBUTE, VGA_UNBLANK);
}

/* A device that has less memory than the mode needs makes the mode smaller. */
static bool mode_is_set(volatile void *registers) {
    return read_dispi(registers, DISPI_WIDTH) == MODE_WIDTH &&
           read_dispi(registers, DISPI_HEIGHT) == MODE_HEIGHT &&
           read_dispi(registers, DISPI_BITS) == 8 * SCREEN_PIXEL;
}

bool mode_start(volatile void *registers, struct display *display) {
    if ((read_dispi(registers, DISPI_ID) & DISPI_ID_MASK) != DISPI_ID_VALUE)
        return false;
    display->width = MODE_WIDTH;
    display->height = MODE_HEIGHT;
    display->pitch = MODE_PITCH;
    display_clear(display);
    set_mode(registers);
    unblank(registers);
    return mode_is_set(registers);
}
