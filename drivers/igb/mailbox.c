/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of drivers/igb/mailbox.h. Touches nothing but its arguments. */
#include "drivers/igb/mailbox.h"

#include "lib/c/string.h"

enum {
    KIND = 0xffff, INFO_SHIFT = 16, INFO = 0xff,
    INFO_CLEAR = 1,                /* of MAILBOX_ADDRESS: further addresses go; there are none */
    VLAN_NONE = 0,
    LENGTH_MOST = 1522,            /* 1500, addresses, a VLAN tag and the checksum */
    ADDRESS_BYTES = 6,
};

static bool address_is_own(const struct mailbox_function *function, const uint32_t *message) {
    return memcmp(function->mac, &message[1], ADDRESS_BYTES) == 0;
}

/* May it have what it asks for? What it may have, it has already, but for group frames. */
static bool allowed(struct mailbox_function *function, const uint32_t *message) {
    uint32_t info = message[0] >> INFO_SHIFT & INFO;

    switch (message[0] & KIND) {
    case MAILBOX_ADDRESS:
        return info == INFO_CLEAR || (info == 0 && address_is_own(function, message));
    case MAILBOX_MULTICAST:
        function->multicast = info > 0;
        return true;
    case MAILBOX_VLAN:
        return message[1] == VLAN_NONE;
    case MAILBOX_LENGTH:
        return message[1] <= LENGTH_MOST;
    default:
        return false;
    }
}

static unsigned answer_reset(struct mailbox_function *function, uint32_t *answer) {
    function->ready = true;
    function->multicast = false;
    answer[0] = MAILBOX_RESET | MAILBOX_ACK;
    answer[1] = answer[2] = 0;
    memcpy(&answer[1], function->mac, ADDRESS_BYTES);
    return 3;
}

unsigned mailbox_answer(struct mailbox_function *function, const uint32_t message[MAILBOX_WORDS],
                        uint32_t answer[MAILBOX_ANSWER]) {
    if (message[0] == MAILBOX_RESET)
        return answer_reset(function, answer);
    answer[0] = (message[0] & KIND) | MAILBOX_NACK;
    if (function->ready)
        answer[0] = (message[0] & KIND) | MAILBOX_READY |
                    (allowed(function, message) ? MAILBOX_ACK : MAILBOX_NACK);
    return 1;
}
