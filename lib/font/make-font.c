/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the glyphs of lib/font/font.h out of a font of GRUB's (PFF2, GRUB developers' manual, "Font
 * metrics"; big endian), which the distribution brings. Runs on the build host and trusts the font:
 * whatever isn't as it expects ends the build.
 *
 *   make-font FONT.pf2 >font.c
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/font/font.h"

enum {
    SECTION_HEADER = 8,    /* name and length */
    INDEX_ENTRY    = 9,    /* code point (32 bits), flags (8), offset in the file (32) */
    INDEX_OFFSET   = 5,
    GLYPH_HEADER   = 10,   /* width, height, x, y, device width: 16 bits each */
    BASELINE       = 14,   /* lines below a cell's top */
    ASCII_FIRST    = 0x20,
    ASCII_LAST     = 0x7e,
};

/* Code page 437: the pictures of 0 to 31, and what comes after ASCII. */
static const uint16_t pictures[ASCII_FIRST] = {
    0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9, 0x2642,
    0x2640, 0x266a, 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8,
    0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc,
};

static const uint16_t after_ascii[FONT_GLYPHS - ASCII_LAST - 1] = {
    0x2302, 0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
    0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb,
    0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3,
    0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab,
    0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551,
    0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e,
    0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565,
    0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590,
    0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9,
    0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7,
    0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

struct font {
    const uint8_t *bytes;
    size_t size;
    const uint8_t *index;
    size_t entries;
};

struct glyph {
    int width, height, x, y;
    const uint8_t *bits;   /* row by row, without padding */
};

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "make-font: %s\n", what);
    exit(1);
}

static uint32_t big32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int big16(const uint8_t *at) {
    return (int16_t)(at[0] << 8 | at[1]);
}

static struct font read_font(const char *path) {
    enum { MOST = 16 << 20 };
    FILE *in = fopen(path, "rb");
    uint8_t *bytes = malloc(MOST);

    if (in == NULL || bytes == NULL)
        fail("can't read the font");
    size_t size = fread(bytes, 1, MOST, in);
    fclose(in);
    if (size < SECTION_HEADER || memcmp(bytes, "FILE", 4) != 0)
        fail("not a PFF2 font");
    return (struct font){ .bytes = bytes, .size = size };
}

/* The section CHIX says where the glyph of each code point is. */
static void find_index(struct font *font) {
    size_t at = 0;

    while (at + SECTION_HEADER <= font->size) {
        size_t length = big32(font->bytes + at + 4);
        if (length > font->size - at - SECTION_HEADER)
            break;
        if (memcmp(font->bytes + at, "CHIX", 4) == 0) {
            font->index = font->bytes + at + SECTION_HEADER;
            font->entries = length / INDEX_ENTRY;
            return;
        }
        at += SECTION_HEADER + length;
    }
    fail("the font has no index");
}

static struct glyph glyph_at(const struct font *font, size_t offset) {
    if (offset > font->size || font->size - offset < GLYPH_HEADER)
        fail("a glyph outside the font");
    const uint8_t *header = font->bytes + offset;
    struct glyph glyph = {
        .width = big16(header), .height = big16(header + 2),
        .x = big16(header + 4), .y = big16(header + 6), .bits = header + GLYPH_HEADER,
    };
    int top = BASELINE - glyph.height - glyph.y;
    bool fits = glyph.width >= 0 && glyph.height >= 0 && glyph.x >= 0 && top >= 0 &&
                glyph.x + glyph.width <= FONT_WIDTH && top + glyph.height <= FONT_HEIGHT;
    if (!fits)
        fail("a glyph larger than a cell");
    if (font->size - offset - GLYPH_HEADER < (size_t)(glyph.width * glyph.height + 7) / 8)
        fail("a glyph is cut off");
    return glyph;
}

static struct glyph find_glyph(const struct font *font, uint32_t code_point) {
    for (size_t i = 0; i < font->entries; i++) {
        const uint8_t *entry = font->index + i * INDEX_ENTRY;
        if (big32(entry) == code_point)
            return glyph_at(font, big32(entry + INDEX_OFFSET));
    }
    fail("a character isn't in the font");
}

static uint32_t code_point_of(int character) {
    if (character < ASCII_FIRST)
        return pictures[character];
    return character <= ASCII_LAST ? (uint32_t)character : after_ascii[character - ASCII_LAST - 1];
}

static void draw(uint8_t cell[FONT_HEIGHT], struct glyph glyph) {
    int top = BASELINE - glyph.height - glyph.y;

    for (int i = 0; i < glyph.width * glyph.height; i++) {
        int x = glyph.x + i % glyph.width;
        if (glyph.bits[i / 8] & 0x80 >> i % 8)
            cell[top + i / glyph.width] |= 0x80 >> x;
    }
}

static void print_cell(int character, const uint8_t cell[FONT_HEIGHT]) {
    printf("    [0x%02x] = {", (unsigned)character);
    for (int line = 0; line < FONT_HEIGHT; line++)
        printf(" 0x%02x,", cell[line]);
    printf(" },\n");
}

int main(int argc, char **argv) {
    if (argc != 2)
        fail("usage: make-font FONT.pf2 >font.c");
    struct font font = read_font(argv[1]);

    find_index(&font);
    printf("/* Made by lib/font/make-font.c. */\n#include \"lib/font/font.h\"\n\n"
           "const uint8_t font_glyph[FONT_GLYPHS][FONT_HEIGHT] = {\n");
    for (int character = 0; character < FONT_GLYPHS; character++) {
        uint8_t cell[FONT_HEIGHT] = { 0 };
        draw(cell, find_glyph(&font, code_point_of(character)));
        print_cell(character, cell);
    }
    printf("};\n");
    return 0;
}
