/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The display interface ("dispi") of Bochs's and QEMU's VGA: one linear picture in the video
 * memory, 32 bits a pixel, set by a few 16-bit registers. Pure state under the device lock. A guest
 * may write anything: what the registers say is a picture only if it lies in the memory.
 *
 * Other depths are kept and read back, and show nothing.
 *
 * References: Bochs, VBE display extensions (vbe_display_api.txt); QEMU,
 * docs/specs/standard-vga.rst.
 */
#ifndef VMM_DISPI_H
#define VMM_DISPI_H

#include "lib/screen/screen.h"

#define DISPI_PORT_INDEX 0x1ceu
#define DISPI_PORT_DATA  0x1cfu      /* and 0x1d0, by which x86 software reaches it aligned */
#define DISPI_PORTS      3u
#define DISPI_REGISTERS  11u
#define DISPI_MEMORY     (3u << 20)  /* bytes of video memory */

struct dispi {
    uint16_t index;
    uint16_t value[DISPI_REGISTERS];
};

enum dispi_effect {
    DISPI_NOTHING,
    DISPI_CHANGED,                   /* the picture may be another one */
    DISPI_CLEAR,                     /* and its memory has to be cleared */
};

void dispi_reset(struct dispi *dispi);
uint16_t dispi_read(const struct dispi *dispi, unsigned index);
enum dispi_effect dispi_write(struct dispi *dispi, unsigned index, uint16_t value);

/* Whether the guest switched it on, so that the VGA's own picture isn't shown. */
bool dispi_enabled(const struct dispi *dispi);

/* The picture in the video memory; width 0: there is none. */
struct screen_picture dispi_picture(const struct dispi *dispi);

#endif
