/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last of several notifications, left to the caller's next notify_wait: whom it wakes then runs
 * when we sleep, and nobody comes back only to sleep.
 */
#ifndef BULKHEAD_LIB_CALL_BEFORE_WAIT_H
#define BULKHEAD_LIB_CALL_BEFORE_WAIT_H

#include "lib/call/call.h"

/* `*last` is BH_NONE or what is left so far, which is notified now. */
static inline void call_notify_before_wait(uint32_t slot, uint32_t *last) {
    if (*last != BH_NONE)
        call_notify(*last);
    *last = slot;
}

#endif
