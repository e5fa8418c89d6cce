/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a virtual function may ask of us by its mailbox, and what it gets. Pure: a message in, an
 * answer and the function's new state out. Trusts nobody: a message is 16 words of anything.
 *
 * The protocol is that of Intel's drivers (82576 Datasheet 7.10.2.11), which every guest's own
 * driver speaks. What a function may have is decided by the description: its address and VLAN can't
 * be changed by message, nor can it ask for others' frames.
 */
#ifndef BULKHEAD_DRIVERS_IGB_MAILBOX_H
#define BULKHEAD_DRIVERS_IGB_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

enum { MAILBOX_WORDS = 16, MAILBOX_ANSWER = 3 };

struct mailbox_function {
    uint8_t  mac[6];
    uint16_t vlan;                 /* zero: none */
    bool     ready;                /* it was reset and may send and receive */
    bool     multicast;            /* it wants multicast frames */
};

/* The first word's kind, and what an answer adds to it. */
enum mailbox_message {
    MAILBOX_KIND      = 0xffff,
    MAILBOX_INFO_SHIFT = 16,       /* what more there is to say, eight bits */
    MAILBOX_INFO      = 0xff,
    MAILBOX_RESET     = 0x01,
    MAILBOX_ADDRESS   = 0x02,
    MAILBOX_MULTICAST = 0x03,
    MAILBOX_VLAN      = 0x04,
    MAILBOX_LENGTH    = 0x05,
    MAILBOX_CONTROL   = 0x100,     /* from us: look at the link */
};

#define MAILBOX_ACK   0x80000000u
#define MAILBOX_NACK  0x40000000u
#define MAILBOX_READY 0x20000000u  /* "clear to send": the function needn't reset itself */

/* Answers how many words of `answer` are to be sent. */
unsigned mailbox_answer(struct mailbox_function *function, const uint32_t message[MAILBOX_WORDS],
                        uint32_t answer[MAILBOX_ANSWER]);

/* May it have what it asks for? What it may have, it has already, but for group frames. */
bool mailbox_allowed(struct mailbox_function *function, const uint32_t message[MAILBOX_WORDS]);

#endif
