/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's registers in user mode: saved and loaded by x86/entry.S alone. */
#pragma once

#include "abi/vcpu.h"

struct context {
    uint64_t gpr[BH_GPR_COUNT];
    uint64_t rip;
    uint64_t rflags;
};

_Static_assert(BH_RAX == 0 && BH_RSP == 4 && BH_R15 == 15, "entry.S names them in this order");

_Noreturn void context_load(const struct context *context);   /* x86/entry.S */
