/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the DMAR table (VT-d specification 3.3, chapter 8). Reads the table and the bus numbers of
 * bridges, changes nothing. Every length is compared with what holds it before anything is read.
 */
#include "iommu/scope.h"

#include "core/string.h"
#include "pci/pci.h"

/* Offsets in the table (8.1), a structure (8.2), a unit (8.3), reserved memory (8.4), and a device
 * scope (8.3.1), whose path is pairs of device and function. */
enum { TABLE_FLAGS = 37, TABLE_FIRST = 48, FLAG_INTERRUPT_REMAPPING = 1u << 0 };
enum { STRUCTURE_TYPE = 0, STRUCTURE_LENGTH = 2, STRUCTURE_HEAD = 4 };
enum { UNIT = 0, RESERVED_MEMORY = 1 };
enum { UNIT_FLAGS = 4, UNIT_SEGMENT = 6, UNIT_REGISTERS = 8, UNIT_SCOPES = 16, UNIT_ALL = 1u << 0 };
enum { RESERVED_SCOPES = 24 };
enum { ENDPOINT = 1, BRIDGE = 2, IOAPIC = 3 };
enum { SCOPE_TYPE = 0, SCOPE_LENGTH = 1, SCOPE_ID = 4, SCOPE_BUS = 5, SCOPE_PATH = 6 };

static uint32_t read16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

/* The function that this one is a bridge to the bus of, or 0. */
static const struct pci_function *bridge_at(uint32_t requester_id) {
    uint32_t index = pci_find(requester_id);
    return index != BH_NONE && pci_function(index)->bridge ? pci_function(index) : 0;
}

/* The requester id that a path leads to: every element but the last is a bridge, whose secondary
 * bus the next one is on. BH_NONE: it leads nowhere. */
static uint32_t follow_path(const uint8_t *scope) {
    uint32_t bus = scope[SCOPE_BUS];
    for (uint32_t at = SCOPE_PATH; at + 2 <= scope[SCOPE_LENGTH]; at += 2) {
        uint32_t id = bus * 256 + scope[at] % 32 * 8u + scope[at + 1] % 8;
        if (at + 4 > scope[SCOPE_LENGTH])
            return id;
        if (bridge_at(id) == 0)
            break;
        bus = bridge_at(id)->secondary;
    }
    return BH_NONE;
}

/* A bridge's scope is the bridge itself and all buses behind it. */
static bool add_scope(struct scopes *scopes, const uint8_t *bytes, bool reserved) {
    uint32_t id = follow_path(bytes), type = bytes[SCOPE_TYPE];
    struct scope scope = { reserved ? SCOPE_RESERVED : SCOPE_COVERED, id, id, BH_NONE, 0 };
    if (id == BH_NONE || (type != ENDPOINT && type != BRIDGE && (type != IOAPIC || reserved)))
        return true;
    if (type == IOAPIC) {
        scope.kind = SCOPE_IOAPIC;
        scope.ioapic = bytes[SCOPE_ID];
    }
    const struct pci_function *bridge = type == BRIDGE ? bridge_at(id) : 0;
    bool room = scopes_add(scopes, &scope);
    if (bridge == 0)
        return room;
    scope.first = bridge->secondary * 256;
    scope.last = bridge->subordinate * 256 + 255;
    return scopes_add(scopes, &scope);
}

static const char *add_scopes(struct scopes *scopes, const uint8_t *structure, uint32_t at,
                              bool reserved) {
    uint32_t length = read16(structure + STRUCTURE_LENGTH);
    for (; at < length; at += structure[at + SCOPE_LENGTH]) {
        if (length - at < SCOPE_PATH || structure[at + SCOPE_LENGTH] < SCOPE_PATH ||
            structure[at + SCOPE_LENGTH] > length - at)
            return scope_too_long;
        if (!add_scope(scopes, structure + at, reserved))
            return scope_too_many;
    }
    return at == length ? 0 : scope_too_long;
}

static const char *add_unit(struct scopes *scopes, const uint8_t *structure) {
    if (read16(structure + STRUCTURE_LENGTH) < UNIT_SCOPES)
        return scope_too_long;
    uint64_t registers;
    memcpy(&registers, structure + UNIT_REGISTERS, sizeof registers);
    if (!scopes_add_unit(scopes, registers, read16(structure + UNIT_SEGMENT), BH_NONE))
        return scope_bad_unit;
    scopes->include_all = scopes->include_all || structure[UNIT_FLAGS] & UNIT_ALL;
    return add_scopes(scopes, structure, UNIT_SCOPES, false);
}

static const char *add_structure(struct scopes *scopes, const uint8_t *structure) {
    switch (read16(structure + STRUCTURE_TYPE)) {
    case UNIT:            return add_unit(scopes, structure);
    case RESERVED_MEMORY: return add_scopes(scopes, structure, RESERVED_SCOPES, true);
    default:              return 0;
    }
}

const char *dmar_parse(const void *table, uint32_t length, struct scopes *scopes) {
    const uint8_t *bytes = table;
    *scopes = (struct scopes){ 0 };
    uint32_t size;
    for (uint32_t at = TABLE_FIRST; at < length; at += size) {
        size = length - at < STRUCTURE_HEAD ? 0 : read16(bytes + at + STRUCTURE_LENGTH);
        if (size < STRUCTURE_HEAD || size > length - at)
            return scope_too_long;
        const char *wrong = add_structure(scopes, bytes + at);
        if (wrong != 0)
            return wrong;
    }
    scopes->interrupt_remapping = length > TABLE_FLAGS &&
                                  bytes[TABLE_FLAGS] & FLAG_INTERRUPT_REMAPPING;
    return scopes_lack(scopes);
}
