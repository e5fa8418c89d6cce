/* SPDX-License-Identifier: BSD-2-Clause */
/* The read-only counters of every object. */
#pragma once

#include "abi/call.h"

enum bh_status counter_read(uint64_t class, uint64_t object, uint64_t counter, uint64_t *value);
