/* SPDX-License-Identifier: BSD-2-Clause */
/* From a file to a checked plan in memory. See system.h. */
#include "system.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "lower.h"
#include "memory.h"
#include "saved_machine.h"

static bool read_listing(struct system *s, const char *file, struct tree *tree) {
    const char *why = NULL;

    if (!listing_read(&s->listing, tree, s->listing_report)) {
        return false;
    }
    if (!saved_machine_open(&s->listing, &why)) {
        report_add(s->report, tree_line(s->tree, "machine.hardware"), "machine",
                   "the kernel can't use the machine listed in %s: %s", file, why);
        report_mend(s->report, "take another machine, or change its firmware's setup");
        return false;
    }
    s->listed = listing_verify(&s->listing, tree, s->listing_report);
    return s->listed;
}

/* The option's path is the caller's, the description's counts from its folder. */
static bool open_listing(struct system *s, const char *folder, const char *option) {
    const char *named = s->description->machine.hardware;

    if (option == NULL && named == NULL) {
        return true;
    }
    char *file = option != NULL || named[0] == '/' ? memory_text(option != NULL ? option : named)
                                                   : memory_format("%s/%s", folder, named);
    bool good = access(file, R_OK) == 0;
    if (good) {
        s->listing_report = report_new(file);
        struct tree *tree = tree_read(file, s->listing_report);
        good = tree != NULL && read_listing(s, file, tree);
        tree_free(tree);
    } else {
        report_add(s->report, tree_line(s->tree, "machine.hardware"), "machine",
                   "the listing of its hardware can't be read: %s", file);
        report_mend(s->report, "write it with 'bulkhead probe', or correct the path");
    }
    free(file);
    return good;
}

static bool open_description(struct system *s, const char *file, const char *build,
                             const char *folder, const char *hardware) {
    s->tree = tree_read(file, s->report);
    s->description = s->tree != NULL ? description_load(s->tree, s->report) : NULL;
    if (s->description == NULL || !open_listing(s, folder, hardware)) {
        return false;
    }
    programs_list(s->description, s->tree, &s->programs);
    return check_description(s->description, s->tree, &s->programs, build, folder,
                             s->listed ? &s->listing : NULL, s->report);
}

static bool lower_description(struct system *s, const char *build, const char *folder) {
    s->model = model_new(s->description, s->tree, s->report);
    s->model->build = build;
    s->model->folder = folder;
    lower_all(s->model, &s->programs);
    s->model->folder = NULL;
    return report_is_clean(s->report);
}

/* The last word on a listed machine is the kernel's own. */
static bool try_plan(struct system *s) {
    const char *refusal = s->listed ? saved_machine_refuses(&s->plan.view) : NULL;

    if (refusal != NULL) {
        report_add(s->report, tree_line(s->tree, "machine"), "machine",
                   "on the listed machine the kernel would say: %s", refusal);
        report_mend(s->report, "change what it names");
    }
    return refusal == NULL;
}

bool system_open(struct system *s, const char *file, const char *build, const char *hardware) {
    memset(s, 0, sizeof(*s));
    s->report = report_new(file);
    char *copy = memory_text(file);
    const char *folder = dirname(copy);
    bool lowered = open_description(s, file, build, folder, hardware)
                && lower_description(s, build, folder);
    free(copy);
    if (!lowered) {
        return false;
    }
    bool good = emit_plan(s->model, &s->plan);
    good = check_bells(s->model) && good;
    return check_memory(s->model, s->plan.size) && good && try_plan(s);
}

void system_print_report(const struct system *s, FILE *out) {
    if (s->listing_report != NULL) {
        report_print(s->listing_report, out);
    }
    report_print(s->report, out);
}

void system_close(struct system *s) {
    emit_free(&s->plan);
    if (s->model != NULL) {
        model_free(s->model);
    }
    if (s->description != NULL) {
        description_free(s->description);
    }
    if (s->listed) {
        saved_machine_close();
    }
    listing_free(&s->listing);
    tree_free(s->tree);
    if (s->listing_report != NULL) {
        report_free(s->listing_report);
    }
    report_free(s->report);
}
