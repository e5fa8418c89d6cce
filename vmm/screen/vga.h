/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VGA's registers at ports 0x3b4 to 0x3df: kept, and read for the picture of text mode. Its
 * memory is plain guest RAM at 0xb8000, so planes, maps and the latches have no effect, and the
 * graphics modes of these registers show nothing. Pure state under the device lock; any value of
 * any register is legal, and every index is cut to its file's size.
 *
 * Reference: IBM PS/2 Hardware Interface Technical Reference, video subsystem (1992, "XGA").
 */
#ifndef VMM_VGA_H
#define VMM_VGA_H

#include <stdbool.h>
#include <stdint.h>

#define VGA_PORT_FIRST 0x3b0u
#define VGA_PORTS      0x30u

#define VGA_COLOURS    256u
#define VGA_TEXT_COLOURS 16u

/* Registers behind an index: each file a power of two, more than there are. */
struct vga_file {
    uint8_t index;
    uint8_t value[32];
};

struct vga {
    uint8_t miscellaneous;
    struct vga_file sequencer;
    struct vga_file graphics;
    struct vga_file crtc;
    struct vga_file attribute;
    bool attribute_data;             /* the next write of port 0x3c0 is data */
    uint8_t mask;                    /* of colour numbers */
    uint8_t colour[VGA_COLOURS][3];  /* red, green, blue, 6 bits each */
    uint8_t read_index, write_index; /* of a colour */
    uint8_t component;               /* of that colour: 0 to 2 */
    bool reading;
    bool retrace;                    /* changes with each look at the status */
};

/* What text mode shows. */
struct vga_text {
    uint32_t start;                  /* of the first cell, in cells from 0xb8000, below 65536 */
    uint32_t pitch;                  /* cells from one row to the next, below 512 */
    uint32_t cursor;                 /* its cell, counted as `start` */
    uint8_t cursor_first;            /* its lines in the cell; first > last: it is off */
    uint8_t cursor_last;
    bool bright_ground;              /* attribute bit 7 is a ground colour's, not "blinking" */
};

/* Power-on: as a BIOS leaves it in mode 3, 80 x 25 in 16 colours. */
void vga_reset(struct vga *vga);

/* One byte of a port; false: no such register. *changed: the picture may be another one. */
bool vga_read(struct vga *vga, uint16_t port, uint8_t *value);
bool vga_write(struct vga *vga, uint16_t port, uint8_t value, bool *changed);

/* Whether the guest lets anything be seen; whether it is text. */
bool vga_visible(const struct vga *vga);
bool vga_is_text(const struct vga *vga);

struct vga_text vga_text(const struct vga *vga);
/* The sixteen colours of attributes, as pixels of lib/screen. */
void vga_text_colours(const struct vga *vga, uint32_t colours[VGA_TEXT_COLOURS]);

#endif
