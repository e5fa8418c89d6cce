/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard at the keyboard controller's line (i8042.h): it answers the commands that come down
 * the line, and has a queue of what goes up. Keys come from the seat as scan codes of set 1, as
 * they are behind a translating controller, whatever they were before. Pure state under the device
 * lock; the guest's bytes and the seat's are hostile, and neither can be more than heard or lost.
 *
 * Not modelled: set 3, the rate of repetition (the machine's own keyboard repeats), the lamps.
 *
 * References: IBM PS/2 Hardware Interface Technical Reference, keyboard (101- and 102-key):
 * commands, scan code sets 1 and 2.
 */
#ifndef VMM_KEYBOARD_H
#define VMM_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYBOARD_QUEUE 64u

struct keyboard {
    bool    present;                 /* else nothing comes here (i8042.c) */
    bool    scanning;                /* keys count */
    uint8_t set;                     /* of scan codes: 1 or 2 */
    uint8_t command;                 /* whose option comes next; 0: none */
    uint8_t last;                    /* what was sent last */
    uint8_t queue[KEYBOARD_QUEUE];
    uint32_t first;
    uint32_t count;
};

/* Power-on; `present` stays. */
void keyboard_reset(struct keyboard *keyboard);

/* A byte from the controller; `translated`: the controller makes set 1 of what comes back. */
void keyboard_write(struct keyboard *keyboard, uint8_t value, bool translated);

/* Keys of the seat: all of them find room in the queue, or none. */
void keyboard_keys(struct keyboard *keyboard, const uint8_t *codes, size_t count, bool translated);

/* The next byte for the controller, already translated if need be; false: there is none. */
bool keyboard_take(struct keyboard *keyboard, uint8_t *value);

#endif
