/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: the time-stamp counter, the same on every core, calibrated at boot. */
#ifndef KERNEL_CORE_TIME_H
#define KERNEL_CORE_TIME_H

#include <stdint.h>

uint64_t time_now(void);                      /* ticks */
uint64_t time_khz(void);                      /* ticks per millisecond */
uint64_t time_after_us(uint64_t microseconds);/* the tick that is so far from now */

#endif
