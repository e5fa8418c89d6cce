/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shape check: walks a YAML tree along the schema library's own tables, so that every unknown,
 * missing or wrongly typed field is reported in one run. The schema bounds the depth of the walk;
 * the tree may be anything. See shape.h.
 */
#include "shape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TOP "description"

struct walk {
    struct tree *tree;
    struct report *report;
    const char *owner;          /* the nearest object with a name, for messages */
};

static void check_value(const struct walk *walk, const yaml_node_t *node,
                        const cyaml_schema_value_t *schema, const char *field, unsigned line);

static yaml_node_t *node_at(const struct walk *walk, int index) {
    return yaml_document_get_node(&walk->tree->document, index);
}

static const char *scalar_text(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static const cyaml_schema_field_t *field_named(const cyaml_schema_field_t *fields,
                                               const char *key) {
    for (; fields->key != NULL; fields++) {
        if (key != NULL && strcmp(fields->key, key) == 0) {
            return fields;
        }
    }
    return NULL;
}

/* How many letters two words differ by in a simple count, to suggest the word that was meant. */
static unsigned difference(const char *a, const char *b) {
    unsigned different = 0;

    for (; *a != 0 && *b != 0; a++, b++) {
        if (*a != *b && a[1] == *b) {
            a++;
            different++;
        } else if (*a != *b && *a == b[1]) {
            b++;
            different++;
        } else {
            different += *a != *b;
        }
        if (*a == 0 || *b == 0) {
            break;
        }
    }
    return different + (unsigned)(strlen(a) + strlen(b) > 0 && (*a == 0) != (*b == 0));
}

static void report_unknown(const struct walk *walk, const yaml_node_t *key,
                           const cyaml_schema_field_t *fields) {
    const char *text = scalar_text(key);
    const cyaml_schema_field_t *nearest = NULL;
    unsigned best = 3;

    for (const cyaml_schema_field_t *f = fields; text != NULL && f->key != NULL; f++) {
        unsigned d = difference(text, f->key);
        if (d < best) {
            best = d;
            nearest = f;
        }
    }
    report_add(walk->report, tree_node_line(key), walk->owner, "unknown field '%s'",
               text != NULL ? text : "(not a word)");
    if (nearest != NULL) {
        report_mend(walk->report, "did you mean '%s'?", nearest->key);
    } else {
        report_mend(walk->report, "remove it; docs/description.md lists the fields");
    }
}

static bool key_is_repeated(const struct walk *walk, const yaml_node_t *node,
                            const yaml_node_pair_t *pair) {
    const char *text = scalar_text(node_at(walk, pair->key));

    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; text != NULL && p < pair; p++) {
        const char *other = scalar_text(node_at(walk, p->key));
        if (other != NULL && strcmp(text, other) == 0) {
            return true;
        }
    }
    return false;
}

static void check_pairs(const struct walk *walk, const yaml_node_t *node,
                        const cyaml_schema_field_t *fields) {
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(walk, pair->key);
        const cyaml_schema_field_t *field = field_named(fields, scalar_text(key));
        if (field == NULL) {
            report_unknown(walk, key, fields);
        } else if (key_is_repeated(walk, node, pair)) {
            report_add(walk->report, tree_node_line(key), walk->owner, "'%s' is given twice",
                       field->key);
            report_mend(walk->report, "keep one of them");
        } else {
            check_value(walk, node_at(walk, pair->value), &field->value, field->key,
                        tree_node_line(key));
        }
    }
}

static const yaml_node_t *value_for(const struct walk *walk, const yaml_node_t *node,
                                    const char *key) {
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *text = scalar_text(node_at(walk, pair->key));
        if (text != NULL && strcmp(text, key) == 0) {
            return node_at(walk, pair->value);
        }
    }
    return NULL;
}

static void check_missing(const struct walk *walk, const yaml_node_t *node,
                          const cyaml_schema_field_t *fields, unsigned line) {
    for (; fields->key != NULL; fields++) {
        bool optional = (fields->value.flags & CYAML_FLAG_OPTIONAL) != 0;
        if (!optional && value_for(walk, node, fields->key) == NULL) {
            report_add(walk->report, line, walk->owner, "'%s' is missing", fields->key);
            report_mend(walk->report, "add '%s: ...'", fields->key);
        }
    }
}

