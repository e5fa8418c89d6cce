/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a listing still says what follows from it: whoever reads it, and whoever checks with it,
 * must see the same machine. See listing.h. The file may hold anything. */
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "listing.h"
#include "memory.h"

static bool is_raw(const char *key) {
    static const char *const raw[] = { "address", "sizes", "line", "known", "config" };

    for (unsigned i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
        if (strcmp(key, raw[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_fact(const struct facts *facts, const char *key, const char *text) {
    for (uint32_t i = 0; i < facts->count; i++) {
        if (strcmp(facts->fact[i].key, key) == 0 && strcmp(facts->fact[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static void differs(struct report *report, unsigned line, const char *what) {
    report_add(report, line, "hardware", "'%s' isn't what follows from the rest", what);
    report_mend(report, "write the listing again with 'bulkhead probe': it was edited, or is of "
                "another version");
}

static uint32_t count_known(struct tree *tree, yaml_node_t *node, const struct facts *facts,
                            struct report *report) {
    uint32_t known = 0;

    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(&tree->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(&tree->document, pair->value);
        const char *name = key->type == YAML_SCALAR_NODE ? (char *)key->data.scalar.value : "?";
        bool text = value->type == YAML_SCALAR_NODE;
        if (!is_raw(name) && !(text && is_fact(facts, name, (char *)value->data.scalar.value))) {
            differs(report, tree_node_line(key), name);
        } else if (!is_raw(name)) {
            known++;
        }
    }
    return known;
}

bool listing_verify(const struct listing *l, struct tree *tree, struct report *report) {
    struct facts facts;

    for (uint32_t i = 0; i < l->functions; i++) {
        char *path = memory_format("functions[%u]", i);
        yaml_node_t *node = tree_find(tree, path);
        uint32_t index = pci_find(l->function[i].requester_id);
        if (index != BH_NONE && node != NULL && node->type == YAML_MAPPING_NODE) {
            facts_find(l, index, &facts);
            if (count_known(tree, node, &facts, report) != facts.count) {
                differs(report, tree_node_line(node), path);
            }
        }
        free(path);
    }
    return report_is_clean(report);
}
