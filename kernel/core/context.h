/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's registers and what else of the CPU is its compartment's: page tables, I/O ports; and
 * the calls that it makes by its registers (abi/call.h). Implemented in x86/context.c, but for those.
 */
#pragma once

#include <stdbool.h>

#include "abi/call.h"

void context_install(void);                        /* at boot, after the spaces */
void context_reset(uint32_t thread);               /* as the plan starts it */
void context_answer(uint32_t thread, enum bh_status status, uint64_t value);
bool context_resumable(uint32_t thread);           /* user mode would accept its registers, as it
                                                      always does behind a call */

/* Makes this core's user mode the thread's, and continues it there. */
_Noreturn void context_resume(uint32_t thread);

/* core/call.c */
struct call {
    uint64_t number;
    uint64_t argument[4];
};

/* Performs a call of a thread of this core and answers it, or leaves it waiting. */
void call_perform(uint32_t thread, const struct call *call);
