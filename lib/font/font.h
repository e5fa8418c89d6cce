/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The glyphs of a PC's text mode: code page 437, 8 x 16 pixels. Made at build time of the
 * distribution's font (lib/font/make-font.c).
 */
#ifndef BULKHEAD_LIB_FONT_H
#define BULKHEAD_LIB_FONT_H

#include <stdint.h>

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16, FONT_GLYPHS = 256 };

/* A line of pixels is a byte, the leftmost pixel in its highest bit; lines from the top. */
extern const uint8_t font_glyph[FONT_GLYPHS][FONT_HEIGHT];

#endif
