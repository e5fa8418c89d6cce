/* SPDX-License-Identifier: BSD-2-Clause */
/* The finished plan: order of tables, place of content, manifests, checksum, and the kernel's own
 * check of the result. */
#ifndef TOOLS_BULKHEAD_EMIT_H
#define TOOLS_BULKHEAD_EMIT_H

#include "core/plan_check.h"

#include "model.h"

struct plan_file {
    uint8_t *bytes;             /* page-aligned */
    uint64_t size;
    struct plan_view view;      /* valid once the check passed */
};

/* Makes the plan of the model; reports what the kernel's check finds. False: it found something. */
bool emit_plan(struct model *m, struct plan_file *plan);
void emit_free(struct plan_file *plan);

#endif
