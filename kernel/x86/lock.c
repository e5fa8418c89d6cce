/* SPDX-License-Identifier: BSD-2-Clause */
/* The spin lock: an exchange to take, a store with release to drop. Touches its own word only. */
#include "core/lock.h"

void lock_take(struct lock *lock) {
    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0) {
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0)
            __asm__ volatile("pause");
    }
}

void lock_drop(struct lock *lock) { __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE); }
