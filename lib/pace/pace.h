/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to look at a queue whose other side has much to say: after PACE_BURST wake-ups closer together
 * than a period, its notifications or interrupts are left off and the queue is looked at once a
 * period, so that one wake-up and all that follows from it serve many frames. A period that brought
 * fewer than two ends it: who sends one frame and waits for the answer isn't delayed. Pure.
 */
#ifndef BULKHEAD_LIB_PACE_H
#define BULKHEAD_LIB_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_BURST 8u
#define PACE_US 120u                 /* a usual period */

struct pace {
    uint64_t period;                 /* ticks; zero: never on */
    bool on;
    uint64_t last;                   /* off: the last wake-up that brought something */
    uint32_t quick;                  /* off: wake-ups in close succession */
    uint64_t due;                    /* on: the next look */
    uint32_t count;                  /* on: frames since the last look that was due */
};

static inline void pace_stop(struct pace *pace) {
    pace->on = false;
    pace->quick = 0;
}

static inline void pace_begin(struct pace *pace, uint64_t now) {
    pace->on = true;
    pace->due = now + pace->period;
    pace->count = 0;
}

static inline void pace_continue(struct pace *pace, uint64_t now, uint32_t frames) {
    pace->count += frames;
    if (now < pace->due)
        return;
    if (pace->count < 2)
        pace_stop(pace);
    else
        pace_begin(pace, now);
}

/* The queue was looked at and brought so many frames. */
static inline void pace_looked(struct pace *pace, uint64_t now, uint32_t frames) {
    if (pace->on) {
        pace_continue(pace, now, frames);
        return;
    }
    if (frames == 0)
        return;
    pace->quick = now - pace->last < pace->period ? pace->quick + 1 : 0;
    pace->last = now;
    if (pace->quick >= PACE_BURST)
        pace_begin(pace, now);
}

#endif
