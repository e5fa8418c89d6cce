/* SPDX-License-Identifier: BSD-2-Clause */
/* The YAML file as a tree with lines. See tree.h. The file may hold any bytes. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct tree *tree_parse(const void *bytes, size_t size, struct report *report) {
    struct tree *tree = memory_zeroed(1, sizeof(*tree));
    yaml_parser_t parser;

    tree->bytes = memory_zeroed(size + 1, 1);
    memcpy(tree->bytes, bytes, size);
    tree->size = size;
    if (!yaml_parser_initialize(&parser)) {
        abort();
    }
    yaml_parser_set_input_string(&parser, tree->bytes, size);
    bool loaded = yaml_parser_load(&parser, &tree->document);
    if (!loaded) {
        report_add(report, (unsigned)parser.problem_mark.line + 1, "description", "not YAML: %s",
                   parser.problem != NULL ? parser.problem : "unreadable");
        report_mend(report, "correct the syntax, mind the indentation");
    } else if (yaml_document_get_root_node(&tree->document) == NULL) {
        report_add(report, 1, "description", "the file is empty");
        report_mend(report, "describe a system, see docs/description.md");
        yaml_document_delete(&tree->document);
        loaded = false;
    }
    yaml_parser_delete(&parser);
    if (!loaded) {
        free(tree->bytes);
        free(tree);
        return NULL;
    }
    return tree;
}

struct tree *tree_read(const char *file, struct report *report) {
    FILE *in = fopen(file, "rb");

    if (in == NULL) {
        report_add(report, 0, "description", "can't be read: %s", strerror(errno));
        report_mend(report, "name an existing file");
        return NULL;
    }
    char *bytes = memory_zeroed(TREE_BYTES_MAX + 1, 1);
    size_t size = fread(bytes, 1, TREE_BYTES_MAX + 1, in);
    fclose(in);
    struct tree *tree = NULL;
    if (size > TREE_BYTES_MAX) {
        report_add(report, 1, "description", "longer than %u bytes", TREE_BYTES_MAX);
        report_mend(report, "describe less");
    } else {
        tree = tree_parse(bytes, size, report);
    }
    free(bytes);
    return tree;
}

void tree_free(struct tree *tree) {
    if (tree != NULL) {
        yaml_document_delete(&tree->document);
        free(tree->bytes);
        free(tree);
    }
}

static yaml_node_t *node_at(struct tree *tree, int index) {
    return yaml_document_get_node(&tree->document, index);
}

/* The value of a key; *line becomes the key's line when there is such a key. */
static yaml_node_t *value_of(struct tree *tree, yaml_node_t *node, const char *key, size_t length,
                             unsigned *line) {
    if (node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = node_at(tree, pair->key);
        if (name->type == YAML_SCALAR_NODE && name->data.scalar.length == length
            && memcmp(name->data.scalar.value, key, length) == 0) {
            *line = tree_node_line(name);
            return node_at(tree, pair->value);
        }
    }
    return NULL;
}

static yaml_node_t *item_of(struct tree *tree, yaml_node_t *node, unsigned long index,
                            unsigned *line) {
    if (node->type != YAML_SEQUENCE_NODE
        || index >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start)) {
        return NULL;
    }
    yaml_node_t *item = node_at(tree, node->data.sequence.items.start[index]);
    *line = tree_node_line(item);
    return item;
}

/* Walks as far as the path leads; *line is the line of the last node reached. */
static yaml_node_t *walk(struct tree *tree, const char *path, unsigned *line) {
    yaml_node_t *node = yaml_document_get_root_node(&tree->document);

    *line = tree_node_line(node);
    while (node != NULL && *path != 0) {
        if (*path == '[') {
            char *end = NULL;
            node = item_of(tree, node, strtoul(path + 1, &end, 10), line);
            path = *end == ']' ? end + 1 : end;
        } else {
            path += *path == '.';
            size_t length = strcspn(path, ".[");
            node = value_of(tree, node, path, length, line);
            path += length;
        }
    }
    return node;
}

yaml_node_t *tree_find(struct tree *tree, const char *path) {
    unsigned line = 0;

    return walk(tree, path, &line);
}

unsigned tree_line(struct tree *tree, const char *path, ...) {
    va_list arguments;
    unsigned line = 0;

    va_start(arguments, path);
    char *whole = memory_format_list(path, arguments);
    va_end(arguments);
    walk(tree, whole, &line);
    free(whole);
    return line;
}
