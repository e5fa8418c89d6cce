/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups in the manifest (lib/manifest/manifest.h). Reads the manifest only, and trusts it. */
#include "lib/manifest/manifest.h"

#include "lib/c/format.h"
#include "lib/c/string.h"
#include "lib/start/start.h"

static const struct bh_manifest *own;

static const char *const kind_names[] = {
    [BH_ENTRY_SETTING] = "setting",       [BH_ENTRY_REGION] = "region",
    [BH_ENTRY_CHANNEL] = "channel",       [BH_ENTRY_EVENT] = "event",
    [BH_ENTRY_INTERRUPT] = "interrupt",   [BH_ENTRY_DEVICE] = "device",
    [BH_ENTRY_PORTS] = "ports",           [BH_ENTRY_VCPU] = "vcpu",
    [BH_ENTRY_DOORBELL] = "doorbell",     [BH_ENTRY_PLACE] = "place",
    [BH_ENTRY_COMPARTMENT] = "compartment", [BH_ENTRY_MODE] = "mode",
    [BH_ENTRY_MACHINE] = "machine",       [BH_ENTRY_COUNTERS] = "counters",
    [BH_ENTRY_LINK] = "link",             [BH_ENTRY_THREAD] = "thread",
};

void manifest_start(const struct bh_manifest *given) {
    own = given;
    if (given->magic != BH_MANIFEST_MAGIC || given->version != BH_MANIFEST_VERSION ||
        given->entry_size != sizeof(struct bh_manifest_entry))
        program_stop("manifest of another version: build the system and its programs together");
}

const struct bh_manifest *manifest(void) {
    return own;
}

const struct bh_manifest_entry *manifest_find(enum bh_manifest_kind kind, const char *name) {
    for (uint32_t i = 0; i < own->count; i++) {
        const struct bh_manifest_entry *entry = &own->entry[i];

        if (entry->kind == kind && strncmp(entry->name, name, BH_NAME_SIZE) == 0)
            return entry;
    }
    return NULL;
}

const struct bh_manifest_entry *manifest_need(enum bh_manifest_kind kind, const char *name) {
    const struct bh_manifest_entry *entry = manifest_find(kind, name);

    if (entry == NULL)
        program_stop("manifest: no %s \"%s\": add it to this compartment's description",
                     kind_names[kind], name);
    return entry;
}

const struct bh_manifest_entry *manifest_find_numbered(enum bh_manifest_kind kind,
                                                       const char *prefix, unsigned number,
                                                       const char *suffix) {
    char name[BH_NAME_SIZE];

    format_text(name, sizeof(name), "%s%u%s", prefix, number, suffix);
    return manifest_find(kind, name);
}

unsigned manifest_count(enum bh_manifest_kind kind, const char *prefix, unsigned most) {
    unsigned count = 0;

    while (count < most && manifest_find_numbered(kind, prefix, count, "") != NULL)
        count++;
    return count;
}

const char *manifest_setting(const char *name, const char *otherwise) {
    const struct bh_manifest_entry *entry = manifest_find(BH_ENTRY_SETTING, name);

    return entry == NULL ? otherwise : entry->value;
}

uint64_t manifest_number(const char *name, uint64_t otherwise) {
    const char *text = manifest_setting(name, NULL);
    uint64_t value = otherwise;

    if (text != NULL && !parse_number(text, &value))
        program_stop("setting \"%s\": \"%s\" is not a number", name, text);
    return value;
}

void *manifest_address(const struct bh_manifest_entry *entry) {
    return (void *)(uintptr_t)entry->address;
}
