/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's calls (abi/call.h), after the architecture's entry copied their registers. */
#pragma once

#include "abi/call.h"

struct call {
    uint64_t number;
    uint64_t argument[4];
};

/* core/counter.c */
enum bh_status counter_read(uint64_t class, uint64_t object, uint64_t counter, uint64_t *value);

/* Performs a call of a thread of this core and answers it, or leaves it waiting. */
void call_perform(uint32_t thread, const struct call *call);
