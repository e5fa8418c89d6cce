/* SPDX-License-Identifier: BSD-2-Clause */
/* A description with all that follows from it, as the subcommands need it. */
#ifndef TOOLS_BULKHEAD_SYSTEM_H
#define TOOLS_BULKHEAD_SYSTEM_H

#include "emit.h"
#include "listing.h"
#include "model.h"
#include "programs.h"

struct system {
    struct report      *report;
    struct report      *listing_report;     /* on the listing's own file */
    struct listing      listing;
    bool                listed;             /* the saved machine is that of `listing` */
    struct tree        *tree;
    struct description *description;
    struct programs     programs;
    struct model       *model;
    struct plan_file    plan;
};

/* Loads, checks, lowers and emits; stops after the step that found something. False: it did, and
 * the report says what. Free it in any case. `hardware` is a listing of the machine (listing.h);
 * NULL: the one that the description names, if any. */
bool system_open(struct system *system, const char *file, const char *build, const char *hardware);
void system_print_report(const struct system *system, FILE *out);
void system_close(struct system *system);

#endif
