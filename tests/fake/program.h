/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's surroundings in a host test: a manifest that the test fills, and an end that aborts. */
#ifndef BULKHEAD_TESTS_FAKE_PROGRAM_H
#define BULKHEAD_TESTS_FAKE_PROGRAM_H

#include "abi/manifest.h"

/* An empty manifest, in force from now on. */
void fake_manifest_start(void);

/* One more entry; fill in the rest. */
struct bh_manifest_entry *fake_manifest_add(enum bh_manifest_kind kind, const char *name);

#endif
