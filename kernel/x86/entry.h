/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways into the kernel and out of it, between C and assembly. */
#pragma once

#include "abi/vcpu.h"

/* A thread in user mode. Its registers are saved and loaded by x86/entry.S alone. */
struct context {
    _Alignas(256)                      /* found by a shift */
    uint64_t gpr[BH_GPR_COUNT];
    uint64_t rip;
    uint64_t rflags;
    uint64_t root;                     /* CR3's value */
    const uint8_t *ports;              /* its compartment's bitmap; null: no ports */
};

_Static_assert(BH_RAX == 0 && BH_RSP == 4 && BH_R15 == 15, "entry.S names them in this order");

_Noreturn void context_load(const struct context *context);   /* x86/entry.S */

enum exception_on_stack { VECTOR_NMI = 2, VECTOR_DOUBLE_FAULT = 8, VECTOR_MACHINE_CHECK = 18 };

/* What boot.S calls on the boot stack, and entry.S on the core's own, with the kernel's tables. */
void boot_start(uint32_t magic, uint32_t information);
_Noreturn void user_call(const struct context *context);
_Noreturn void user_interrupt(uint64_t vector, uint64_t error);
void kernel_interrupt(uint64_t vector, uint64_t error, uint64_t rip);
void paranoid_exception(uint64_t vector, uint64_t rip, uint64_t cs);

/* x86/machine_check.c: NMIs and machine checks. At any instruction: counts, and stops the machine
 * when this core can't go on at `rip`. Where logging is allowed: tells what was counted. */
void machine_check_install_core(void);
void machine_check_note(uint64_t vector, uint64_t rip);
void machine_check_tell(void);         /* once a second at most */
