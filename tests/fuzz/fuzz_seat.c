/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile clients, a hostile keyboard and a hostile display of the seat. The strip stays the seat's,
 * no client sees the Super key or a release of a key that it didn't see go down, keys reach the shown
 * client only, and an honest client is shown at the end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream/stream.h"
#include "services/seat/seat.h"
#include "tests/unit/link_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CLIENTS = 3, HONEST = 0, HALF = 4096, WIDTH = 320, HEIGHT = 80, AREA = WIDTH * HEIGHT * 4,
    MESSAGES = 128, GREEN = 0x00ff00, RED = 0xff0000, RECORD = 10,
};

static struct seat seat;
static struct link_pair pairs[CLIENTS + 2];
static struct ring client[CLIENTS], screen, keyboard;
static uint8_t down[CLIENTS][SEAT_KEYS];
static bool may_press[CLIENTS];
static uint64_t now;

static void need(bool truth) {
    if (!truth)
        abort();
}

static void paint(unsigned who, uint32_t colour) {
    for (uint32_t i = 0; i < AREA / 4; i++)
        ((uint32_t *)pairs[who].area_a)[i] = colour;
}

/* The links' memory is made once; of an earlier run nothing is left but the clients' pixels. */
static void make_links(void) {
    for (unsigned i = 0; i < CLIENTS + 2 && pairs[i].half_a == NULL; i++) {
        link_pair_make(&pairs[i], HALF, i <= CLIENTS ? AREA : HALF);
        if (i < CLIENTS)
            paint(i, i == HONEST ? GREEN : RED);
    }
    for (unsigned i = 0; i < CLIENTS + 2; i++) {
        memset(pairs[i].half_a, 0, HALF);
        memset(pairs[i].half_b, 0, HALF);
    }
    memset(pairs[CLIENTS].area_a, 0, AREA);
}

static void make(void) {
    memset(&seat, 0, sizeof(seat));
    memset(down, 0, sizeof(down));
    now = 1;
    seat.client_count = CLIENTS;
    make_links();
    for (unsigned i = 0; i < CLIENTS; i++) {
        memcpy(seat.client[i].name, "vm", 3);
        ring_open(&seat.client[i].ring, &pairs[i].b, 10);
        ring_open(&client[i], &pairs[i].a, 20);
    }
    ring_open(&seat.screen, &pairs[CLIENTS].a, 30);
    ring_open(&screen, &pairs[CLIENTS].b, 40);
    stream_open(&seat.keyboard, &pairs[CLIENTS + 1].a, 50);
    stream_open(&keyboard, &pairs[CLIENTS + 1].b, 60);
}

static void check_key(unsigned who, unsigned key, bool release) {
    need(key != 0xdb && key != 0xdc);           /* Super, behind 0xe0 */
    need(release ? down[who][key] : may_press[who]);
    down[who][key] = !release;
}

static void check_keys(unsigned who, struct ring_descriptor message) {
    uint8_t first = (uint8_t)message.extra;
    uint8_t code = (uint8_t)(message.extra >> 8);

    need(message.length >= 1 && message.length <= SCREEN_KEYS_MOST);
    if (message.length == 6)
        need(message.extra == 0xc59de1451de1 && may_press[who]);
    else if (message.length == 2)
        check_key(who, 0x80 | (code & 0x7f), code & 0x80);
    else
        check_key(who, first & 0x7f, first & 0x80);
}

/* What the seat publishes for a client, even if that one doesn't take it: from `from` on. */
static void check_client(unsigned who, uint32_t from) {
    const struct ring *ring = &seat.client[who].ring;

    for (uint32_t i = from; ring_up(ring) && i != ring->tail; i++) {
        struct ring_descriptor message = ring->own->descriptor[i & (ring->out_depth - 1)];

        if (message.kind == SCREEN_KEYS)
            check_keys(who, message);
        else
            need(message.kind == SCREEN_SIZE);
    }
}

static void check_strip(void) {
    static uint32_t line[SEAT_WIDTH_MOST];
    struct seat plain = seat;

    if (seat.width == 0 || seat.next_line < seat.height || seat.next_frame_ms == 0)
        return;
    plain.view.width = 0;
    for (uint32_t y = 0; y < SEAT_STRIP; y++) {
        seat_compose(&plain, y, line);
        need(memcmp(line, seat.screen.out + (size_t)y * seat.width * 4, seat.width * 4) == 0);
    }
}

