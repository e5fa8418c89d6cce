/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard's commands and scan codes.
 */
#include "vmm/platform/keyboard.h"

enum keyboard_command {
    SET_LAMPS = 0xed, ECHO = 0xee, SELECT_SET = 0xf0, IDENTIFY = 0xf2, SET_RATE = 0xf3,
    ENABLE = 0xf4, DEFAULTS_OFF = 0xf5, DEFAULTS = 0xf6, RESEND = 0xfe, RESET = 0xff,
    OPTIONS_END = SET_LAMPS,         /* what isn't below is a command, not an option */
};

enum keyboard_answer {
    GOOD = 0xaa, IDENTITY_1 = 0xab, IDENTITY_2 = 0x83, IDENTITY_2_TRANSLATED = 0x41,
    ACKNOWLEDGED = 0xfa, SEND_AGAIN = 0xfe,
};

enum { BREAK_1 = 0x80, PREFIX_FIRST = 0xe0, PREFIX_LAST = 0xe1, BREAK_2 = 0xf0, CODES_MOST = 16 };

/* Set 2 by set 1, sixteen keys a line; 0: there is no such key. */
static const uint8_t set_2[] = {
    0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
    0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x84, 0x00, 0x61, 0x78, 0x07, 0x00, 0x00, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
};

static void set_defaults(struct keyboard *keyboard) {
    keyboard->set = 2;
    keyboard->command = 0;
    keyboard->count = 0;
}

void keyboard_reset(struct keyboard *keyboard) {
    *keyboard = (struct keyboard){ .present = keyboard->present, .scanning = true };
    set_defaults(keyboard);
}

static void put(struct keyboard *keyboard, uint8_t value) {
    if (keyboard->count == KEYBOARD_QUEUE)
        return;
    keyboard->queue[(keyboard->first + keyboard->count) % KEYBOARD_QUEUE] = value;
    keyboard->count++;
}

static void answer(struct keyboard *keyboard, uint8_t value) {
    put(keyboard, ACKNOWLEDGED);
    put(keyboard, value);
}

/* What a translating controller makes of the numbers 1 and 2. */
static uint8_t set_name(const struct keyboard *keyboard, bool translated) {
    static const uint8_t translations[] = { 0x43, 0x41 };
    return translated ? translations[keyboard->set - 1] : keyboard->set;
}

static void select_set(struct keyboard *keyboard, uint8_t set, bool translated) {
    if (set == 0) {
        answer(keyboard, set_name(keyboard, translated));
    } else if (set == 1 || set == 2) {
        keyboard->set = set;
        put(keyboard, ACKNOWLEDGED);
    } else {
        put(keyboard, SEND_AGAIN);
    }
}

static void take_option(struct keyboard *keyboard, uint8_t value, bool translated) {
    uint8_t command = keyboard->command;
    keyboard->command = 0;
    if (command == SELECT_SET)
        select_set(keyboard, value, translated);
    else
        put(keyboard, ACKNOWLEDGED);
}

static void begin_option(struct keyboard *keyboard, uint8_t command) {
    keyboard->command = command;
    put(keyboard, ACKNOWLEDGED);
}

/* What waits in the queue is forgotten by the commands that set defaults. */
static void start_over(struct keyboard *keyboard, bool scanning) {
    set_defaults(keyboard);
    keyboard->scanning = scanning;
    put(keyboard, ACKNOWLEDGED);
}

static void enable(struct keyboard *keyboard) {
    keyboard->count = 0;
    keyboard->scanning = true;
    put(keyboard, ACKNOWLEDGED);
}

static void reset_by_command(struct keyboard *keyboard) {
    start_over(keyboard, true);
    put(keyboard, GOOD);
}

static void take_command(struct keyboard *keyboard, uint8_t value, bool translated) {
    keyboard->command = 0;
    switch (value) {
    case SET_LAMPS:
    case SET_RATE:
    case SELECT_SET: begin_option(keyboard, value); break;
    case ECHO: put(keyboard, ECHO); break;
    case IDENTIFY:
        answer(keyboard, IDENTITY_1);
        put(keyboard, translated ? IDENTITY_2_TRANSLATED : IDENTITY_2);
        break;
    case ENABLE: enable(keyboard); break;
    case DEFAULTS_OFF: start_over(keyboard, false); break;
    case DEFAULTS: start_over(keyboard, true); break;
    case RESEND: put(keyboard, keyboard->last); break;
    case RESET: reset_by_command(keyboard); break;
    default: put(keyboard, SEND_AGAIN); break;
    }
}

void keyboard_write(struct keyboard *keyboard, uint8_t value, bool translated) {
    if (keyboard->command != 0 && value < OPTIONS_END)
        take_option(keyboard, value, translated);
    else
        take_command(keyboard, value, translated);
}

/* ---- Keys ---- */

/* One byte of set 1 in set 2; answers the bytes, 0 to 2. */
static size_t convert(uint8_t code, uint8_t *to) {
    uint8_t key = code & (BREAK_1 - 1);
    if (code == PREFIX_FIRST || code == PREFIX_LAST) {
        to[0] = code;
        return 1;
    }
    if (key >= sizeof(set_2) || set_2[key] == 0)
        return 0;
    to[0] = code & BREAK_1 ? BREAK_2 : set_2[key];
    to[1] = set_2[key];
    return code & BREAK_1 ? 2 : 1;
}

void keyboard_keys(struct keyboard *keyboard, const uint8_t *codes, size_t count, bool translated) {
    uint8_t bytes[CODES_MOST];
    size_t size = 0;
    if (!keyboard->present || !keyboard->scanning || count > CODES_MOST / 2)
        return;
    for (size_t i = 0; i < count; i++) {
        if (translated || keyboard->set == 1)
            bytes[size++] = codes[i];
        else
            size += convert(codes[i], bytes + size);
    }
    if (size > KEYBOARD_QUEUE - keyboard->count)
        return;
    for (size_t i = 0; i < size; i++)
        put(keyboard, bytes[i]);
}

bool keyboard_take(struct keyboard *keyboard, uint8_t *value) {
    if (keyboard->count == 0)
        return false;
    *value = keyboard->last = keyboard->queue[keyboard->first];
    keyboard->first = (keyboard->first + 1) % KEYBOARD_QUEUE;
    keyboard->count--;
    return true;
}
