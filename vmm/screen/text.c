/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text mode as pixels.
 */
#include "vmm/screen/text.h"

#include "lib/c/string.h"

#define TEXT_UNKNOWN 0xffffffffu
#define TEXT_CURSOR  (1u << 16)

enum { CELL = 2, GROUND_SHIFT = 12, INK_SHIFT = 8, COLOUR = 15, DARK = 7 };

void text_reset(struct text *text) {
    for (unsigned i = 0; i < TEXT_CELLS; i++)
        text->drawn[i] = TEXT_UNKNOWN;
    text->next = 0;
}

/* With another style every cell looks different. */
static void set_style(struct text *text, const struct vga *vga, const struct vga_text *mode) {
    struct text_style style = { .cursor_first = mode->cursor_first,
                                .cursor_last = mode->cursor_last,
                                .bright_ground = mode->bright_ground };
    vga_text_colours(vga, style.colour);
    if (memcmp(style.colour, text->style.colour, sizeof(style.colour)) != 0 ||
        style.cursor_first != text->style.cursor_first ||
        style.cursor_last != text->style.cursor_last ||
        style.bright_ground != text->style.bright_ground)
        text_reset(text);
    text->style = style;
}

/* The cell as it is to be drawn. */
static uint32_t load_cell(const struct vga_text *mode, const uint8_t *cells, unsigned number) {
    uint32_t place = mode->start + number / TEXT_COLUMNS * mode->pitch + number % TEXT_COLUMNS;
    const uint8_t *at = cells + place * CELL % LAYOUT_TEXT_SIZE;
    uint16_t cell = __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_RELAXED);
    return cell | (place == mode->cursor ? TEXT_CURSOR : 0);
}

/* Eight pixels, two at a store, from the left. */
static void draw_line(uint64_t *to, uint8_t bits, const uint64_t pair[4]) {
    for (unsigned i = 0; i < FONT_WIDTH / 2; i++)
        to[i] = pair[bits >> (FONT_WIDTH - 2 - 2 * i) & 3];
}

static void draw_cell(const struct text_style *style, uint32_t cell, uint32_t *pixels) {
    const uint8_t *glyph = font_glyph[cell % FONT_GLYPHS];
    bool cursor = (cell & TEXT_CURSOR) != 0;
    uint64_t ink = style->colour[cell >> INK_SHIFT & COLOUR];
    uint64_t ground = style->colour[cell >> GROUND_SHIFT & (style->bright_ground ? COLOUR : DARK)];
    const uint64_t pair[4] = { ground | ground << 32, ground | ink << 32, ink | ground << 32,
                               ink | ink << 32 };
    for (unsigned line = 0; line < FONT_HEIGHT; line++) {
        bool bar = cursor && line >= style->cursor_first && line <= style->cursor_last;
        draw_line((uint64_t *)(void *)(pixels + line * TEXT_WIDTH), bar ? 0xff : glyph[line], pair);
    }
}

static uint32_t *place_of(uint32_t *pixels, unsigned number) {
    return pixels + number / TEXT_COLUMNS * FONT_HEIGHT * TEXT_WIDTH +
           number % TEXT_COLUMNS * FONT_WIDTH;
}

bool text_draw(struct text *text, const struct vga *vga, const uint8_t *cells, uint32_t *pixels,
               unsigned budget) {
    struct vga_text mode = vga_text(vga);
    if (text->next == 0)
        text->changed = false;
    set_style(text, vga, &mode);
    for (unsigned i = text->next; i < TEXT_CELLS; i++) {
        uint32_t cell = load_cell(&mode, cells, i);
        if (cell == text->drawn[i])
            continue;
        if (budget-- == 0) {
            text->next = i;
            return true;
        }
        draw_cell(&text->style, cell, place_of(pixels, i));
        text->drawn[i] = cell;
        text->changed = true;
    }
    text->next = 0;
    return false;
}
