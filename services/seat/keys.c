/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard's bytes become keys, and keys go to the shown client, but for the seat's own
 * (services/seat/seat.h). Scan codes of set 1: IBM PC/AT 5170 technical reference, 1984, section 4.
 * Touches the clients' links; trusts nobody: any byte may come at any time.
 */
#include "services/seat/seat.h"

enum {
    PREFIX      = 0xe0,
    PAUSE       = 0xe1,
    RELEASE     = 0x80,
    BEHIND_E0   = 0x80,          /* keys behind the prefix are numbered from here */
    PAUSE_FIRST = 0x1d,
    PAUSE_LAST  = 0x45,
    OVERRUN     = 0xff,
    KEY_TAB     = 0x0f,
    KEY_F1      = 0x3b,
    SUPER_LEFT  = BEHIND_E0 | 0x5b,
    SUPER_RIGHT = BEHIND_E0 | 0x5c,
};

static bool set_has(const struct seat_key_set *set, unsigned key) {
    return (set->bits[key / 64] >> key % 64 & 1) != 0;
}

static void set_add(struct seat_key_set *set, unsigned key) {
    set->bits[key / 64] |= 1ull << key % 64;
}

static void set_remove(struct seat_key_set *set, unsigned key) {
    set->bits[key / 64] &= ~(1ull << key % 64);
}

static bool set_is_empty(const struct seat_key_set *set) {
    uint64_t all = 0;

    for (unsigned i = 0; i < SEAT_KEYS / 64; i++)
        all |= set->bits[i];
    return all == 0;
}

/* Needs room in the link; the first byte is the lowest. */
static void put(struct seat_client *client, uint64_t bytes, uint16_t count) {
    ring_put(&client->ring, (struct ring_descriptor){
        .kind = SCREEN_KEYS, .length = count, .extra = bytes });
}

static void put_key(struct seat_client *client, unsigned key, uint8_t release) {
    uint8_t code = (uint8_t)((key & ~(unsigned)BEHIND_E0) | release);

    if (key < BEHIND_E0)
        put(client, code, 1);
    else
        put(client, PREFIX | (uint64_t)code << 8, 2);
}

void seat_keys_flush(struct seat_client *client) {
    if (set_is_empty(&client->owed))
        return;
    for (unsigned key = 0; key < SEAT_KEYS && ring_space(&client->ring) > 0; key++) {
        if (set_has(&client->owed, key)) {
            put_key(client, key, RELEASE);
            set_remove(&client->owed, key);
            set_remove(&client->held, key);
        }
    }
}

void seat_keys_leave(struct seat_client *client) {
    client->owed = client->held;
    seat_keys_flush(client);
}

static struct seat_client *shown(struct seat *seat) {
    return seat->shown < seat->client_count ? &seat->client[seat->shown] : NULL;
}

/* A client that doesn't take its keys loses presses; a release is kept for it. */
static void press(struct seat_client *client, unsigned key) {
    if (set_has(&client->owed, key) || ring_space(&client->ring) == 0)
        return;
    put_key(client, key, 0);
    set_add(&client->held, key);
}

static void release(struct seat_client *client, unsigned key) {
    if (!set_has(&client->held, key))
        return;
    set_add(&client->owed, key);
    seat_keys_flush(client);
}

static void press_chord(struct seat *seat, unsigned key) {
    if (set_has(&seat->swallowed, key))
        return;
    set_add(&seat->swallowed, key);
    if (key == KEY_TAB && seat->client_count > 0)
        seat_show(seat, (seat->shown + 1) % seat->client_count);
    if (key >= KEY_F1 && key < KEY_F1 + SEAT_CLIENTS)
        seat_show(seat, key - KEY_F1);
}

static void take_super(struct seat *seat, unsigned which, bool down) {
    unsigned before = seat->super;

    seat->super = down ? before | which : before & ~which;
    if (seat->super != before)
        seat->next_frame_ms = 0;        /* the strip shows it */
}

static void take_press(struct seat *seat, unsigned key) {
    if (seat->super != 0)
        press_chord(seat, key);
    else if (!set_has(&seat->swallowed, key) && shown(seat) != NULL)
        press(shown(seat), key);
}

static void take_release(struct seat *seat, unsigned key) {
    if (set_has(&seat->swallowed, key))
        set_remove(&seat->swallowed, key);
    if (shown(seat) != NULL)
        release(shown(seat), key);
}

static void take_key(struct seat *seat, unsigned key, bool down) {
    if (key == SUPER_LEFT || key == SUPER_RIGHT)
        take_super(seat, 1u << (key - SUPER_LEFT), down);
    else if (down)
        take_press(seat, key);
    else
        take_release(seat, key);
}

/* Pause sends its release together with its press: a client gets both or nothing. */
static void take_pause(struct seat *seat) {
    struct seat_client *client = shown(seat);

    if (seat->super == 0 && client != NULL && ring_space(&client->ring) > 0)
        put(client, 0xc59de1451de1, 6);
}

static void byte_of_pause(struct seat *seat, uint8_t byte) {
    if (seat->scan.first == 0) {
        seat->scan.first = byte;
        return;
    }
    if (seat->scan.first == PAUSE_FIRST && byte == PAUSE_LAST)
        take_pause(seat);
    seat->scan = (struct seat_scan){ 0 };
}

void seat_keyboard_byte(struct seat *seat, uint8_t byte) {
    uint8_t prefix = seat->scan.prefix;

    if (byte == PREFIX || byte == PAUSE || byte == OVERRUN || byte == 0) {
        seat->scan = (struct seat_scan){ .prefix = byte == PREFIX || byte == PAUSE ? byte : 0 };
    } else if (prefix == PAUSE) {
        byte_of_pause(seat, byte);
    } else {
        unsigned key = (byte & ~(unsigned)RELEASE) | (prefix == PREFIX ? BEHIND_E0 : 0);

        seat->scan = (struct seat_scan){ 0 };
        take_key(seat, key, (byte & RELEASE) == 0);
    }
}

void seat_keyboard_lost(struct seat *seat) {
    seat->scan = (struct seat_scan){ 0 };
    seat->super = 0;
    seat->swallowed = (struct seat_key_set){ 0 };
    if (shown(seat) != NULL)
        seat_keys_leave(shown(seat));
}
