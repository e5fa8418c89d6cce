/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of the Bochs display, which QEMU calls standard VGA. References: QEMU's documentation,
 * "QEMU Standard VGA" (docs/specs/standard-vga); Bochs VBE Display API; IBM VGA Technical Reference
 * for the ports.
 */
#ifndef BULKHEAD_DRIVERS_BOCHS_REGISTERS_H
#define BULKHEAD_DRIVERS_BOCHS_REGISTERS_H

enum bochs_area {                 /* bytes from the start of BAR 2 */
    BOCHS_VGA           = 0x400,  /* VGA ports 0x3c0 to 0x3df, one byte each */
    BOCHS_DISPI         = 0x500,  /* registers of the display interface, two bytes each */
    BOCHS_SIZE          = 0x1000,
};

enum bochs_vga_port {             /* less 0x3c0 */
    VGA_ATTRIBUTE       = 0x00,
    VGA_MISCELLANEOUS   = 0x02,
    VGA_STATUS_1        = 0x1a,   /* reading it makes the next attribute byte an index */
};

enum bochs_vga_bits {
    VGA_COLOUR_PORTS    = 1 << 0, /* miscellaneous: the status is where it is said above */
    VGA_UNBLANK         = 1 << 5, /* attribute index: the palette feeds the screen */
};

enum bochs_dispi {
    DISPI_ID            = 0,
    DISPI_WIDTH         = 1,
    DISPI_HEIGHT        = 2,
    DISPI_BITS          = 3,
    DISPI_ENABLE        = 4,
    DISPI_VIRTUAL_WIDTH = 6,
    DISPI_X_OFFSET      = 8,
    DISPI_Y_OFFSET      = 9,
};

enum bochs_dispi_bits {
    DISPI_ID_MASK       = 0xfff0,
    DISPI_ID_VALUE      = 0xb0c0, /* 0xb0c0 to 0xb0c5 */
    DISPI_ENABLED       = 1 << 0,
    DISPI_LINEAR        = 1 << 6,
};

#endif
