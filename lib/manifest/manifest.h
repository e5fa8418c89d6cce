/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look-ups in what the host tool told this program about its compartment (abi/manifest.h). The
 * manifest is trusted: it comes from the plan and is mapped read-only.
 */
#ifndef BULKHEAD_LIB_MANIFEST_H
#define BULKHEAD_LIB_MANIFEST_H

#include <stdbool.h>

#include "abi/manifest.h"

/* Checks magic and version; stops the program if they are not this library's. Called at start. */
void manifest_start(const struct bh_manifest *manifest);

const struct bh_manifest *manifest(void);

/* The entry of that kind and name; NULL: there is none. */
const struct bh_manifest_entry *manifest_find(enum bh_manifest_kind kind, const char *name);

/* The same; a missing one stops the program with a line that says kind and name. */
const struct bh_manifest_entry *manifest_need(enum bh_manifest_kind kind, const char *name);

/* "prefix" followed by `number` and `suffix`: manifest_find_numbered(LINK, "port", 3, ""). */
const struct bh_manifest_entry *manifest_find_numbered(enum bh_manifest_kind kind,
                                                       const char *prefix, unsigned number,
                                                       const char *suffix);

/* How many of prefix0, prefix1, ... there are, without a gap, at most `most`. */
unsigned manifest_count(enum bh_manifest_kind kind, const char *prefix, unsigned most);

/* A setting's text, or `otherwise`. */
const char *manifest_setting(const char *name, const char *otherwise);

/* A setting's number, or `otherwise`; text that is no number stops the program. */
uint64_t manifest_number(const char *name, uint64_t otherwise);

/* Where a region entry is mapped in this process. */
void *manifest_address(const struct bh_manifest_entry *entry);

#endif
