/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom the remapping units cover, whatever the table was that told it. */
#include "iommu/scope.h"

#include "pci/pci.h"

void scopes_add(struct scopes *scopes, struct scope scope) {
    if (scopes->count < SCOPE_MAX)
        scopes->scope[scopes->count++] = scope;
    else
        scopes->wrong = "more device scopes than the kernel has room for";
}

void scopes_add_unit(struct scopes *scopes, uint64_t registers, uint64_t segment, uint32_t id) {
    if (segment != 0 || registers % BH_PAGE_SIZE != 0 || scopes->unit_count == SCOPE_MAX_UNITS) {
        scopes->wrong = "a unit is misplaced, of another PCI segment, or one too many";
        return;
    }
    scopes->unit_id[scopes->unit_count] = id;
    scopes->registers[scopes->unit_count++] = paddr(registers);
}

bool scopes_next(struct scopes *scopes, struct bytes all, uint32_t *offset, uint64_t length,
                 uint32_t shortest, struct bytes *part) {
    if (scopes->wrong != 0 || *offset == all.length)
        return false;
    *part = bytes_next(all, offset, length, shortest);
    if (part->length == 0)
        scopes->wrong = "a structure is longer than what holds it";
    return part->length != 0;
}

const char *scopes_wrong(const struct scopes *scopes) {
    return scopes->wrong != 0 ? scopes->wrong :
           scopes->unit_count == 0 ? "it names no remapping unit" :
           scopes->interrupt_remapping ? 0 : "it has no interrupt remapping";
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
        if (ranges_meet(base, size, registers, UNIT_SIZE))
            return true;
    }
    return false;
}
