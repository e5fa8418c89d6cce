/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about a description, gathered and printed. See report.h. Trusts its callers. */
#include "report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct finding {
    unsigned line;
    unsigned order;
    char *owner;
    char *what;
    char *mend;
};

struct report {
    char *file;
    struct finding *finding;
    unsigned count;
};

struct report *report_new(const char *file) {
    struct report *report = memory_zeroed(1, sizeof(*report));

    report->file = memory_text(file);
    return report;
}

void report_free(struct report *report) {
    for (unsigned i = 0; i < report->count; i++) {
        free(report->finding[i].owner);
        free(report->finding[i].what);
        free(report->finding[i].mend);
    }
    free(report->finding);
    free(report->file);
    free(report);
}

void report_add(struct report *report, unsigned line, const char *owner, const char *what, ...) {
    va_list arguments;

    report->finding = memory_grown(report->finding, report->count + 1, sizeof(*report->finding));
    struct finding *f = &report->finding[report->count];
    *f = (struct finding){ .line = line, .order = report->count, .owner = memory_text(owner) };
    report->count++;
    va_start(arguments, what);
    f->what = memory_format_list(what, arguments);
    va_end(arguments);
}

void report_mend(struct report *report, const char *mend, ...) {
    struct finding *f = &report->finding[report->count - 1];
    va_list arguments;

    va_start(arguments, mend);
    free(f->mend);
    f->mend = memory_format_list(mend, arguments);
    va_end(arguments);
}

bool report_is_clean(const struct report *report) {
    return report->count == 0;
}

static int by_line(const void *a, const void *b) {
    const struct finding *first = a;
    const struct finding *second = b;

    if (first->line != second->line) {
        return first->line < second->line ? -1 : 1;
    }
    return first->order < second->order ? -1 : 1;
}

void report_print(struct report *report, FILE *out) {
    if (report->count > 0) {
        qsort(report->finding, report->count, sizeof(*report->finding), by_line);
    }
    for (unsigned i = 0; i < report->count; i++) {
        const struct finding *f = &report->finding[i];
        fprintf(out, "%s:%u: %s: %s; mend: %s\n", report->file, f->line, f->owner, f->what,
                f->mend != NULL ? f->mend : "correct it");
    }
}
