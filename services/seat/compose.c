/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the screen (services/seat/seat.h): the strip, the shown client's picture, or why there is
 * none. Reads the clients' areas, in which anything may be and change at any time: pixels.
 */
#include "services/seat/seat.h"

#include "lib/c/format.h"
#include "lib/c/string.h"
#include "lib/font/font.h"

enum seat_colour {               /* lib/screen/screen.h */
    STRIP_COLOUR  = 0x18386c,
    STRIP_SUPER   = 0xa04810,    /* while Super is down */
    STRIP_TEXT    = 0xffffff,
    STRIP_HINT    = 0xc8d4e8,
    BACKGROUND    = 0x000000,
    NOTICE_TEXT   = 0xb0b0b0,
};

enum {
    STRIP_SCALE  = SEAT_STRIP / FONT_HEIGHT,
    STRIP_MARGIN = FONT_WIDTH,
    TEXT_MOST    = 80,
};

static void fill(uint32_t *line, uint32_t count, uint32_t colour) {
    for (uint32_t x = 0; x < count; x++)
        line[x] = colour;
}

static uint32_t text_width(const char *text, uint32_t scale) {
    return (uint32_t)strlen(text) * FONT_WIDTH * scale;
}

/* A text's pixels in one line; `row`: of the text, from its top. */
static void draw_text(uint32_t *line, uint32_t width, uint32_t left, const char *text, uint32_t row,
                      uint32_t scale, uint32_t colour) {
    uint32_t end = left + text_width(text, scale);

    for (uint32_t x = left; x < end && x < width; x++) {
        uint32_t column = (x - left) / scale;
        uint8_t character = (uint8_t)text[column / FONT_WIDTH];
        uint8_t bits = font_glyph[character][row / scale];

        if ((bits >> (FONT_WIDTH - 1 - column % FONT_WIDTH) & 1) != 0)
            line[x] = colour;
    }
}

static const struct seat_client *shown(const struct seat *seat) {
    return seat->shown < seat->client_count ? &seat->client[seat->shown] : NULL;
}

static void draw_strip(const struct seat *seat, uint32_t y, uint32_t *line) {
    const struct seat_client *client = shown(seat);
    char name[TEXT_MOST];
    char hint[TEXT_MOST];

    format_text(name, sizeof(name), "%u %s", seat->shown + 1, client != NULL ? client->name : "-");
    format_text(hint, sizeof(hint), "Bulkhead: Super + Tab, F1..F%u", seat->client_count);
    fill(line, seat->width, seat->super != 0 ? STRIP_SUPER : STRIP_COLOUR);
    draw_text(line, seat->width, STRIP_MARGIN, name, y, STRIP_SCALE, STRIP_TEXT);
    uint32_t end = STRIP_MARGIN + text_width(name, STRIP_SCALE);
    uint32_t hint_width = text_width(hint, STRIP_SCALE) + STRIP_MARGIN;
    if (seat->client_count > 0 && end + hint_width < seat->width)
        draw_text(line, seat->width, seat->width - hint_width, hint, y, STRIP_SCALE, STRIP_HINT);
}

/* Why there is no picture, in the middle of the guest area. */
static void draw_notice(const struct seat *seat, uint32_t y, uint32_t *line) {
    const struct seat_client *client = shown(seat);
    uint32_t top = SEAT_STRIP + (seat->height - SEAT_STRIP - FONT_HEIGHT) / 2;
    char text[TEXT_MOST] = "no VM has a screen";

    if (y < top || y >= top + FONT_HEIGHT)
        return;
    if (client != NULL)
        format_text(text, sizeof(text), "%s %s", client->name,
                    seat_client_is_there(client) ? "shows nothing" : "isn't there");
    draw_text(line, seat->width, (seat->width - text_width(text, 1)) / 2, text, y - top, 1,
              NOTICE_TEXT);
}

/* The first of the picture's pixels in that line of the screen, NULL: it has none there. */
static const uint32_t *picture_line(const struct seat *seat, uint32_t y) {
    const struct seat_view *view = &seat->view;

    if (view->width == 0 || y < view->top || y - view->top >= view->height)
        return NULL;
    const uint8_t *area = seat->client[seat->shown].ring.in + seat->picture.offset;
    return (const uint32_t *)(const void *)(area + (size_t)(y - view->top) * seat->picture.stride);
}

static void draw_background(const struct seat *seat, uint32_t y, uint32_t *line) {
    if (y < SEAT_STRIP) {
        draw_strip(seat, y, line);
        return;
    }
    fill(line, seat->width, BACKGROUND);
    if (seat->view.width == 0)
        draw_notice(seat, y, line);
}

const uint32_t *seat_compose(const struct seat *seat, uint32_t y, uint32_t *line) {
    const uint32_t *picture = picture_line(seat, y);

    if (picture != NULL && seat->view.width == seat->width)
        return picture;
    draw_background(seat, y, line);
    if (picture != NULL)
        memcpy(line + seat->view.left, picture, (size_t)seat->view.width * SCREEN_PIXEL);
    return line;
}
