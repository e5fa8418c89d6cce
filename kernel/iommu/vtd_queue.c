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

enum descriptor_type { CONTEXT_CACHE = 1, IOTLB = 2, INTERRUPT_CACHE = 4, WAIT = 5 };

/* 6.5.2.1, 6.5.2.3, 6.5.2.7, 6.5.2.8: fields of the low word */
#define GRANULARITY_GLOBAL    (1ull << 4)
#define GRANULARITY_DOMAIN    (2ull << 4)
#define GRANULARITY_DEVICE    (3ull << 4)
#define IOTLB_DRAIN_WRITES    (1ull << 6)
#define IOTLB_DRAIN_READS     (1ull << 7)
#define DOMAIN_FIELD(domain)  ((uint64_t)(domain) << 16)
#define SOURCE_FIELD(id)      ((uint64_t)(id) << 32)
#define ONE_INTERRUPT         (1ull << 4)
#define INTERRUPT_FIELD(n)    ((uint64_t)(n) << 32)
#define WAIT_WRITE_STATUS     (1ull << 5)
#define WAIT_DATA(value)      ((uint64_t)(value) << 32)

enum { FAULT_QUEUE_ERRORS = 7u << 4 };  /* 10.4.9: IQE, ICE, ITE */

bool vtd_queue_install(struct vtd_unit *unit)
{
    unit->queue_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation queue");
    unit->queue = physical_at(unit->queue_base, BH_PAGE_SIZE);
    unit->done_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation status");
    unit->done = physical_at(unit->done_base, BH_PAGE_SIZE);
    vtd_write64(unit, VTD_QUEUE_TAIL, 0);
    vtd_write64(unit, VTD_QUEUE_ADDRESS, unit->queue_base.value);
    return vtd_set_command(unit, VTD_QUEUE);
}

static void put(struct vtd_unit *unit, uint64_t low, uint64_t high)
{
    unit->queue[unit->tail * 2] = low;
    unit->queue[unit->tail * 2 + 1] = high;
    unit->tail = (unit->tail + 1) % QUEUE_DESCRIPTORS;
}

static bool confirmed(const struct vtd_unit *unit)
{
    uint64_t deadline = time_after_us(CONFIRM_US);
    while (*unit->done != unit->ticket) {
        if (vtd_read32(unit, VTD_FAULT_STATUS) & FAULT_QUEUE_ERRORS || time_now() > deadline)
            break;
    }
    return *unit->done == unit->ticket;
}

static bool submit(struct vtd_unit *unit, uint64_t low)
{
    if (unit->dead)
        return false;
    unit->ticket++;
    put(unit, low, 0);
    put(unit, WAIT | WAIT_WRITE_STATUS | WAIT_DATA(unit->ticket), unit->done_base.value);
    __asm__ volatile("mfence" : : : "memory");
    vtd_write64(unit, VTD_QUEUE_TAIL, unit->tail * TAIL_UNIT);
    if (!confirmed(unit)) {
        unit->dead = true;
        log_line("IOMMU: unit at 0x%lx doesn't confirm invalidations: no device behind it can be "
                 "released again", unit->base.value);
    }
    return !unit->dead;
}

/* Drains what is in flight where the unit can (10.4.2: DWD, DRD). */
static uint64_t drains(const struct vtd_unit *unit)
{
    return (unit->capability & VTD_CAP_DRAIN_WRITE ? IOTLB_DRAIN_WRITES : 0) |
           (unit->capability & VTD_CAP_DRAIN_READ ? IOTLB_DRAIN_READS : 0);
}

bool vtd_invalidate_contexts(struct vtd_unit *unit)
{
    return submit(unit, CONTEXT_CACHE | GRANULARITY_GLOBAL);
}

bool vtd_invalidate_one_context(struct vtd_unit *unit, uint32_t domain, uint32_t requester_id)
{
    return submit(unit, CONTEXT_CACHE | GRANULARITY_DEVICE | DOMAIN_FIELD(domain) |
                        SOURCE_FIELD(requester_id));
}

bool vtd_invalidate_tlb(struct vtd_unit *unit)
{
    return submit(unit, IOTLB | GRANULARITY_GLOBAL | drains(unit));
}

bool vtd_invalidate_one_domain(struct vtd_unit *unit, uint32_t domain)
{
    return submit(unit, IOTLB | GRANULARITY_DOMAIN | drains(unit) | DOMAIN_FIELD(domain));
}

bool vtd_invalidate_interrupts(struct vtd_unit *unit)
{
    return submit(unit, INTERRUPT_CACHE);
}

bool vtd_invalidate_one_interrupt(struct vtd_unit *unit, uint32_t entry)
{
    return submit(unit, INTERRUPT_CACHE | ONE_INTERRUPT | INTERRUPT_FIELD(entry));
}
