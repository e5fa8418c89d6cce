/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cores as the scheduler sees them, numbered as in the plan. Implemented in x86/core.c.
 */
#pragma once

#include "abi/call.h"

uint32_t core_this(void);
void core_alert(uint32_t core);        /* makes another core look at its requests soon */
void core_window(void);                /* takes the interrupts that are pending, then returns */
void core_idle(void);                  /* sleeps until an interrupt, and takes it; one that is
                                          pending already ends it at once */
void core_timer(uint64_t deadline);    /* one interrupt at this tick */
void core_stop_others(void);           /* for a panic; they stop within their bounded entry */
_Noreturn void core_stop_this(void);

/* The whole machine; comes back only when the firmware doesn't do it. */
void machine_end(enum bh_machine_operation how);
