/* SPDX-License-Identifier: BSD-2-Clause */
/* Measuring clocks at boot. */
#ifndef KERNEL_X86_TIME_H
#define KERNEL_X86_TIME_H

#include <stdint.h>

void time_install(void);               /* core/time.h works afterwards */

/* A stretch of time by the PIT, for whatever else is to be measured: start, then end, which waits
 * and answers how many milliseconds it was. */
void time_measure_start(void);
uint32_t time_measure_end(void);

#endif
