/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words that several cores change, and the lock. Every operation on a word is sequentially
 * consistent: what a core wrote before one is seen by whoever sees its effect, and no later read
 * moves before it. Implemented in x86/atomic.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

uint64_t atomic_load(const uint64_t *word);
void     atomic_store(uint64_t *word, uint64_t value);
uint64_t atomic_or(uint64_t *word, uint64_t bits);           /* answers the value before */
uint64_t atomic_add(uint64_t *word, uint64_t value);         /* answers the value before */
uint64_t atomic_exchange(uint64_t *word, uint64_t value);    /* answers the value before */
bool     atomic_change(uint64_t *word, uint64_t from, uint64_t to);  /* false: it wasn't `from` */

/* For short, bounded sections. The kernel runs with interrupts off, so a holder is never cut off by
 * its own core; waiters are served in no order. What a holder wrote is seen by the next one. */
struct lock { uint32_t held; };
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);
