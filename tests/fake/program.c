/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's surroundings in a host test (tests/fake/program.h). */
#include "tests/fake/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/manifest/manifest.h"
#include "lib/start/start.h"

enum { ENTRIES = 32 };

static struct bh_manifest *fake;

void fake_manifest_start(void) {
    free(fake);
    fake = calloc(1, sizeof(*fake) + ENTRIES * sizeof(struct bh_manifest_entry));
    fake->magic = BH_MANIFEST_MAGIC;
    fake->version = BH_MANIFEST_VERSION;
    fake->entry_size = sizeof(struct bh_manifest_entry);
    strcpy(fake->system, "test");
    manifest_start(fake);
}

struct bh_manifest_entry *fake_manifest_add(enum bh_manifest_kind kind, const char *name) {
    struct bh_manifest_entry *entry = &fake->entry[fake->count++];

    if (fake->count > ENTRIES)
        abort();
    entry->kind = kind;
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    return entry;
}

_Noreturn void program_stop(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    abort();
}
