/* SPDX-License-Identifier: BSD-2-Clause */
/* What x86/entry.S calls, on the kernel's stack of this core and with the kernel's tables. */
#pragma once

#include <stdint.h>

struct context;

_Noreturn void user_call(const struct context *context);
_Noreturn void user_interrupt(uint64_t vector, uint64_t error);
void kernel_interrupt(uint64_t vector, uint64_t error, uint64_t rip);
void paranoid_exception(uint64_t vector, uint64_t rip, uint64_t cs);
