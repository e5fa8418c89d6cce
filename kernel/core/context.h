/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's registers and what else of the CPU is its compartment's: page tables, I/O ports.
 * Implemented in x86/context.c.
 */
#pragma once

#include <stdbool.h>

#include "abi/call.h"

void context_install(void);                        /* at boot, after the spaces */
void context_reset(uint32_t thread);               /* as the plan starts it */
void context_answer(uint32_t thread, enum bh_status status, uint64_t value);
bool context_resumable(uint32_t thread);           /* user mode would accept its registers */

/* Makes this core's user mode the thread's, and continues it there. */
_Noreturn void context_resume(uint32_t thread);