/* A client's life that ends takes what it saw with it. */
static void turn(void) {
    uint32_t notify = BH_NONE;
    uint32_t before[CLIENTS], generation[CLIENTS];

    for (unsigned i = 0; i < CLIENTS; i++) {
        before[i] = seat.client[i].ring.tail;
        generation[i] = seat.client[i].ring.peer_generation;
        may_press[i] = true;
    }
    unsigned shown = seat.shown;
    seat_turn(&seat, now);
    for (unsigned i = 0; i < CLIENTS; i++) {
        may_press[i] = i == shown || i == seat.shown;
        if (generation[i] != seat.client[i].ring.peer_generation) {
            before[i] = 0;
            memset(down[i], 0, sizeof(down[i]));
        }
        check_client(i, before[i]);
    }
    seat_settle(&seat, &notify);
    ring_check(&screen);
    ring_check(&keyboard);
    ring_check(&client[HONEST]);
    ring_done(&screen, ring_available(&screen));
    screen.next = screen.limit;
    ring_flush(&screen);
}

static void frame(void) {
    now += SEAT_IDLE_MS;
    for (int i = 0; i < 4; i++)
        turn();
    check_strip();
}

static void say_size(uint32_t width, uint32_t height) {
    if (ring_space(&screen) == 0)
        return;
    ring_put(&screen, (struct ring_descriptor){
        .kind = SCREEN_SIZE, .extra = screen_extra(width, height, 0) });
    ring_flush(&screen);
}

static void type(const uint8_t *bytes, uint32_t count) {
    stream_write(&keyboard, bytes, count);
    stream_flush(&keyboard);
}

/* Bytes that mean something, mostly; else random ones would seldom make a chord. */
static void type_value(uint64_t value) {
    static const uint8_t alphabet[] = {
        0xe0, 0xe0, 0xe0, 0xe0, 0x5b, 0xdb, 0x5c, 0xdc, 0x3b, 0xbb, 0x3c, 0xbc, 0x3d, 0xbd, 0x0f, 0x8f,
        0x1e, 0x9e, 0x2a, 0xaa, 0xe1, 0x1d, 0x45, 0x9d, 0xc5, 0x48, 0xc8, 0x00, 0xff, 0xfa, 0x7f, 0x01,
    };
    uint8_t bytes[8];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = alphabet[(value >> 8 * i & 0xff) % sizeof(alphabet)];
    type(bytes, sizeof(bytes));
}

static void say_picture(struct ring_half *half, uint64_t value) {
    half->descriptor[half->tail % MESSAGES] = (struct ring_descriptor){
        .kind = SCREEN_SHOW, .offset = (uint32_t)(value >> 40) % (AREA + 64),
        .extra = screen_extra(value & 511, value >> 16 & 127, value >> 23 & 0x1ffc),
    };
    half->tail++;
}

/* Which client and what to change, and a value. */
static void act(const uint8_t *data) {
    unsigned who = 1 + data[0] % (CLIENTS - 1);
    struct ring_half *half = pairs[who].half_a;
    struct ring_descriptor *descriptor = &half->descriptor[data[0] / 4];
    uint64_t value;

    memcpy(&value, data + 2, sizeof(value));
    switch (data[1] % 10) {
    case 0: half->tail += (uint32_t)value % 130; break;
    case 1: half->head += (uint32_t)value % 4; break;
    case 2: half->generation = (uint32_t)value; break;
    case 3: half->seen = seat.client[who].ring.generation; break;
    case 4: descriptor->offset = (uint32_t)value % (AREA + 64); break;
    case 5: descriptor->kind = (uint8_t)value % 4; break;
    case 6: descriptor->extra = value; break;
    case 7: say_picture(half, value); break;
    case 8: say_size((uint32_t)value & 1023, (uint32_t)(value >> 16) & 255); break;
    case 9: type_value(value); break;
    }
}

/* Whatever was down before. */
static void show(unsigned who) {
    uint8_t make = (uint8_t)(0x3b + who), release = make | 0x80;
    const uint8_t chord[] = { 0, 0xe0, 0xdb, 0xe0, 0xdc, release, 0xe0, 0x5b, make, release, 0xe0,
                              0xdb };

    type(chord, sizeof(chord));
    frame();
    need(seat.shown == who);
}

static void show_the_honest(void) {
    ring_put(&client[HONEST], (struct ring_descriptor){
        .kind = SCREEN_SHOW, .extra = screen_extra(WIDTH, HEIGHT - SEAT_STRIP, WIDTH * 4) });
    ring_flush(&client[HONEST]);
    say_size(WIDTH, HEIGHT);
    show(HONEST);
    frame();
    for (uint32_t i = WIDTH * SEAT_STRIP; i < WIDTH * HEIGHT; i++)
        need(((uint32_t *)pairs[CLIENTS].area_a)[i] == GREEN);
}

static void connect(void) {
    for (unsigned i = 0; i < 2; i++) {
        turn();
        for (unsigned k = 0; k < CLIENTS; k++)
            ring_check(&client[k]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    make();
    connect();
    say_size(WIDTH, HEIGHT);
    frame();
    for (; size >= RECORD; data += RECORD, size -= RECORD) {
        act(data);
        now += data[0] % 128;
        turn();
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        show(i);
    show_the_honest();
    return 0;
}
