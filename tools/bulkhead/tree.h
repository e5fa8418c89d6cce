/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The YAML file as a tree of nodes that know their lines: the schema library forgets them. A node
 * is named by its path, as "compartments[2].budget".
 */
#ifndef TOOLS_BULKHEAD_TREE_H
#define TOOLS_BULKHEAD_TREE_H

#include <yaml.h>

#include "report.h"

#define TREE_BYTES_MAX (1u << 20)

struct tree {
    yaml_document_t document;
    unsigned char *bytes;       /* of the file */
    size_t size;
};

/* Reads the file; reports what keeps it from being YAML and answers NULL. */
struct tree *tree_read(const char *file, struct report *report);
struct tree *tree_parse(const void *bytes, size_t size, struct report *report);
void tree_free(struct tree *tree);

/* The node at a path, or NULL. An item of a sequence or a key that isn't there: NULL. */
yaml_node_t *tree_find(struct tree *tree, const char *path);

/* The line (from 1) of the node at the path, or of the nearest node above that exists. For a value
 * in a mapping it is the line of its key. */
unsigned tree_line(struct tree *tree, const char *path, ...)
    __attribute__((format(printf, 2, 3)));

static inline unsigned tree_node_line(const yaml_node_t *node) {
    return (unsigned)node->start_mark.line + 1;
}

#endif
