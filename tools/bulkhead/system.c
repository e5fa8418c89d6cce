/* SPDX-License-Identifier: BSD-2-Clause */
/* From a file to a checked plan in memory. See system.h. */
#include "system.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lower.h"
#include "memory.h"

static bool open_description(struct system *s, const char *file, const char *build,
                             const char *folder) {
    s->tree = tree_read(file, s->report);
    s->description = s->tree != NULL ? description_load(s->tree, s->report) : NULL;
    if (s->description == NULL) {
        return false;
    }
    programs_list(s->description, s->tree, &s->programs);
    return check_description(s->description, s->tree, &s->programs, build, folder, s->report);
}

static bool lower_description(struct system *s, const char *build, const char *folder) {
    s->model = model_new(s->description, s->tree, s->report);
    s->model->build = build;
    s->model->folder = folder;
    lower_all(s->model, &s->programs);
    s->model->folder = NULL;
    return report_is_clean(s->report);
}

bool system_open(struct system *s, const char *file, const char *build) {
    memset(s, 0, sizeof(*s));
    s->report = report_new(file);
    char *copy = memory_text(file);
    const char *folder = dirname(copy);
    bool lowered = open_description(s, file, build, folder) && lower_description(s, build, folder);
    free(copy);
    if (!lowered) {
        return false;
    }
    bool good = emit_plan(s->model, &s->plan);
    return check_memory(s->model, s->plan.size) && good;
}

void system_close(struct system *s) {
    emit_free(&s->plan);
    if (s->model != NULL) {
        model_free(s->model);
    }
    if (s->description != NULL) {
        description_free(s->description);
    }
    tree_free(s->tree);
    report_free(s->report);
}
