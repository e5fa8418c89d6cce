/* SPDX-License-Identifier: BSD-2-Clause */
/* A hardware listing from its YAML file. See listing.h. The file may hold anything: every number is
 * checked, and what isn't known stays zero. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "memory.h"
#include "values.h"

static void wrong(struct tree *tree, struct report *report, const char *path, const char *what) {
    report_add(report, tree_line(tree, "%s", path), "hardware", "'%s' %s", path, what);
    report_mend(report, "write the listing again with 'bulkhead probe'");
}

static const char *text_at(struct tree *tree, const char *path) {
    const yaml_node_t *node = tree_find(tree, path);
    bool text = node != NULL && node->type == YAML_SCALAR_NODE;
    return text ? (const char *)node->data.scalar.value : NULL;
}

static uint32_t count_at(struct tree *tree, const char *path) {
    const yaml_node_t *node = tree_find(tree, path);

    if (node == NULL || node->type != YAML_SEQUENCE_NODE) {
        return 0;
    }
    return (uint32_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

static bool number_at(struct tree *tree, const char *path, uint64_t *value) {
    const char *text = text_at(tree, path);
    char *end = NULL;

    if (text == NULL || !isdigit((unsigned char)text[0])) {
        return false;
    }
    *value = strtoull(text, &end, 0);
    return *end == 0;
}

static int digit(char c) {
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c)
        ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* One line "0f0: 12 34 .." of a dump into `bytes`; *end becomes the first byte behind it. */
static bool dump_line(const char *line, const char *stop, uint8_t *bytes, uint32_t most,
                      uint32_t *end) {
    char *rest = NULL;
    unsigned long at = strtoul(line, &rest, 16);

    if (rest == line || *rest != ':') {
        return false;
    }
    for (rest++; rest + 2 < stop && *rest == ' '; rest += 3) {
        int high = digit(rest[1]);
        int low = digit(rest[2]);
        if (high < 0 || low < 0 || at >= most) {
            return false;
        }
        bytes[at++] = (uint8_t)(high * 16 + low);
    }
    *end = at > *end ? (uint32_t)at : *end;
    return rest == stop;
}

/* Lines that are left out are zero. */
static bool dump_at(struct tree *tree, const char *path, uint8_t *bytes, uint32_t most,
                    uint32_t *end) {
    const char *text = text_at(tree, path);

    *end = 0;
    while (text != NULL && *text != 0) {
        const char *stop = text + strcspn(text, "\n");
        if (!dump_line(text, stop, bytes, most, end)) {
            return false;
        }
        text = stop + (*stop == '\n');
    }
    return text != NULL;
}

static bool read_sizes(struct listing_function *f, struct tree *tree, const char *path) {
    uint32_t count = count_at(tree, path);

    for (uint32_t i = 0; i < count && i < LISTING_SIZES; i++) {
        char *item = memory_format("%s[%u]", path, i);
        bool good = number_at(tree, item, &f->size[i]) && (f->size[i] & (f->size[i] - 1)) == 0;
        free(item);
        if (!good) {
            return false;
        }
    }
    return count <= LISTING_SIZES;
}

static bool read_members(struct listing *l, struct tree *tree, const char *of[]) {
    const char *address = text_at(tree, of[0]);
    uint64_t line = 0;
    uint64_t known = 0;
    uint32_t requester = 0;
    uint32_t end = 0;

    if (address == NULL || !value_pci(address, &requester) || listing_find(l, requester) != NULL) {
        return false;
    }
    struct listing_function *f = listing_add(l, requester);
    bool good = read_sizes(f, tree, of[1]) && number_at(tree, of[2], &line) && line < 65536
             && dump_at(tree, of[3], f->config, PCI_CONFIG_SIZE, &end)
             && number_at(tree, of[4], &known) && known <= PCI_CONFIG_SIZE;
    f->line = (uint32_t)line;
    f->known = (uint32_t)known;
    return good;
}

static bool read_function(struct listing *l, struct tree *tree, uint32_t number) {
    static const char *const names[] = { "address", "sizes", "line", "config", "known" };
    char *path[5];

    for (unsigned i = 0; i < 5; i++) {
        path[i] = memory_format("functions[%u].%s", number, names[i]);
    }
    bool good = read_members(l, tree, (const char **)path);
    for (unsigned i = 0; i < 5; i++) {
        free(path[i]);
    }
    return good;
}

static bool read_table(struct listing *l, struct tree *tree, const char *name) {
    char *path = memory_format("tables.%s", name);
    bool good = true;

    if (tree_find(tree, path) != NULL) {
        struct listing_table *t = &l->table[l->tables++];
        memcpy(t->name, name, sizeof(t->name));
        t->bytes = memory_zeroed(LISTING_TABLE_BYTES, 1);
        good = dump_at(tree, path, t->bytes, LISTING_TABLE_BYTES, &t->size);
    }
    free(path);
    return good;
}

static bool read_ram(struct listing *l, struct tree *tree, uint32_t number) {
    char *first_path = memory_format("ram[%u][0]", number);
    char *last_path = memory_format("ram[%u][1]", number);
    uint64_t first = 0;
    uint64_t last = 0;
    bool good = number_at(tree, first_path, &first) && number_at(tree, last_path, &last)
             && first <= last;

    if (good) {
        listing_add_ram(l, first, last);
    }
    free(first_path);
    free(last_path);
    return good;
}

static bool read_functions(struct listing *l, struct tree *tree, struct report *report) {
    uint32_t count = count_at(tree, "functions");

    if (count == 0 || count > PCI_MAX_FUNCTIONS) {
        wrong(tree, report, "functions", "lists no function, or more than the kernel has room for");
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_function(l, tree, i)) {
            char *path = memory_format("functions[%u]", i);
            wrong(tree, report, path, "isn't what 'bulkhead probe' writes, or there twice");
            free(path);
            return false;
        }
    }
    return true;
}

bool listing_read(struct listing *l, struct tree *tree, struct report *report) {
    memset(l, 0, sizeof(*l));
    for (uint32_t i = 0; i < LISTING_TABLES; i++) {
        if (!read_table(l, tree, listing_table_names[i])) {
            wrong(tree, report, "tables", "isn't what 'bulkhead probe' writes");
            return false;
        }
    }
    for (uint32_t i = 0; i < count_at(tree, "ram"); i++) {
        if (!read_ram(l, tree, i)) {
            wrong(tree, report, "ram", "isn't a list of first and last addresses");
            return false;
        }
    }
    return read_functions(l, tree, report);
}
