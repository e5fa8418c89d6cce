/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom the remapping units cover, whatever the table was that told it. */
#include "iommu/scope.h"

#include "pci/pci.h"

enum { REGISTERS_SIZE = 4 * BH_PAGE_SIZE };   /* AMD-Vi's; VT-d has the first half of it */

const char scope_too_long[] = "a structure is longer than what holds it";
const char scope_too_many[] = "more device scopes than the kernel has room for";
const char scope_bad_unit[] = "a unit is misplaced, of another PCI segment, or one too many";

bool scopes_add(struct scopes *scopes, const struct scope *scope) {
    if (scopes->count == SCOPE_MAX)
        return false;
    scopes->scope[scopes->count++] = *scope;
    return true;
}

bool scopes_add_unit(struct scopes *scopes, uint64_t registers, uint32_t segment, uint32_t id) {
    if (segment != 0 || registers % BH_PAGE_SIZE != 0 || scopes->unit_count == SCOPE_MAX_UNITS)
        return false;
    scopes->unit_id[scopes->unit_count] = id;
    scopes->registers[scopes->unit_count++] = paddr(registers);
    return true;
}

const char *scopes_lack(const struct scopes *scopes) {
    if (scopes->unit_count == 0)
        return "it names no remapping unit";
    return scopes->interrupt_remapping ? 0 : "it has no interrupt remapping";
}

static const struct scope *find(const struct scopes *scopes, enum scope_kind kind, uint32_t id) {
    for (uint32_t i = 0; i < scopes->count; i++) {
        const struct scope *scope = &scopes->scope[i];
        if (scope->kind == kind && id >= scope->first && id <= scope->last)
            return scope;
    }
    return 0;
}

const char *scopes_refuse(const struct scopes *scopes, uint32_t requester_id) {
    const struct scope *covered = find(scopes, SCOPE_COVERED, requester_id);
    uint32_t index = pci_find(requester_id);
    if (find(scopes, SCOPE_RESERVED, requester_id) != 0)
        return "the firmware has reserved memory (RMRR, IVMD) for its DMA";
    if (covered == 0)
        return scopes->include_all ? 0 : "no IOMMU unit covers it";
    if (covered->alias != BH_NONE && covered->alias != requester_id &&
        (index == BH_NONE || covered->alias != pci_alias(index)))
        return "the firmware says that it appears under another requester id than found";
    return 0;
}

uint32_t scopes_ioapic_requester(const struct scopes *scopes, uint32_t ioapic_id) {
    for (uint32_t i = 0; i < scopes->count; i++) {
        if (scopes->scope[i].kind == SCOPE_IOAPIC && scopes->scope[i].ioapic == ioapic_id)
            return scopes->scope[i].first;
    }
    return BH_NONE;
}

bool scopes_own_registers(const struct scopes *scopes, uint64_t base, uint64_t size) {
    for (uint32_t i = 0; i < scopes->unit_count; i++) {
        uint64_t registers = scopes->registers[i].value;
        if (ranges_meet(base, size, registers, REGISTERS_SIZE))
            return true;
    }
    return false;
}
