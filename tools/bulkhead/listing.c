/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hardware listing holds, in memory. See listing.h. */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

const char *const listing_table_names[LISTING_TABLES] = { "MCFG", "DMAR", "IVRS" };

struct listing_function *listing_add(struct listing *l, uint32_t requester_id) {
    l->function = memory_grown(l->function, l->functions + 1, sizeof(*l->function));
    struct listing_function *f = &l->function[l->functions++];
    memset(f, 0, sizeof(*f));
    f->requester_id = requester_id;
    return f;
}

struct listing_function *listing_find(const struct listing *l, uint32_t requester_id) {
    for (uint32_t i = 0; i < l->functions; i++) {
        if (l->function[i].requester_id == requester_id) {
            return &l->function[i];
        }
    }
    return NULL;
}

const struct listing_table *listing_table(const struct listing *l, const char *name) {
    for (uint32_t i = 0; i < l->tables; i++) {
        if (strcmp(l->table[i].name, name) == 0) {
            return &l->table[i];
        }
    }
    return NULL;
}

void listing_add_ram(struct listing *l, uint64_t first, uint64_t last) {
    l->ram = memory_grown(l->ram, l->rams + 1, sizeof(*l->ram));
    l->ram[l->rams++] = (struct listing_ram){ first, last };
}

void listing_free(struct listing *l) {
    for (uint32_t i = 0; i < l->tables; i++) {
        free(l->table[i].bytes);
    }
    free(l->function);
    free(l->ram);
    memset(l, 0, sizeof(*l));
}
