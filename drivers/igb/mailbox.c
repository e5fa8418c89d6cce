/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocol of drivers/igb/mailbox.h. Touches nothing but its arguments. */
#include "drivers/igb/mailbox.h"

#include "lib/c/string.h"

static unsigned answer_reset(struct mailbox_function *function, uint32_t *answer) {
    function->ready = true;
    function->multicast = false;
    answer[0] = MAILBOX_RESET | MAILBOX_ACK;
    answer[1] = answer[2] = 0;
    memcpy(&answer[1], function->mac, sizeof(function->mac));
    return 3;
}

unsigned mailbox_answer(struct mailbox_function *function, const uint32_t message[MAILBOX_WORDS],
                        uint32_t answer[MAILBOX_ANSWER]) {
    if (message[0] == MAILBOX_RESET)
        return answer_reset(function, answer);
    answer[0] = (message[0] & MAILBOX_KIND) | MAILBOX_NACK;
    if (function->ready)
        answer[0] = (message[0] & MAILBOX_KIND) | MAILBOX_READY |
                    (mailbox_allowed(function, message) ? MAILBOX_ACK : MAILBOX_NACK);
    return 1;
}
