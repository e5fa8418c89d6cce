/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may reach what, read from the finished plan; and whom each compartment has to trust. */
#ifndef TOOLS_BULKHEAD_SHOW_H
#define TOOLS_BULKHEAD_SHOW_H

#include <stdio.h>

#include "system.h"

/* One line: nothing is wrong, and how large the system is. */
void show_summary(const struct system *system, const char *file, FILE *out);

void show_system(const struct system *system, FILE *out);

#endif
