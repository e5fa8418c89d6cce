/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with a description: all findings are gathered, sorted by line and printed at the
 * end, each with the line, the owner (the object that it is about) and the mend.
 */
#ifndef TOOLS_BULKHEAD_REPORT_H
#define TOOLS_BULKHEAD_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct report;

struct report *report_new(const char *file);
void report_free(struct report *report);

/* One finding. `mend` says what to do about it; both texts are formats for the same arguments:
 * first those of `what`, then, by a call of report_mend, those of the mend. */
void report_add(struct report *report, unsigned line, const char *owner, const char *what, ...)
    __attribute__((format(printf, 4, 5)));
void report_mend(struct report *report, const char *mend, ...)
    __attribute__((format(printf, 2, 3)));

bool report_is_clean(const struct report *report);
void report_print(struct report *report, FILE *out);

#endif
