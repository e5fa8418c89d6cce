/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Bulkhead's measuring programs share: how much is measured. The same amounts as on Linux
 * (bench/linux/measure.h). Touches nothing.
 */
#ifndef BULKHEAD_BENCH_PROGRAMS_BENCH_H
#define BULKHEAD_BENCH_PROGRAMS_BENCH_H

#include <stdint.h>

#include "bench/mark.h"
#include "lib/call/call.h"

#define WARM_UP 64

static inline void bench_rest(void) {
    uint64_t bits;

    call_wait(BH_FOREVER, &bits);
}

#endif
