/* SPDX-License-Identifier: BSD-2-Clause */
/* `bulkhead probe`: what a machine's hardware is, as far as Linux shows it. */
#ifndef TOOLS_BULKHEAD_PROBE_H
#define TOOLS_BULKHEAD_PROBE_H

#include <stdbool.h>
#include <stdio.h>

/* Reads ROOT/sys and ROOT/proc, writes the listing; false: the reason is on stderr. */
bool probe(const char *root, FILE *out);

#endif
