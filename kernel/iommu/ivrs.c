/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the IVRS table (AMD 48882, 3.07, section 5.2). Reads the table, changes nothing.
 */
#include "iommu/scope.h"

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

static uint32_t entry_size(struct bytes block, uint32_t at) {
    uint32_t type = (uint32_t)bytes_number(block, at, 1);
    return type != ENTRY_NAME ? 4u << type / 64 :
           NAME_HEAD + (uint32_t)bytes_number(block, at + NAME_LENGTH, 1);
}

/* Whom an entry names; false: nobody. */
static bool read_entry(struct bytes entry, const struct scope *range, struct scope *scope) {
    uint32_t id = (uint32_t)bytes_number(entry, ENTRY_ID, 2);
    uint32_t other = (uint32_t)bytes_number(entry, ENTRY_OTHER_ID, 2);
    *scope = (struct scope){ SCOPE_COVERED, id, id, BH_NONE, 0 };
    switch (entry.at[0]) {
    case ENTRY_SELECT:
    case ENTRY_WIDE_SELECT:
    case ENTRY_RANGE:
    case ENTRY_WIDE_RANGE:
        return true;
    case ENTRY_ALL:
        *scope = (struct scope){ SCOPE_COVERED, 0, ANY, BH_NONE, 0 };
        return true;
    case ENTRY_ALIAS:
    case ENTRY_ALIAS_RANGE:
        scope->alias = other;
        return true;
    case ENTRY_RANGE_END:
        *scope = (struct scope){ SCOPE_COVERED, range->first, id, range->alias, 0 };
        return true;
    case ENTRY_SPECIAL:
        *scope = (struct scope){ SCOPE_IOAPIC, other, other, BH_NONE, entry.at[ENTRY_HANDLE] };
        return entry.at[ENTRY_VARIETY] == VARIETY_IOAPIC;
    }
    return false;
}

/* `range` keeps the beginning of a range until its end comes. */
static void add_entry(struct scopes *scopes, struct bytes entry, struct scope *range) {
    uint8_t type = entry.at[0];
    struct scope scope;
    if (!read_entry(entry, range, &scope))
        return;
    /* 5.2.2.8: that the I/O APICs are named is what tells of interrupt remapping. */
    if (scope.kind == SCOPE_IOAPIC)
        scopes->interrupt_remapping = true;
    if (type == ENTRY_RANGE || type == ENTRY_WIDE_RANGE || type == ENTRY_ALIAS_RANGE)
        *range = scope;
    else
        scopes_add(scopes, scope);
}

static void add_unit(struct scopes *scopes, struct bytes block) {
    uint32_t id = (uint32_t)bytes_number(block, BLOCK_ID, 2);
    uint32_t at = block.at[BLOCK_TYPE] == UNIT_OLD ? UNIT_OLD_ENTRIES : UNIT_ENTRIES;
    struct scope range = { SCOPE_COVERED, ANY, ANY, BH_NONE, 0 };
    struct bytes entry;
    scopes_add_unit(scopes, bytes_number(block, UNIT_REGISTERS, 8),
                    bytes_number(block, UNIT_SEGMENT, 2), id);
    while (scopes_next(scopes, block, &at, entry_size(block, at), ENTRY_HEAD, &entry))
        add_entry(scopes, entry, &range);
}

/* Unity-mapped or excluded memory: whoever it is for can't be confined. */
static void add_memory(struct scopes *scopes, struct bytes block) {
    uint32_t id = (uint32_t)bytes_number(block, BLOCK_ID, 2);
    struct scope scope = { SCOPE_RESERVED, id, id, BH_NONE, 0 };
    if (block.at[BLOCK_TYPE] == MEMORY_ALL)
        scope = (struct scope){ SCOPE_RESERVED, 0, ANY, BH_NONE, 0 };
    else if (block.at[BLOCK_TYPE] == MEMORY_RANGE)
        scope.last = (uint32_t)bytes_number(block, BLOCK_LAST_ID, 2);
    scopes_add(scopes, scope);
}

static bool next_block(struct scopes *scopes, struct bytes table, uint32_t *at,
                       struct bytes *block) {
    return scopes_next(scopes, table, at, bytes_number(table, *at + BLOCK_LENGTH, 2), BLOCK_HEAD,
                       block);
}

const char *ivrs_parse(struct bytes table, struct scopes *scopes) {
    uint32_t unit_type = 0;
    struct bytes block;
    *scopes = (struct scopes){ 0 };
    for (uint32_t at = TABLE_FIRST; next_block(scopes, table, &at, &block);) {
        uint32_t type = block.at[BLOCK_TYPE];
        bool unit = type == UNIT_OLD || type == UNIT_WIDE || type == UNIT_NAMES;
        unit_type = unit && type > unit_type ? type : unit_type;
    }
    for (uint32_t at = TABLE_FIRST; next_block(scopes, table, &at, &block);) {
        uint32_t type = block.at[BLOCK_TYPE];
        if (type == unit_type)
            add_unit(scopes, block);
        else if (type >= MEMORY_ALL && type <= MEMORY_RANGE)
            add_memory(scopes, block);
    }
    return scopes_wrong(scopes);
}
