/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of ready threads. The links are one array for all cores: each thread's entry belongs to
 * the core that the thread belongs to. */
#include "core/ready.h"

static uint32_t next_of[BH_MAX_THREADS], previous_of[BH_MAX_THREADS];

void ready_clear(struct ready *ready) {
    ready->occupied = 0;
    for (uint32_t p = 0; p < BH_PRIORITIES; p++) {
        ready->first[p] = BH_NONE;
        ready->last[p] = BH_NONE;
    }
}

void ready_add(struct ready *ready, uint32_t thread, uint32_t priority) {
    uint32_t last = ready->last[priority];

    next_of[thread] = BH_NONE;
    previous_of[thread] = last;
    if (last == BH_NONE)
        ready->first[priority] = thread;
    else
        next_of[last] = thread;
    ready->last[priority] = thread;
    ready->occupied |= 1u << priority;
}

void ready_remove(struct ready *ready, uint32_t thread, uint32_t priority) {
    uint32_t next = next_of[thread], previous = previous_of[thread];

    if (previous == BH_NONE)
        ready->first[priority] = next;
    else
        next_of[previous] = next;
    if (next == BH_NONE)
        ready->last[priority] = previous;
    else
        previous_of[next] = previous;
    if (ready->first[priority] == BH_NONE)
        ready->occupied &= ~(1u << priority);
}

uint32_t ready_best(const struct ready *ready) {
    if (ready->occupied == 0)
        return BH_NONE;
    return ready->first[31 - __builtin_clz(ready->occupied)];
}

bool ready_has_equal(const struct ready *ready, uint32_t thread, uint32_t priority) {
    return ready->first[priority] != thread || ready->last[priority] != thread;
}
