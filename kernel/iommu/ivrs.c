/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the IVRS table (AMD 48882, 3.07, section 5.2). Reads the table, changes nothing. Every
 * length is compared with what holds it before anything is read.
 */
#include "iommu/scope.h"

#include "core/string.h"

/* Offsets in the table (5.2.1), a block (5.2.2), a definition of units (IVHD) and of memory (IVMD,
 * 5.2.3). The same unit may be told of in blocks of several types: the highest type counts. */
enum { TABLE_FIRST = 48 };
enum { BLOCK_TYPE = 0, BLOCK_LENGTH = 2, BLOCK_ID = 4, BLOCK_LAST_ID = 6, BLOCK_HEAD = 8 };
enum { UNIT_OLD = 0x10, UNIT_WIDE = 0x11, UNIT_NAMES = 0x40 };
enum { MEMORY_ALL = 0x20, MEMORY_ONE = 0x21, MEMORY_RANGE = 0x22 };
enum { UNIT_REGISTERS = 8, UNIT_SEGMENT = 16, UNIT_OLD_ENTRIES = 24, UNIT_ENTRIES = 40 };

/* Device entries of a unit (5.2.2.5). The type's two high bits tell the length, but for names. */
enum entry_type {
    ENTRY_ALL = 1, ENTRY_SELECT = 2, ENTRY_RANGE = 3, ENTRY_RANGE_END = 4, ENTRY_ALIAS = 0x42,
    ENTRY_ALIAS_RANGE = 0x43, ENTRY_WIDE_SELECT = 0x46, ENTRY_WIDE_RANGE = 0x47,
    ENTRY_SPECIAL = 0x48, ENTRY_NAME = 0xf0,
};
enum { ENTRY_ID = 1, ENTRY_HANDLE = 4, ENTRY_OTHER_ID = 5, ENTRY_VARIETY = 7, VARIETY_IOAPIC = 1 };
enum { ENTRY_HEAD = 4, NAME_LENGTH = 21, NAME_HEAD = 22, ANY = 0xffff };

static uint32_t read16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

/* 0: it is longer than what is left. */
static uint32_t entry_size(const uint8_t *entry, uint32_t left) {
    uint32_t size = left < ENTRY_HEAD ? 0 : 4u << entry[0] / 64;
    if (size != 0 && entry[0] == ENTRY_NAME)
        size = left < NAME_HEAD ? 0 : NAME_HEAD + entry[NAME_LENGTH];
    return size > left ? 0 : size;
}

/* Whom an entry names; false: nobody. */
static bool read_entry(const uint8_t *entry, const struct scope *range, struct scope *scope) {
    uint32_t id = read16(entry + ENTRY_ID);
    *scope = (struct scope){ SCOPE_COVERED, id, id, BH_NONE, 0 };
    switch (entry[0]) {
    case ENTRY_ALL:
        *scope = (struct scope){ SCOPE_COVERED, 0, ANY, BH_NONE, 0 };
        return true;
    case ENTRY_ALIAS:
    case ENTRY_ALIAS_RANGE:
        scope->alias = read16(entry + ENTRY_OTHER_ID);
        return true;
    case ENTRY_RANGE_END:
        *scope = (struct scope){ SCOPE_COVERED, range->first, id, range->alias, 0 };
        return true;
    case ENTRY_SPECIAL:
        id = read16(entry + ENTRY_OTHER_ID);
        *scope = (struct scope){ SCOPE_IOAPIC, id, id, BH_NONE, entry[ENTRY_HANDLE] };
        return entry[ENTRY_VARIETY] == VARIETY_IOAPIC;
    default:
        return entry[0] == ENTRY_SELECT || entry[0] == ENTRY_WIDE_SELECT ||
               entry[0] == ENTRY_RANGE || entry[0] == ENTRY_WIDE_RANGE;
    }
}

