/* SPDX-License-Identifier: BSD-2-Clause */
/* The mend for each rule of the plan check, in the words of a description's author. */
#ifndef TOOLS_BULKHEAD_ADVICE_H
#define TOOLS_BULKHEAD_ADVICE_H

#include "core/plan_check.h"

const char *advice(enum plan_rule rule);

#endif
