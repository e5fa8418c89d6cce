/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a YAML tree has the shape that a schema wants: all departures at once, with lines. */
#ifndef TOOLS_BULKHEAD_SHAPE_H
#define TOOLS_BULKHEAD_SHAPE_H

#include <cyaml/cyaml.h>

#include "tree.h"

bool shape_check(struct tree *tree, const cyaml_schema_value_t *schema, struct report *report);

#endif
