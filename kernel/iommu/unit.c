/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queued invalidation (VT-d 6.5.2, AMD 2.4). Every request is followed by a wait request, and the
 * caller gets its answer only after the unit has written that one's status: whoever reuses memory
 * afterwards does so safely. A unit that doesn't answer in time is never trusted again.
 * Called with device_lock held.
 */
#include "iommu/unit.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/time.h"
#include "iommu/amdvi.h"
#include "iommu/vtd.h"

enum {
    QUEUE_ENTRIES = BH_PAGE_SIZE / 16,
    TAIL_UNIT = 16,
    CONFIRM_US = 1000,                /* hardware takes a few; a longer one is broken */
};

struct iommu_unit iommu_units[SCOPE_MAX_UNITS];
uint32_t iommu_unit_count;

void units_install(const struct scopes *scopes) {
    iommu_unit_count = scopes->unit_count;
    for (uint32_t i = 0; i < iommu_unit_count; i++) {
        struct iommu_unit *unit = &iommu_units[i];
        unit->base = scopes->registers[i];
        unit->registers = physical_registers(unit->base, UNIT_SIZE);
        unit->queue_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation queue");
        unit->queue = physical_at(unit->queue_base, BH_PAGE_SIZE);
        unit->done_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation status");
        unit->done = physical_at(unit->done_base, BH_PAGE_SIZE);
    }
}

static void put(struct iommu_unit *unit, struct iommu_request request) {
    unit->queue[unit->tail * 2] = request.low;
    unit->queue[unit->tail * 2 + 1] = request.high;
    unit->tail = (unit->tail + 1) % QUEUE_ENTRIES;
}

bool unit_request(struct iommu_unit *unit, struct iommu_request request) {
    bool vtd = iommu_kind() == IOMMU_VTD;
    if (unit->dead)
        return false;
    put(unit, request);
    unit->ticket++;
    put(unit, vtd ? VTD_WAIT(unit->done_base, unit->ticket) :
                    AMDVI_WAIT(unit->done_base, unit->ticket));
    __asm__ volatile("mfence" : : : "memory");
    UNIT_64(unit, vtd ? VTD_QUEUE_TAIL : AMDVI_COMMAND_TAIL) = unit->tail * TAIL_UNIT;
    uint64_t deadline = time_after_us(CONFIRM_US);
    while (*unit->done != unit->ticket && time_now() <= deadline)
        ;
    unit->dead = *unit->done != unit->ticket;
    if (unit->dead)
        log_line("IOMMU: unit at 0x%lx doesn't confirm invalidations: no device behind it can be "
                 "released again", unit->base.value);
    return !unit->dead;
}

bool units_request(struct iommu_request request) {
    bool ok = true;
    for (uint32_t i = 0; i < iommu_unit_count; i++)
        ok = unit_request(&iommu_units[i], request) && ok;
    return ok;
}

bool units_forget(struct iommu_request entry, struct iommu_request domain) {
    if (plan_control(BH_PLAN_CONTROL_NO_INVALIDATE))
        return true;
    bool ok = units_request(entry);
    return units_request(domain) && ok;
}
