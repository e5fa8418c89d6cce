/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups in the plan (services/console/names.h). Reads the plan's tables only. */
#include "services/console/names.h"

#include <stddef.h>

#include "lib/c/string.h"

static const struct bh_plan_header *plan;

void names_set_plan(const struct bh_plan_header *given) {
    plan = given;
}

uint32_t names_count(enum bh_table table) {
    return plan == NULL ? 0 : plan->table[table].count;
}

const void *names_entry(enum bh_table table, uint32_t index) {
    if (index >= names_count(table))
        return NULL;
    return (const uint8_t *)plan + plan->table[table].offset +
           (uint64_t)index * plan->table[table].entry_size;
}

const char *names_of(enum bh_table table, uint32_t index) {
    const char *name = names_entry(table, index);

    return name == NULL ? "?" : name;
}

uint32_t names_find(enum bh_table table, const char *name) {
    for (uint32_t i = 0; i < names_count(table); i++) {
        if (strncmp(names_of(table, i), name, BH_NAME_SIZE) == 0)
            return i;
    }
    return BH_NONE;
}
