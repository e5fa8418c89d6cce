/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time from the time-stamp counter, which is also the unit of every deadline. Its frequency comes
 * from the manifest's COUNTERS when the program has one, otherwise it is guessed low, so that
 * deadlines of programs without it come early rather than late.
 */
#ifndef BULKHEAD_LIB_TIME_H
#define BULKHEAD_LIB_TIME_H

#include <stdint.h>

static inline uint64_t time_now(void) {
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Ticks a millisecond: kHz. */
uint64_t time_khz(void);

/* The deadline that lies this many milliseconds ahead. */
uint64_t time_after_ms(uint64_t milliseconds);

/* A number for this life of a link's end: never zero, never the last life's. */
uint32_t time_generation(void);

#endif
