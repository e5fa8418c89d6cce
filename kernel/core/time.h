/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: the time-stamp counter, the same on every core, calibrated at boot. */
#pragma once

#include <stdint.h>

void time_install(void);                      /* at boot: measures the rate, reads the clock */
uint64_t time_now(void);                      /* ticks */
uint64_t time_after_us(uint64_t microseconds);/* the tick that is so far from now */
uint64_t time_ticks_of_us(uint64_t microseconds);  /* at most 2^40 */
