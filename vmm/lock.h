/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock between the threads of one VMM. Held for short, bounded work only. The threads have fixed
 * priorities and may share a core, so a waiter that doesn't get it soon sleeps (lock_pause) and
 * lets the holder run. Order: the device lock before the I/O APIC's.
 */
#ifndef VMM_LOCK_H
#define VMM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock { uint32_t held; };

/* Sleeps for some microseconds; given by the program that uses the lock (vmm/runtime.c). */
void lock_pause(void);

static inline bool lock_try(struct lock *lock) {
    return __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void lock_acquire(struct lock *lock) {
    enum { SPINS = 200 };
    for (unsigned i = 1; !lock_try(lock); i++) {
        if (i % SPINS == 0)
            lock_pause();
        else
            __builtin_ia32_pause();
    }
}

static inline void lock_release(struct lock *lock) {
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#endif
