/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's registers in user mode: saved and loaded by x86/entry.S alone. */
#ifndef KERNEL_X86_CONTEXT_H
#define KERNEL_X86_CONTEXT_H

#include <stddef.h>

#include "abi/vcpu.h"

#include "x86/context_layout.h"

struct context {
    uint64_t gpr[BH_GPR_COUNT];
    uint64_t rip;
    uint64_t rflags;
};

_Static_assert(offsetof(struct context, gpr[BH_RSP]) == CONTEXT_RSP, "entry.S");
_Static_assert(offsetof(struct context, gpr[BH_R15]) == CONTEXT_R15, "entry.S");
_Static_assert(offsetof(struct context, rip) == CONTEXT_RIP, "entry.S");
_Static_assert(offsetof(struct context, rflags) == CONTEXT_RFLAGS, "entry.S");
_Static_assert(sizeof(struct context) == CONTEXT_SIZE, "entry.S");

_Noreturn void context_load(const struct context *context);   /* x86/entry.S */

#endif
