/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's calls (abi/call.h), after the architecture's entry copied their registers. */
#pragma once

#include "abi/call.h"

struct call {
    uint64_t number;
    uint64_t argument[4];
};

/* Performs a call of a thread of this core and answers it, or leaves it waiting. */
void call_perform(uint32_t thread, const struct call *call);
