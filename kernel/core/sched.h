/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: on each core, preemptive fixed priorities with budgets. Cores share nothing but
 * requests: sets of threads in which other cores leave word, and an alert that makes the owner
 * look.
 */
#pragma once

#include <stdbool.h>

#include "abi/call.h"

/* Wake: its word became non-empty while it slept. Adopt: it belongs to this core now. */
enum sched_request { SCHED_WAKE, SCHED_STOP, SCHED_START, SCHED_ADOPT, SCHED_REQUESTS };

void sched_install(void);              /* all threads, stopped, where the first mode puts them */

/* The way out of every entry into the kernel: runs what is most urgent on this core. */
_Noreturn void dispatch(void);

/* Any core; the request may be for this one. */
void sched_request(uint32_t core, enum sched_request request, uint32_t thread);

void sched_alert(uint32_t core);       /* it looks at its requests, and at the mode, soon */

/* The owning core. */
uint32_t sched_current(void);          /* the thread that entered the kernel; BH_NONE: idle */
void sched_queue(uint32_t thread, bool into);
void sched_event_at(uint64_t tick);    /* some thread of this core waits for that time */
void sched_interrupted(bool by_timer);

uint64_t sched_idle_ticks(uint32_t core);   /* since it has had nothing to run, if so; any core */