/* An object is called by its name, a section without one by its field. */
static void check_mapping(const struct walk *walk, const yaml_node_t *node,
                          const cyaml_schema_value_t *schema, const char *field, unsigned line) {
    struct walk inner = *walk;
    const yaml_node_t *name = value_for(walk, node, "name");

    if (strcmp(walk->owner, TOP) == 0) {
        inner.owner = field;
    }
    if (name != NULL && scalar_text(name) != NULL && scalar_text(name)[0] != 0) {
        inner.owner = scalar_text(name);
    }
    check_missing(&inner, node, schema->mapping.fields, line);
    check_pairs(&inner, node, schema->mapping.fields);
}

static void check_sequence(const struct walk *walk, const yaml_node_t *node,
                           const cyaml_schema_value_t *schema, const char *field, unsigned line) {
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

    if (count > schema->sequence.max) {
        report_add(walk->report, line, walk->owner, "'%s' has %zu entries", field, count);
        report_mend(walk->report, "give at most %u", schema->sequence.max);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = node_at(walk, node->data.sequence.items.start[i]);
        check_value(walk, item, schema->sequence.entry, field, tree_node_line(item));
    }
}

static bool is_number(const char *text, uint64_t most) {
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    unsigned long long value = strtoull(text, &end, 0);
    return *end == 0 && value <= most;
}

static bool is_truth(const char *text) {
    return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "yes") == 0
        || strcmp(text, "no") == 0;
}

static void wrong(const struct walk *walk, unsigned line, const char *field, const char *text,
                  const char *wanted) {
    report_add(walk->report, line, walk->owner, "'%s' is '%s'", field, text);
    report_mend(walk->report, "give %s", wanted);
}

static void check_enum(const struct walk *walk, const char *text,
                       const cyaml_schema_value_t *schema, const char *field, unsigned line) {
    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        if (strcmp(text, schema->enumeration.strings[i].str) == 0) {
            return;
        }
    }
    report_add(walk->report, line, walk->owner, "'%s' is '%s'", field, text);
    report_mend(walk->report, "give '%s' or another of the names in docs/description.md",
                schema->enumeration.strings[schema->enumeration.count - 1].str);
}

static void check_scalar(const struct walk *walk, const char *text,
                         const cyaml_schema_value_t *schema, const char *field, unsigned line) {
    switch (schema->type) {
    case CYAML_UINT:
        if (!is_number(text, UINT32_MAX)) {
            wrong(walk, line, field, text, "a number");
        }
        break;
    case CYAML_BOOL:
        if (!is_truth(text)) {
            wrong(walk, line, field, text, "true or false");
        }
        break;
    case CYAML_ENUM:
        check_enum(walk, text, schema, field, line);
        break;
    default:
        if (strlen(text) > schema->string.max) {
            wrong(walk, line, field, "a very long text", "a shorter one");
        }
        break;
    }
}

static void check_value(const struct walk *walk, const yaml_node_t *node,
                        const cyaml_schema_value_t *schema, const char *field, unsigned line) {
    static const yaml_node_type_t wanted[] = {
        [CYAML_MAPPING] = YAML_MAPPING_NODE, [CYAML_SEQUENCE] = YAML_SEQUENCE_NODE,
    };
    bool plain = schema->type != CYAML_MAPPING && schema->type != CYAML_SEQUENCE;
    yaml_node_type_t type = plain ? YAML_SCALAR_NODE : wanted[schema->type];

    if (node->type != type) {
        report_add(walk->report, line, walk->owner, "'%s' is of another kind", field);
        report_mend(walk->report, "give %s", plain ? "one value"
                    : type == YAML_MAPPING_NODE ? "fields as 'name: value'" : "a list");
        return;
    }
    if (schema->type == CYAML_MAPPING) {
        check_mapping(walk, node, schema, field, line);
    } else if (schema->type == CYAML_SEQUENCE) {
        check_sequence(walk, node, schema, field, line);
    } else {
        check_scalar(walk, scalar_text(node), schema, field, line);
    }
}

bool shape_check(struct tree *tree, const cyaml_schema_value_t *schema, struct report *report) {
    struct walk walk = { tree, report, TOP };

    check_value(&walk, yaml_document_get_root_node(&tree->document), schema, TOP, 1);
    return report_is_clean(report);
}
