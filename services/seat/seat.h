/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One screen and keyboard for many VMs. The core, without set-up, so that it runs on the host as
 * well. Trusts the drivers of display and keyboard with what they do anyway, and the clients with
 * nothing: what a client says or doesn't say costs itself its picture.
 *
 *   pictures   lie in the clients' areas, which the seat maps read-only. About ten times a second it
 *              composes the screen: the shown client's picture in the guest area (clip.c), above it
 *              the strip, which says whose picture that is. What differs from the surface is copied
 *              there, and its lines are named to the display's driver.
 *   messages   of clients are read once a frame, a few of each: whoever sends more waits.
 *   keys       go to the shown client. Super (either) is the seat's own key: while it is down no
 *              other key is passed on, and with F1 to F9 and Tab it chooses who is shown. A client
 *              sees the release of each key that it saw go down, and of no other.
 */
#ifndef BULKHEAD_SERVICES_SEAT_H
#define BULKHEAD_SERVICES_SEAT_H

#include "lib/screen/screen.h"

enum {
    SEAT_CLIENTS     = 9,
    SEAT_STRIP       = 32,      /* lines at the top */
    SEAT_WIDTH_MOST  = 2048,    /* of a display, in pixels */
    SEAT_HEIGHT_MOST = 2048,
    SEAT_WIDTH_LEAST = 320,
    SEAT_SHARE       = 64,      /* lines composed in a turn */
    SEAT_MESSAGES    = 8,       /* of a client a frame */
    SEAT_BYTES       = 64,      /* of the keyboard in a turn */
    SEAT_FRAME_MS    = 100,
    SEAT_IDLE_MS     = 500,     /* between frames when no picture is shown */
    SEAT_KEYS        = 256,     /* scan codes of set 1; from 128 up those behind 0xe0 */
};

struct seat_key_set {
    uint64_t bits[SEAT_KEYS / 64];
};

struct seat_client {
    struct ring ring;
    char     name[BH_NAME_SIZE];
    bool     stopped;           /* its compartment doesn't run: what it said last isn't shown */
    bool     told;              /* in this life: how large a picture may be */
    struct screen_picture picture;   /* width 0: it shows none */
    struct seat_key_set held;   /* keys that it saw go down */
    struct seat_key_set owed;   /* of these, the ones whose release it has yet to see */
};

/* Where a picture is seen on the screen, in pixels; width 0: nowhere. */
struct seat_view {
    uint32_t left;
    uint32_t top;
    uint32_t width;
    uint32_t height;
};

/* The keyboard's bytes between two keys. */
struct seat_scan {
    uint8_t prefix;             /* 0xe0, 0xe1 or none */
    uint8_t first;              /* the byte behind 0xe1 */
};

struct seat {
    struct seat_client client[SEAT_CLIENTS];
    unsigned client_count;
    unsigned shown;
    struct ring screen;         /* the display's driver */
    struct ring keyboard;       /* the keyboard's driver */
    uint32_t width;             /* of the screen; 0: no display yet */
    uint32_t height;
    struct seat_scan scan;
    unsigned super;             /* which of the two Super keys are down */
    struct seat_key_set swallowed;   /* keys that went down while Super was */
    uint64_t next_frame_ms;
    uint32_t next_line;         /* of the frame under way; the height: none is */
    struct screen_picture picture;   /* in the frame under way */
    struct seat_view view;
    bool     changed[SEAT_HEIGHT_MOST];   /* lines that the driver has yet to be told */
    uint32_t changed_count;
};

static inline bool seat_client_is_there(const struct seat_client *client) {
    return ring_up(&client->ring) && !client->stopped;
}

/* One bounded share of everybody's work. */
void seat_turn(struct seat *seat, uint64_t now_ms);

/* Publishes, arms the wake-ups; false: there is more to do. `notify`: lib/service/service.h. */
bool seat_settle(struct seat *seat, uint32_t *notify);

/* When to call again though nobody woke us, in ms; UINT64_MAX: never. */
uint64_t seat_deadline(const struct seat *seat);

/* From now on the client of that number is shown; others ask in vain. */
void seat_show(struct seat *seat, unsigned number);

/* keys.c: a byte of the keyboard. */
void seat_keyboard_byte(struct seat *seat, uint8_t byte);

/* keys.c: the keyboard is another one now: nothing is down. */
void seat_keyboard_lost(struct seat *seat);

/* keys.c: what the client has yet to see of its keys, as far as its link has room. */
void seat_keys_flush(struct seat_client *client);

/* keys.c: the client is no longer shown. */
void seat_keys_leave(struct seat_client *client);

/* clip.c: where a valid picture is seen. */
struct seat_view seat_clip(struct screen_picture picture, uint32_t width, uint32_t height);

/* compose.c: a line of the frame, as it is to be on the screen: in `line`, or, of a picture that fills
 * it, where the client has it, who may change it at any time. */
const uint32_t *seat_compose(const struct seat *seat, uint32_t y, uint32_t *line);

#endif
