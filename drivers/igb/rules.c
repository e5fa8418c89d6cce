/* SPDX-License-Identifier: BSD-2-Clause */
/* What a virtual function may ask for (drivers/igb/mailbox.h). Touches its arguments only. */
#include "drivers/igb/mailbox.h"

#include "lib/c/string.h"

enum {
    INFO_CLEAR = 1,                /* of MAILBOX_ADDRESS: further addresses go; there are none */
    VLAN_NONE = 0,
    LENGTH_MOST = 1522,            /* 1500, addresses, a VLAN tag and the checksum */
    ADDRESS_BYTES = 6,
};

static bool address_is_own(const struct mailbox_function *function, const uint32_t *message) {
    return memcmp(function->mac, &message[1], ADDRESS_BYTES) == 0;
}

bool mailbox_allowed(struct mailbox_function *function, const uint32_t message[MAILBOX_WORDS]) {
    uint32_t info = message[0] >> MAILBOX_INFO_SHIFT & MAILBOX_INFO;

    switch (message[0] & MAILBOX_KIND) {
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
