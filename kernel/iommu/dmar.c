/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the DMAR table (VT-d specification 3.3, chapter 8). Reads the table and the bus numbers of
 * bridges, changes nothing. Every length is compared with what holds it before anything is read.
 */
#include "iommu/dmar.h"

#include "core/string.h"
#include "pci/pci.h"

/* Offsets in the table (8.1), a structure (8.2), a unit (8.3), reserved memory (8.4), and a device
 * scope (8.3.1), whose path is pairs of device and function. */
enum { TABLE_FLAGS = 37, TABLE_FIRST = 48, FLAG_INTERRUPT_REMAPPING = 1u << 0 };
enum { STRUCTURE_TYPE = 0, STRUCTURE_LENGTH = 2, STRUCTURE_HEAD = 4 };
enum { UNIT = 0, RESERVED_MEMORY = 1 };
enum { UNIT_FLAGS = 4, UNIT_SEGMENT = 6, UNIT_REGISTERS = 8, UNIT_SCOPES = 16, UNIT_ALL = 1u << 0 };
enum { RESERVED_SCOPES = 24 };
enum { SCOPE_TYPE = 0, SCOPE_LENGTH = 1, SCOPE_ID = 4, SCOPE_BUS = 5, SCOPE_PATH = 6 };

static const char too_long[] = "a structure is longer than what holds it";

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
static bool add_scope(struct dmar *dmar, const uint8_t *scope, bool reserved) {
    uint32_t id = follow_path(scope);
    if (id == BH_NONE)
        return true;
    if (dmar->scope_count + 2 > DMAR_MAX_SCOPES)
        return false;
    struct dmar_scope entry = { scope[SCOPE_TYPE], scope[SCOPE_ID], reserved, id, id };
    dmar->scope[dmar->scope_count++] = entry;
    const struct pci_function *bridge = bridge_at(id);
    if (entry.type == DMAR_BRIDGE && bridge != 0) {
        entry.first = bridge->secondary * 256;
        entry.last = bridge->subordinate * 256 + 255;
        dmar->scope[dmar->scope_count++] = entry;
    }
    return true;
}

static const char *add_scopes(struct dmar *dmar, const uint8_t *structure, uint32_t at,
                              bool reserved) {
    uint32_t length = read16(structure + STRUCTURE_LENGTH);
    for (; at < length; at += structure[at + SCOPE_LENGTH]) {
        if (length - at < SCOPE_PATH || structure[at + SCOPE_LENGTH] < SCOPE_PATH ||
            structure[at + SCOPE_LENGTH] > length - at)
            return too_long;
        if (!add_scope(dmar, structure + at, reserved))
            return "more device scopes than the kernel has room for";
    }
    return at == length ? 0 : too_long;
}

static const char *add_unit(struct dmar *dmar, const uint8_t *structure) {
    if (read16(structure + STRUCTURE_LENGTH) < UNIT_SCOPES)
        return too_long;
    uint64_t registers;
    memcpy(&registers, structure + UNIT_REGISTERS, sizeof registers);
    if (read16(structure + UNIT_SEGMENT) != 0 || registers % BH_PAGE_SIZE != 0 ||
        dmar->unit_count == DMAR_MAX_UNITS)
        return "a unit is misplaced, of another PCI segment, or one too many";
    dmar->registers[dmar->unit_count++] = paddr(registers);
    dmar->include_all = dmar->include_all || structure[UNIT_FLAGS] & UNIT_ALL;
    return add_scopes(dmar, structure, UNIT_SCOPES, false);
}

static const char *add_structure(struct dmar *dmar, const uint8_t *structure) {
    switch (read16(structure + STRUCTURE_TYPE)) {
    case UNIT:            return add_unit(dmar, structure);
    case RESERVED_MEMORY: return add_scopes(dmar, structure, RESERVED_SCOPES, true);
    default:              return 0;
    }
}

const char *dmar_parse(const void *table, uint32_t length, struct dmar *dmar) {
    const uint8_t *bytes = table;
    *dmar = (struct dmar){ 0 };
    uint32_t size;
    for (uint32_t at = TABLE_FIRST; at < length; at += size) {
        size = length - at < STRUCTURE_HEAD ? 0 : read16(bytes + at + STRUCTURE_LENGTH);
        if (size < STRUCTURE_HEAD || size > length - at)
            return too_long;
        const char *wrong = add_structure(dmar, bytes + at);
        if (wrong != 0)
            return wrong;
    }
    if (dmar->unit_count == 0)
        return "it names no remapping unit";
    dmar->interrupt_remapping = bytes[TABLE_FLAGS] & FLAG_INTERRUPT_REMAPPING;
    return 0;
}

static bool is_named(const struct dmar *dmar, uint32_t requester_id, bool reserved) {
    for (uint32_t i = 0; i < dmar->scope_count; i++) {
        const struct dmar_scope *scope = &dmar->scope[i];
        bool pci = scope->type == DMAR_ENDPOINT || scope->type == DMAR_BRIDGE;
        if (pci && scope->reserved == reserved && requester_id >= scope->first &&
            requester_id <= scope->last)
            return true;
    }
    return false;
}

const char *dmar_refuses(const struct dmar *dmar, uint32_t requester_id) {
    if (is_named(dmar, requester_id, true))
        return "the firmware has reserved memory (RMRR) for its DMA";
    return dmar->include_all || is_named(dmar, requester_id, false) ? 0 : "no IOMMU unit covers it";
}

uint32_t dmar_ioapic_requester(const struct dmar *dmar, uint32_t ioapic_id) {
    for (uint32_t i = 0; i < dmar->scope_count; i++) {
        if (dmar->scope[i].type == DMAR_IOAPIC && dmar->scope[i].id == ioapic_id)
            return dmar->scope[i].first;
    }
    return BH_NONE;
}
