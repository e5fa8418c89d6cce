/* SPDX-License-Identifier: BSD-2-Clause */
/* A display's lines (lib/screen/display.h). Touches the framebuffer and the link. */
#include "lib/screen/display.h"

#include "lib/c/string.h"

static void tell(struct display *display) {
    ring_put(&display->client, (struct ring_descriptor){
        .kind = SCREEN_SIZE, .extra = screen_extra(display->width, display->height, 0) });
    display->told = true;
}

static void take_lines(struct display *display, struct ring_descriptor message) {
    uint32_t count = message.length;

    if (message.kind != SCREEN_LINES || !ring_inside(message.offset, count, display->height))
        return;
    for (uint32_t line = message.offset; line < message.offset + count; line++) {
        display->changed_count += !display->changed[line];
        display->changed[line] = true;
    }
}

static void take_messages(struct display *display) {
    for (uint32_t i = 0; i < DISPLAY_MESSAGES && ring_available(&display->client) > 0; i++) {
        struct ring_descriptor message = ring_get(&display->client);

        ring_done(&display->client, 1);
        take_lines(display, message);
    }
}

static void copy_line(const struct display *display, uint32_t line) {
    size_t bytes = (size_t)display->width * SCREEN_PIXEL;

    memcpy(display->framebuffer + (size_t)line * display->pitch,
           display->client.in + line * bytes, bytes);
}

static void copy_lines(struct display *display) {
    uint32_t copied = 0;

    for (uint32_t line = 0; line < display->height && copied < DISPLAY_SHARE; line++) {
        if (!display->changed[line])
            continue;
        copy_line(display, line);
        display->changed[line] = false;
        copied++;
    }
    display->changed_count -= copied;
}

void display_clear(const struct display *display) {
    for (uint32_t line = 0; line < display->height; line++)
        memset(display->framebuffer + (size_t)line * display->pitch, 0,
               (size_t)display->width * SCREEN_PIXEL);
}

void display_turn(struct display *display) {
    if (ring_check(&display->client) != RING_SAME)
        display->told = false;
    if (!display->told && ring_space(&display->client) > 0)
        tell(display);
    take_messages(display);
    if (display->changed_count > 0)
        copy_lines(display);
}

bool display_settle(struct display *display, uint32_t *notify) {
    ring_flush_before_wait(&display->client, notify);
    return ring_sleep(&display->client) && display->changed_count == 0;
}
