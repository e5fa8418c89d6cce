/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core's queues of threads that could run, one a priority, linked by thread number. Pure: no
 * locks, because only the owning core calls. A thread is in at most one queue.
 */
#pragma once

#include <stdbool.h>

#include "abi/plan.h"

struct ready {
    uint32_t occupied;                   /* bit p: queue p isn't empty */
    uint32_t first_queue;                /* priority 0's node among the links */
};

void ready_clear(struct ready *ready, uint32_t core);
void ready_add(struct ready *ready, uint32_t thread, uint32_t priority); /* behind equals */
void ready_remove(struct ready *ready, uint32_t thread, uint32_t priority);
uint32_t ready_best(const struct ready *ready);                               /* BH_NONE: empty */
bool ready_has_equal(uint32_t thread);                      /* of one that is in a queue */
