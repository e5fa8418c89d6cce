/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queued invalidation (VT-d 6.5.2, AMD 2.4). Every request is followed by a wait request, and the
 * caller gets its answer only after the unit has written that one's status: whoever reuses memory
 * afterwards does so safely. A unit that doesn't answer in time is never trusted again.
 * Called with device_lock held.
 */
#include "iommu/queue.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/time.h"

enum {
    QUEUE_ENTRIES = BH_PAGE_SIZE / 16,
    TAIL_UNIT = 16,
    CONFIRM_US = 1000,                /* hardware takes a few; a longer one is broken */
};

void queue_install(struct iommu_queue *queue, paddr_t unit) {
    queue->unit = unit;
    queue->base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation queue");
    queue->entries = physical_at(queue->base, BH_PAGE_SIZE);
    queue->done_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "invalidation status");
    queue->done = physical_at(queue->done_base, BH_PAGE_SIZE);
}

void queue_put(struct iommu_queue *queue, uint64_t low, uint64_t high) {
    queue->entries[queue->tail * 2] = low;
    queue->entries[queue->tail * 2 + 1] = high;
    queue->tail = (queue->tail + 1) % QUEUE_ENTRIES;
}

bool queue_run(struct iommu_queue *queue, volatile uint64_t *tail_register) {
    if (queue->dead)
        return false;
    __asm__ volatile("mfence" : : : "memory");
    *tail_register = queue->tail * TAIL_UNIT;
    uint64_t deadline = time_after_us(CONFIRM_US);
    while (*queue->done != queue->ticket && time_now() <= deadline)
        ;
    queue->dead = *queue->done != queue->ticket;
    if (queue->dead)
        log_line("IOMMU: unit at 0x%lx doesn't confirm invalidations: no device behind it can be "
                 "released again", queue->unit.value);
    return !queue->dead;
}
