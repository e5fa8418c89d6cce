/* SPDX-License-Identifier: BSD-2-Clause */
/* The seat's core (services/seat/seat.h): links, frames, the surface. */
#include "services/seat/seat.h"

#include "lib/c/string.h"
#include "lib/stream/stream.h"

/* Four pixels, wherever a picture begins. */
typedef uint64_t wide __attribute__((vector_size(16), may_alias, aligned(SCREEN_PIXEL)));

/* What was said in an earlier life of a client counts no more. */
static void forget_client(struct seat_client *client) {
    client->told = false;
    client->picture = (struct screen_picture){ 0 };
    client->held = client->owed = (struct seat_key_set){ 0 };
}

static void tell_client(const struct seat *seat, struct seat_client *client) {
    ring_put(&client->ring, (struct ring_descriptor){
        .kind = SCREEN_SIZE,
        .extra = screen_extra(seat->width, seat->height - SEAT_STRIP, 0) });
    client->told = true;
}

static void serve_client(struct seat *seat, struct seat_client *client) {
    if (ring_check(&client->ring) != RING_SAME)
        forget_client(client);
    if (!client->told && seat->width > 0 && ring_space(&client->ring) > 0)
        tell_client(seat, client);
    seat_keys_flush(client);
}

static void take_messages(struct seat_client *client) {
    for (uint32_t i = 0; i < SEAT_MESSAGES && ring_available(&client->ring) > 0; i++) {
        struct ring_descriptor message = ring_get(&client->ring);
        struct screen_picture picture = screen_picture(message);

        ring_done(&client->ring, 1);
        if (message.kind != SCREEN_SHOW)
            continue;
        if (!screen_valid(picture, client->ring.in_size))
            picture.width = 0;
        client->picture = picture;
    }
}

static bool size_is_good(uint32_t width, uint32_t height, uint64_t area) {
    return width >= SEAT_WIDTH_LEAST && width <= SEAT_WIDTH_MOST &&
           width * SCREEN_PIXEL % sizeof(wide) == 0 && height > 2 * SEAT_STRIP &&
           height <= SEAT_HEIGHT_MOST && (uint64_t)width * height * SCREEN_PIXEL <= area;
}

/* A display that begins anew is black: every line is new to it. */
static void take_size(struct seat *seat, struct ring_descriptor message) {
    struct screen_picture size = screen_picture(message);
    bool same = size.width == seat->width && size.height == seat->height;

    if (!size_is_good(size.width, size.height, seat->screen.out_size))
        return;
    seat->width = size.width;
    seat->height = size.height;
    for (uint32_t line = 0; line < seat->height; line++)
        seat->changed[line] = true;
    seat->changed_count = seat->height;
    seat->next_line = seat->height;
    seat->next_frame_ms = 0;
    for (unsigned i = 0; !same && i < seat->client_count; i++)
        seat->client[i].told = false;
}

static void serve_screen(struct seat *seat) {
    ring_check(&seat->screen);
    for (uint32_t i = 0; i < SEAT_MESSAGES && ring_available(&seat->screen) > 0; i++) {
        struct ring_descriptor message = ring_get(&seat->screen);

        ring_done(&seat->screen, 1);
        if (message.kind == SCREEN_SIZE)
            take_size(seat, message);
    }
}

static void serve_keyboard(struct seat *seat) {
    uint8_t bytes[SEAT_BYTES];
    uint32_t count;

    if (stream_check(&seat->keyboard) != RING_SAME)
        seat_keyboard_lost(seat);
    count = stream_read(&seat->keyboard, bytes, sizeof(bytes));
    for (uint32_t i = 0; i < count; i++)
        seat_keyboard_byte(seat, bytes[i]);
}

void seat_show(struct seat *seat, unsigned number) {
    if (number >= seat->client_count || number == seat->shown)
        return;
    seat_keys_leave(&seat->client[seat->shown]);
    seat->shown = number;
    seat->next_line = seat->height;
    seat->next_frame_ms = 0;
}

static void begin_frame(struct seat *seat, uint64_t now_ms) {
    const struct seat_client *client = &seat->client[seat->shown];
    bool picture;

    for (unsigned i = 0; i < seat->client_count; i++)
        take_messages(&seat->client[i]);
    picture = seat->shown < seat->client_count && seat_client_is_there(client) &&
              client->picture.width > 0;
    seat->picture = client->picture;
    seat->view = picture ? seat_clip(seat->picture, seat->width, seat->height)
                         : (struct seat_view){ 0 };
    seat->next_line = 0;
    seat->next_frame_ms = now_ms + (picture ? SEAT_FRAME_MS : SEAT_IDLE_MS);
}

/* Whether two lines differ, by 16 bytes. */
static bool differ(const uint32_t *a, const uint32_t *b, uint32_t pixels) {
    const wide *first = (const wide *)(const void *)a;
    const wide *second = (const wide *)(const void *)b;
    wide difference = { 0, 0 };

    for (uint32_t i = 0; i < pixels * SCREEN_PIXEL / sizeof(wide); i++)
        difference |= first[i] ^ second[i];
    return (difference[0] | difference[1]) != 0;
}

static void draw_line(struct seat *seat, uint32_t y) {
    static uint32_t composed[SEAT_WIDTH_MOST];
    size_t bytes = (size_t)seat->width * SCREEN_PIXEL;
    uint32_t *surface = (uint32_t *)(void *)(seat->screen.out + y * bytes);

    const uint32_t *line = seat_compose(seat, y, composed);
    if (!differ(line, surface, seat->width))
        return;
    memcpy(surface, line, bytes);
    seat->changed_count += !seat->changed[y];
    seat->changed[y] = true;
}

static void draw_share(struct seat *seat) {
    for (uint32_t i = 0; i < SEAT_SHARE && seat->next_line < seat->height; i++)
        draw_line(seat, seat->next_line++);
}

/* Runs of changed lines, as many as the link has room for. */
static void tell_changes(struct seat *seat) {
    uint32_t line = 0;

    while (seat->changed_count > 0 && line < seat->height && ring_space(&seat->screen) > 0) {
        uint32_t first = line;

        while (line < seat->height && seat->changed[line])
            seat->changed[line++] = false;
        if (line > first)
            ring_put(&seat->screen, (struct ring_descriptor){
                .kind = SCREEN_LINES, .offset = first, .length = (uint16_t)(line - first) });
        seat->changed_count -= line - first;
        line++;
    }
}

void seat_turn(struct seat *seat, uint64_t now_ms) {
    serve_screen(seat);
    serve_keyboard(seat);
    for (unsigned i = 0; i < seat->client_count; i++)
        serve_client(seat, &seat->client[i]);
    if (seat->width > 0 && seat->next_line == seat->height && now_ms >= seat->next_frame_ms)
        begin_frame(seat, now_ms);
    draw_share(seat);
    tell_changes(seat);
}

/* Clients' messages wait for the next frame: they wake nobody. */
bool seat_settle(struct seat *seat, uint32_t *notify) {
    for (unsigned i = 0; i < seat->client_count; i++)
        ring_flush_before_wait(&seat->client[i].ring, notify);
    ring_flush_before_wait(&seat->keyboard, notify);
    ring_flush_before_wait(&seat->screen, notify);
    return ring_sleep(&seat->screen) && ring_sleep(&seat->keyboard) &&
           seat->next_line == seat->height;
}

uint64_t seat_deadline(const struct seat *seat) {
    return seat->width > 0 ? seat->next_frame_ms : UINT64_MAX;
}
