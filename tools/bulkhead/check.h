/* SPDX-License-Identifier: BSD-2-Clause */
/* What a description must observe before it can be lowered: names, references, values, hardware. */
#ifndef TOOLS_BULKHEAD_CHECK_H
#define TOOLS_BULKHEAD_CHECK_H

#include "listing.h"
#include "model.h"
#include "programs.h"

/* Reports everything wrong; false: there was something. Programs and images are looked for in
 * `build`, images also in `folder`. `listing` is that of the saved machine, or NULL. */
bool check_description(const struct description *description, struct tree *tree,
                       const struct programs *programs, const char *build, const char *folder,
                       const struct listing *listing, struct report *report);

/* Does nothing lie where a guest's doorbell does? Else its kicks would never reach the VMM. */
bool check_bells(struct model *model);

/* Does the system fit into the machine's memory? */
bool check_memory(struct model *model, uint64_t plan_size);

#endif