/* `range` keeps the beginning of a range until its end comes. */
static bool add_entry(struct scopes *scopes, const uint8_t *entry, struct scope *range) {
    struct scope scope;
    if (!read_entry(entry, range, &scope))
        return true;
    bool begins = entry[0] == ENTRY_RANGE || entry[0] == ENTRY_WIDE_RANGE ||
                  entry[0] == ENTRY_ALIAS_RANGE;
    if (begins)
        *range = scope;
    /* 5.2.2.8: that the I/O APICs are named is what tells of interrupt remapping. */
    if (scope.kind == SCOPE_IOAPIC)
        scopes->interrupt_remapping = true;
    return begins || scopes_add(scopes, &scope);
}

static const char *add_unit(struct scopes *scopes, const uint8_t *block, uint32_t length) {
    uint32_t at = block[BLOCK_TYPE] == UNIT_OLD ? UNIT_OLD_ENTRIES : UNIT_ENTRIES;
    struct scope range = { SCOPE_COVERED, ANY, ANY, BH_NONE, 0 };
    uint64_t registers;
    if (length < at)
        return scope_too_long;
    memcpy(&registers, block + UNIT_REGISTERS, sizeof registers);
    if (!scopes_add_unit(scopes, registers, read16(block + UNIT_SEGMENT), read16(block + BLOCK_ID)))
        return scope_bad_unit;
    for (uint32_t size; at < length; at += size) {
        size = entry_size(block + at, length - at);
        if (size == 0)
            return scope_too_long;
        if (!add_entry(scopes, block + at, &range))
            return scope_too_many;
    }
    return 0;
}

/* Unity-mapped or excluded memory: whoever it is for can't be confined. */
static const char *add_memory(struct scopes *scopes, const uint8_t *block) {
    uint32_t id = read16(block + BLOCK_ID);
    struct scope scope = { SCOPE_RESERVED, id, id, BH_NONE, 0 };
    if (block[BLOCK_TYPE] == MEMORY_ALL)
        scope = (struct scope){ SCOPE_RESERVED, 0, ANY, BH_NONE, 0 };
    else if (block[BLOCK_TYPE] == MEMORY_RANGE)
        scope.last = read16(block + BLOCK_LAST_ID);
    return scopes_add(scopes, &scope) ? 0 : scope_too_many;
}

static bool is_unit(uint32_t type) {
    return type == UNIT_OLD || type == UNIT_WIDE || type == UNIT_NAMES;
}

static const char *add_block(struct scopes *scopes, const uint8_t *block, uint32_t size,
                             uint32_t unit_type) {
    uint32_t type = block[BLOCK_TYPE];
    if (type == unit_type)
        return add_unit(scopes, block, size);
    return type >= MEMORY_ALL && type <= MEMORY_RANGE ? add_memory(scopes, block) : 0;
}

/* 0: it is longer than the table. */
static uint32_t block_size(const uint8_t *block, uint32_t left) {
    uint32_t size = left < BLOCK_HEAD ? 0 : read16(block + BLOCK_LENGTH);
    return size < BLOCK_HEAD || size > left ? 0 : size;
}

const char *ivrs_parse(const void *table, uint32_t length, struct scopes *scopes) {
    const uint8_t *bytes = table;
    uint32_t unit_type = 0, size;
    const char *wrong = 0;
    *scopes = (struct scopes){ 0 };
    for (uint32_t at = TABLE_FIRST; at < length; at += size) {
        size = block_size(bytes + at, length - at);
        if (size == 0)
            return scope_too_long;
        if (is_unit(bytes[at]) && bytes[at] > unit_type)
            unit_type = bytes[at];
    }
    for (uint32_t at = TABLE_FIRST; at < length && wrong == 0; at += size) {
        size = block_size(bytes + at, length - at);
        wrong = add_block(scopes, bytes + at, size, unit_type);
    }
    return wrong != 0 ? wrong : scopes_lack(scopes);
}
