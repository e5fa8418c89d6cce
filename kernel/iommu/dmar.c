/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the DMAR table (VT-d specification 3.3, chapter 8). Reads the table and the bus numbers of
 * bridges, changes nothing.
 */
#include "iommu/scope.h"

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

/* The function that this one is a bridge to the bus of, or 0. */
static const struct pci_function *bridge_at(uint32_t requester_id) {
    uint32_t index = pci_find(requester_id);
    return index != BH_NONE && pci_function(index)->bridge ? pci_function(index) : 0;
}

/* The requester id that a path leads to: every element but the last is a bridge, whose secondary
 * bus the next one is on. BH_NONE: it leads nowhere. */
static uint32_t follow_path(struct bytes scope) {
    uint32_t bus = (uint32_t)bytes_number(scope, SCOPE_BUS, 1);
    for (uint32_t at = SCOPE_PATH; at + 2 <= scope.length; at += 2) {
        uint32_t id = bus * 256 + scope.at[at] % 32 * 8u + scope.at[at + 1] % 8;
        if (at + 4 > scope.length)
            return id;
        if (bridge_at(id) == 0)
            break;
        bus = bridge_at(id)->secondary;
    }
    return BH_NONE;
}

/* A bridge's scope is the bridge itself and all buses behind it. */
static void add_scope(struct scopes *scopes, struct bytes bytes, bool reserved) {
    uint64_t type = bytes_number(bytes, SCOPE_TYPE, 1);
    uint32_t id = follow_path(bytes);
    const struct pci_function *bridge = type == BRIDGE ? bridge_at(id) : 0;
    struct scope scope = { reserved ? SCOPE_RESERVED : type == IOAPIC ? SCOPE_IOAPIC :
                           SCOPE_COVERED,
                           id, id, BH_NONE, (uint32_t)bytes_number(bytes, SCOPE_ID, 1) };
    if (id == BH_NONE || (type != ENDPOINT && type != BRIDGE && (type != IOAPIC || reserved)))
        return;
    scopes_add(scopes, scope);
    if (bridge == 0)
        return;
    scope.first = bridge->secondary * 256;
    scope.last = bridge->subordinate * 256 + 255;
    scopes_add(scopes, scope);
}

static void add_scopes(struct scopes *scopes, struct bytes structure, uint32_t at, bool reserved) {
    struct bytes scope;
    while (scopes_next(scopes, structure, &at, bytes_number(structure, at + SCOPE_LENGTH, 1),
                       SCOPE_PATH, &scope))
        add_scope(scopes, scope, reserved);
}

static void add_unit(struct scopes *scopes, struct bytes structure) {
    scopes_add_unit(scopes, bytes_number(structure, UNIT_REGISTERS, 8),
                    bytes_number(structure, UNIT_SEGMENT, 2), BH_NONE);
    if (bytes_number(structure, UNIT_FLAGS, 1) & UNIT_ALL)
        scopes->include_all = true;
    add_scopes(scopes, structure, UNIT_SCOPES, false);
}

const char *dmar_parse(struct bytes table, struct scopes *scopes) {
    struct bytes structure;
    *scopes = (struct scopes){
        .interrupt_remapping = bytes_number(table, TABLE_FLAGS, 1) & FLAG_INTERRUPT_REMAPPING,
    };
    for (uint32_t at = TABLE_FIRST;
         scopes_next(scopes, table, &at, bytes_number(table, at + STRUCTURE_LENGTH, 2),
                     STRUCTURE_HEAD, &structure);) {
        uint64_t type = bytes_number(structure, STRUCTURE_TYPE, 2);
        if (type == UNIT)
            add_unit(scopes, structure);
        else if (type == RESERVED_MEMORY)
            add_scopes(scopes, structure, RESERVED_SCOPES, true);
    }
    return scopes_wrong(scopes);
}
