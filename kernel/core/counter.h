/* SPDX-License-Identifier: BSD-2-Clause */
/* Every counter, in one place (core/region.c): whoever owns an object counts its there; programs that
 * the plan lets only look. */
#pragma once

#include "abi/info.h"

extern struct bh_counters counters;
