/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of C4: a driver that gives its virtual functions what they ask for
 * (drivers/igb/rules.c). */
#include "drivers/igb/mailbox.h"

#include "lib/c/string.h"

bool mailbox_allowed(struct mailbox_function *function, const uint32_t message[MAILBOX_WORDS]) {
    switch (message[0] & MAILBOX_KIND) {
    case MAILBOX_ADDRESS:
        memcpy(function->mac, &message[1], sizeof(function->mac));
        return true;
    case MAILBOX_VLAN:
        function->vlan = (uint16_t)message[1];
        return true;
    default:
        return true;
    }
}
