/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the seat in a VM monitor's place. Paints one picture, and logs every key that it gets.
 * Settings: `width`, `height`, `colour`; `strip`: the colour of a false strip at its top;
 * `flood`: 1 sends the seat messages without end, most of them senseless, 2 breaks the link as well.
 */
#include "lib/c/format.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/screen/screen.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { STRIP = 32, FLOOD_MS = 1 };

static struct ring seat;
static struct screen_picture picture;
static uint64_t flood;
static uint64_t random_state = 1;

static void paint(void) {
    uint32_t *pixel = (uint32_t *)(void *)seat.out;
    uint32_t colour = (uint32_t)manifest_number("colour", 0);
    uint32_t strip = (uint32_t)manifest_number("strip", colour);

    for (uint32_t i = 0; i < picture.width * picture.height; i++)
        pixel[i] = i / picture.width < STRIP ? strip : colour;
}

static void show(void) {
    if (ring_space(&seat) > 0)
        ring_put(&seat, (struct ring_descriptor){
            .kind = SCREEN_SHOW, .offset = picture.offset,
            .extra = screen_extra(picture.width, picture.height, picture.stride) });
}

static uint64_t next_random(void) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return random_state;
}

static void rave(void) {
    while (ring_space(&seat) > 1) {
        uint64_t random = next_random();

        ring_put(&seat, (struct ring_descriptor){
            .kind = (uint8_t)(random >> 60), .offset = (uint32_t)(random >> 20),
            .length = (uint16_t)random, .extra = next_random() });
        show();
    }
    call_notify(seat.slot);
    if (flood > 1 && random_state % 16 == 0)
        __atomic_store_n(&seat.own->tail, (uint32_t)random_state, __ATOMIC_RELEASE);
}

static void log_keys(struct ring_descriptor message) {
    char text[64] = "";
    size_t length = 0;

    for (unsigned i = 0; i < message.length && i < SCREEN_KEYS_MOST; i++)
        length += format_text(text + length, sizeof(text) - length, " %02x",
                              (unsigned)(message.extra >> 8 * i & 0xff));
    log_line("keys%s", text);
}

static void turn(void) {
    if (ring_check(&seat) == RING_NEW)
        show();
    for (uint32_t n = ring_available(&seat); n > 0; n--) {
        struct ring_descriptor message = ring_get(&seat);

        ring_done(&seat, 1);
        if (message.kind == SCREEN_KEYS)
            log_keys(message);
        if (message.kind == SCREEN_SIZE)
            log_line("room of %u x %u", screen_picture(message).width,
                     screen_picture(message).height);
    }
    if (flood > 0)
        rave();
}

static bool settle(uint32_t *notify) {
    ring_flush_before_wait(&seat, notify);
    return ring_sleep(&seat);
}

static uint64_t deadline(void) {
    return flood > 0 ? time_after_ms(FLOOD_MS) : BH_FOREVER;
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "seat");

    flood = manifest_number("flood", 0);
    picture.width = (uint32_t)manifest_number("width", 0);
    picture.height = (uint32_t)manifest_number("height", 0);
    picture.stride = picture.width * SCREEN_PIXEL;
    ring_open(&seat, link, time_generation());
    if (screen_valid(picture, seat.out_size))
        paint();
    service_run(&program);
}
