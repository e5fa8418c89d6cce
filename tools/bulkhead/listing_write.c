/* SPDX-License-Identifier: BSD-2-Clause */
/* A hardware listing as a YAML file. See listing.h. Trusts the probe. */
#include "listing.h"

#include "facts.h"

static void write_dump(const uint8_t *bytes, uint32_t size, const char *indent, FILE *out) {
    for (uint32_t at = 0; at < size; at += 16) {
        uint32_t end = at + 16 < size ? at + 16 : size;
        bool empty = true;
        for (uint32_t i = at; i < end; i++) {
            empty = empty && bytes[i] == 0;
        }
        if (empty && end < size) {
            continue;
        }
        fprintf(out, "%s%03x:", indent, at);
        for (uint32_t i = at; i < end; i++) {
            fprintf(out, " %02x", bytes[i]);
        }
        fputs("\n", out);
    }
}

static void write_sizes(const struct listing_function *f, FILE *out) {
    fputs("    sizes: [", out);
    for (uint32_t i = 0; i < LISTING_SIZES; i++) {
        fprintf(out, "%s0x%llx", i > 0 ? ", " : "", (unsigned long long)f->size[i]);
    }
    fputs("]\n", out);
}

static void write_function(const struct listing *l, uint32_t index, FILE *out) {
    const struct listing_function *f = listing_find(l, pci_function(index)->requester_id);
    struct facts facts;
    char address[8];

    facts_find(l, index, &facts);
    fprintf(out, "  - address: \"%s\"\n", facts_address(f->requester_id, address));
    for (uint32_t i = 0; i < facts.count; i++) {
        fprintf(out, "    %s: \"%s\"\n", facts.fact[i].key, facts.fact[i].text);
    }
    write_sizes(f, out);
    fprintf(out, "    line: %u\n    known: %u\n    config: |\n", f->line, f->known);
    write_dump(f->config, f->known, "      ", out);
}

void listing_write(const struct listing *l, FILE *out) {
    fputs("# What 'bulkhead probe' found on a machine, for 'bulkhead check --hardware'. Sizes, "
          "lines,\n# tables, RAM and configuration spaces are as found; the rest follows from "
          "them.\n", out);
    fputs(l->tables > 0 ? "tables:\n" : "tables: {}\n", out);
    for (uint32_t i = 0; i < l->tables; i++) {
        fprintf(out, "  %s: |\n", l->table[i].name);
        write_dump(l->table[i].bytes, l->table[i].size, "    ", out);
    }
    fputs(l->rams > 0 ? "ram:\n" : "ram: []\n", out);
    for (uint32_t i = 0; i < l->rams; i++) {
        fprintf(out, "  - [0x%llx, 0x%llx]\n", (unsigned long long)l->ram[i].first,
                (unsigned long long)l->ram[i].last);
    }
    fputs("functions:\n", out);
    for (uint32_t i = 0; i < pci_count(); i++) {
        write_function(l, i, out);
    }
}
