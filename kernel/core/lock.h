/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock for short, bounded sections. The kernel runs with interrupts off, so a holder is never cut
 * off by its own core; waiters are served in no order. What a holder wrote is seen by the next one.
 * Implemented in x86/lock.c.
 */
#pragma once

#include <stdint.h>

struct lock { uint32_t held; };

void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);
