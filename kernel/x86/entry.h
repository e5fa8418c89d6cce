/* SPDX-License-Identifier: BSD-2-Clause */
/* What boot.S calls on the boot stack, and entry.S on the core's own, with the kernel's tables. */
#pragma once

#include <stdint.h>

struct context;

enum exception_on_stack { VECTOR_NMI = 2, VECTOR_DOUBLE_FAULT = 8, VECTOR_MACHINE_CHECK = 18 };

void boot_start(uint32_t magic, uint32_t information);
_Noreturn void user_call(const struct context *context);
_Noreturn void user_interrupt(uint64_t vector, uint64_t error);
void kernel_interrupt(uint64_t vector, uint64_t error, uint64_t rip);
void paranoid_exception(uint64_t vector, uint64_t rip, uint64_t cs);
