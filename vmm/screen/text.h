/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draws text mode: 80 x 25 cells of guest RAM at 0xb8000, 8 x 16 pixels each, with the cursor. Runs
 * in the I/O thread, under the device lock. The cells are the guest's and change at any time: each
 * is read once. What was drawn before isn't drawn again, and what is drawn at once is bounded.
 *
 * Not modelled: other sizes of cells and rows (of such a mode the first 25 rows of 80 are shown),
 * the guest's own font, blinking.
 */
#ifndef VMM_TEXT_H
#define VMM_TEXT_H

#include "lib/font/font.h"
#include "vmm/platform/layout.h"
#include "vmm/screen/vga.h"

enum {
    TEXT_COLUMNS = 80, TEXT_ROWS = 25, TEXT_CELLS = TEXT_COLUMNS * TEXT_ROWS,
    TEXT_WIDTH = TEXT_COLUMNS * FONT_WIDTH, TEXT_HEIGHT = TEXT_ROWS * FONT_HEIGHT,
    TEXT_PICTURE = TEXT_WIDTH * TEXT_HEIGHT * 4,
};
/* What all cells have in common. */
struct text_style {
    uint32_t colour[VGA_TEXT_COLOURS];
    uint8_t cursor_first, cursor_last;
    bool bright_ground;
};

struct text {
    struct text_style style;
    uint32_t drawn[TEXT_CELLS];      /* character, attribute << 8, TEXT_CURSOR; or TEXT_UNKNOWN */
    unsigned next;                   /* the cell at which the pass goes on; 0: a new pass */
    bool changed;                    /* this pass drew something */
};

/* Forgets what was drawn: the pixels are somebody else's. */
void text_reset(struct text *text);

/* Goes on with a pass over the cells, drawing at most `budget` of them into TEXT_PICTURE bytes of
 * pixels; `cells`: all LAYOUT_TEXT_SIZE bytes, beyond which it begins anew. true: the pass isn't
 * over. */
bool text_draw(struct text *text, const struct vga *vga, const uint8_t *cells, uint32_t *pixels,
               unsigned budget);

#endif
