/* SPDX-License-Identifier: BSD-2-Clause */
/* A display's driver as a service: its link and its loop (lib/screen/display.h). */
#include "lib/screen/display.h"

#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/time/time.h"

static struct display *served;

static void turn(void) {
    display_turn(served);
}

static bool settle(uint32_t *notify) {
    return display_settle(served, notify);
}

static void fit(struct display *display, uint64_t area) {
    uint64_t lines = area / (display->width * SCREEN_PIXEL);

    if (lines < display->height)
        display->height = (uint32_t)lines;
    if (display->height > DISPLAY_HEIGHT_MOST)
        display->height = DISPLAY_HEIGHT_MOST;
}

void display_serve(struct display *display) {
    static const struct service_program program = { turn, settle, NULL };
    const struct bh_manifest_entry *client = manifest_need(BH_ENTRY_LINK, "client0");

    served = display;
    fit(display, client->link.in_size);
    ring_open(&display->client, client, time_generation());
    log_line("display of %u x %u", display->width, display->height);
    service_run(&program);
}
