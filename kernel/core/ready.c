/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of ready threads, as rings: each queue has a node of its own, before its first and behind its
 * last thread. The links are one array for all cores: each thread's entry belongs to the core that the
 * thread belongs to. */
#include "core/ready.h"

enum { NODES = BH_MAX_THREADS + BH_MAX_CORES * BH_PRIORITIES };   /* threads, then queues */

static uint32_t next_of[NODES], previous_of[NODES];

void ready_clear(struct ready *ready, uint32_t core) {
    ready->occupied = 0;
    ready->first_queue = BH_MAX_THREADS + core * BH_PRIORITIES;
    for (uint32_t p = 0; p < BH_PRIORITIES; p++) {
        uint32_t queue = ready->first_queue + p;
        next_of[queue] = previous_of[queue] = queue;
    }
}

void ready_add(struct ready *ready, uint32_t thread, uint32_t priority) {
    uint32_t queue = ready->first_queue + priority, last = previous_of[queue];

    next_of[thread] = queue;
    previous_of[thread] = last;
    next_of[last] = previous_of[queue] = thread;
    ready->occupied |= 1u << priority;
}

void ready_remove(struct ready *ready, uint32_t thread, uint32_t priority) {
    uint32_t next = next_of[thread], previous = previous_of[thread];

    next_of[previous] = next;
    previous_of[next] = previous;
    if (next == previous)                /* both are the queue */
        ready->occupied &= ~(1u << priority);
}

uint32_t ready_best(const struct ready *ready) {
    if (ready->occupied == 0)
        return BH_NONE;
    return next_of[ready->first_queue + 31 - (uint32_t)__builtin_clz(ready->occupied)];
}

bool ready_has_equal(uint32_t thread) { return next_of[thread] != previous_of[thread]; }
