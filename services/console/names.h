/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan as the monitor reads it, for names and for what there is. The plan is trusted (the
 * kernel checked it); an index out of range still answers "?".
 */
#ifndef BULKHEAD_SERVICES_CONSOLE_NAMES_H
#define BULKHEAD_SERVICES_CONSOLE_NAMES_H

#include "abi/plan.h"

/* NULL: no plan is mapped; every table is empty then. */
void names_set_plan(const struct bh_plan_header *plan);

uint32_t names_count(enum bh_table table);
const char *names_of(enum bh_table table, uint32_t index);

/* The table's entry, or NULL. */
const void *names_entry(enum bh_table table, uint32_t index);

/* The entry of that name in a table whose entries begin with a name, or BH_NONE. */
uint32_t names_find(enum bh_table table, const char *name);

#endif
