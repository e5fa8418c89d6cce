/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queued invalidation (VT-d 6.5.2). Every request is followed by a wait descriptor, and the caller
 * gets its answer only after the unit has written that descriptor's status: whoever reuses memory
 * afterwards does so safely. A unit that doesn't answer in time is never trusted again.
 * Called with device_lock held.
 */
#include "iommu/vtd.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/time.h"

enum {
    QUEUE_DESCRIPTORS = BH_PAGE_SIZE / 16,
    TAIL_UNIT = 16,
    CONFIRM_US = 1000,                /* hardware takes a few; a longer one is broken */
};

/* 6.5.2.3: drains, 6.5.2.8: the wait descriptor. */
#define TLB_DRAIN_WRITES    (1ull << 6)
#define TLB_DRAIN_READS     (1ull << 7)
#define WAIT_WRITE_STATUS   (5ull | 1ull << 5)
#define WAIT_DATA(value)    ((uint64_t)(value) << 32)

enum { FAULT_QUEUE_ERRORS = 7u << 4 };  /* 10.4.9: IQE, ICE, ITE */

bool vtd_queue_install(struct vtd_unit *unit) {
    unit->queue_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation queue");
    unit->queue = physical_at(unit->queue_base, BH_PAGE_SIZE);
    unit->done_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation status");
    unit->done = physical_at(unit->done_base, BH_PAGE_SIZE);
    VTD_64(unit, VTD_QUEUE_TAIL) = 0;
    VTD_64(unit, VTD_QUEUE_ADDRESS) = unit->queue_base.value;
    return vtd_set_command(unit, VTD_QUEUE);
}

static void put(struct vtd_unit *unit, uint64_t low, uint64_t high) {
    unit->queue[unit->tail * 2] = low;
    unit->queue[unit->tail * 2 + 1] = high;
    unit->tail = (unit->tail + 1) % QUEUE_DESCRIPTORS;
}

static bool confirmed(const struct vtd_unit *unit) {
    uint64_t deadline = time_after_us(CONFIRM_US);
    while (*unit->done != unit->ticket) {
        if (VTD_32(unit, VTD_FAULT_STATUS) & FAULT_QUEUE_ERRORS || time_now() > deadline)
            break;
    }
    return *unit->done == unit->ticket;
}

/* Drains what is in flight where the unit can (10.4.2: DWD, DRD). */
static uint64_t drains(const struct vtd_unit *unit) {
    return (unit->capability & VTD_CAP_DRAIN_WRITE ? TLB_DRAIN_WRITES : 0) |
           (unit->capability & VTD_CAP_DRAIN_READ ? TLB_DRAIN_READS : 0);
}

bool vtd_request(struct vtd_unit *unit, uint64_t request) {
    if (unit->dead)
        return false;
    unit->ticket++;
    put(unit, request | (VTD_FLUSHES_TLB(request) ? drains(unit) : 0), 0);
    put(unit, WAIT_WRITE_STATUS | WAIT_DATA(unit->ticket), unit->done_base.value);
    __asm__ volatile("mfence" : : : "memory");
    VTD_64(unit, VTD_QUEUE_TAIL) = unit->tail * TAIL_UNIT;
    if (!confirmed(unit)) {
        unit->dead = true;
        log_line("IOMMU: unit at 0x%lx doesn't confirm invalidations: no device behind it can be "
                 "released again", unit->base.value);
    }
    return !unit->dead;
}
