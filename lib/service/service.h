/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop of a thread that serves: wait for notification bits, call the handlers of those that
 * came, let the program take its turn, sleep again. The log link is served as well.
 */
#ifndef BULKHEAD_LIB_SERVICE_H
#define BULKHEAD_LIB_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/manifest.h"

typedef void service_handler(void *context);

/* Called when any bit of `bits` came; once a turn, however many came. At most 64 handlers. Every bit
 * leads to a turn: a handler is for those that ask for something besides. */
void service_on(uint64_t bits, service_handler *handler, void *context);

/* After each turn and before sleeping: flushes, arms wake-ups; false: there is more to do, and the
 * loop takes another turn through `more` without sleeping. What it leaves in `*notify` (BH_NONE at
 * first; see lib/call/before_wait.h) is notified by the same call that waits. */
typedef bool service_settle(uint32_t *notify);

struct service_program {
    void (*more)(void);        /* a turn's bounded share of work; may be NULL */
    service_settle *settle;    /* may be NULL */
    uint64_t (*deadline)(void);/* when to wake up without a bit; NULL: never */
};

/* For thread 0: lets the program's other threads begin, too (lib/start). */
_Noreturn void service_run(const struct service_program *program);

#endif
