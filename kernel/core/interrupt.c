/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of devices. Interrupt n of the plan has vector FIRST + n on every core and a remapping
 * entry of its own, so no source can use another's. A source that has come as often as the plan
 * allows in 10 ms is made absent until they are over, whatever its owner does: it costs others no
 * more than that. Trusts no device. Everything is guarded by device_lock.
 */
#include "core/interrupt.h"

#include "core/atomic.h"
#include "core/device_state.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/thread.h"
#include "core/time.h"

enum { WINDOW_US = 10000 };           /* over which the plan's limit counts */

_Static_assert(VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1 >= BH_MAX_INTERRUPTS, "a vector each");

/* Its owner doesn't run; runs; runs, but its limit closed it until its window ends. */
static enum { CLOSED, OPEN, STORMED } state[BH_MAX_INTERRUPTS];
static uint32_t core_of[BH_MAX_INTERRUPTS];        /* to which its entry sends it */
static uint64_t window_end[BH_MAX_INTERRUPTS];
static uint32_t window_count[BH_MAX_INTERRUPTS];
static uint64_t first_end = BH_FOREVER;            /* of a STORMED one's window; 0: look */

static uint32_t wanted_core(uint32_t index) {
    return thread_core(plan_channel(plan_interrupt(index)->channel)->thread);
}

static void mask_source(uint32_t index, bool masked) {
    const struct bh_plan_interrupt *p = plan_interrupt(index);
    if (p->kind == BH_INTERRUPT_ISA)
        interrupt_line_mask(p->source, masked);
    else
        pci_message_mask(devices.function[p->device], p->kind == BH_INTERRUPT_MSIX, p->source,
                         masked);
}

/* The entry first, then the source; a unit that doesn't confirm leaves it closed. */
static void open_source(uint32_t index) {
    const struct bh_plan_interrupt *p = plan_interrupt(index);
    bool line = p->kind == BH_INTERRUPT_ISA;
    uint32_t vector = VECTOR_DEVICE_FIRST + index;
    struct iommu_message message;
    core_of[index] = wanted_core(index);
    if (!iommu_interrupt_set(index, line ? interrupt_line_requester() : device_requester(p->device),
                             vector, interrupt_target(core_of[index]), &message))
        return;
    if (line)
        interrupt_line_set(p->source, vector, &message);
    else
        pci_message_set(devices.function[p->device], p->kind == BH_INTERRUPT_MSIX, p->source,
                        message.address, message.data);
    mask_source(index, false);
}

static void close_source(uint32_t index) {
    mask_source(index, true);
    iommu_interrupt_clear(index);
}

static bool source_exists(const struct bh_plan_interrupt *p, bool lines) {
    if (p->kind == BH_INTERRUPT_ISA)
        return lines && (iommu_kind() == IOMMU_NONE || interrupt_line_requester() != BH_NONE);
    const struct pci_function *f = pci_function(devices.function[p->device]);
    if (p->kind == BH_INTERRUPT_MSI)
        return f->msi != 0;
    return p->source < f->msix_entries && pci_msix_map(devices.function[p->device]);
}

void interrupt_install(void) {
    bool lines = interrupt_line_install();
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        const struct bh_plan_interrupt *p = plan_interrupt(i);
        if (!source_exists(p, lines))
            panic("plan refused: interrupt \"%s\": device \"%s\" has no such source on this PC",
                  p->name, plan_device(p->device)->name);
    }
}

static bool within_limit(uint32_t index) {
    if (time_now() >= window_end[index]) {
        window_end[index] = time_after_us(WINDOW_US);
        window_count[index] = 0;
    }
    return ++window_count[index] <= plan_interrupt(index)->limit ||
           plan_control(BH_PLAN_CONTROL_NO_STORM_LIMIT);
}

static void close_for_storm(uint32_t index) {
    const struct bh_plan_interrupt *p = plan_interrupt(index);
    close_source(index);
    state[index] = STORMED;
    atomic_store(&first_end, 0);
    sched_event_at(0);
    uint64_t storms = ++counters.interrupt[index][BH_INTERRUPT_STORMS];
    if ((storms & (storms - 1)) == 0)
        log_line("interrupt \"%s\" of device \"%s\" of \"%s\": more than %u in 10 ms: masked until "
                 "they are over (%lu times)", p->name, plan_device(p->device)->name,
                 device_owner_name(p->device), p->limit, storms);
}

void interrupt_deliver(uint32_t vector) {
    uint32_t index = vector - VECTOR_DEVICE_FIRST;
    if (index >= plan_count(BH_TABLE_INTERRUPT))
        return;
    lock_take(&device_lock);
    bool wanted = state[index] == OPEN;
    counters.interrupt[index][BH_INTERRUPT_DELIVERED] += wanted;
    if (wanted && !within_limit(index))
        close_for_storm(index);
    lock_drop(&device_lock);
    if (wanted)
        channel_signal(plan_interrupt(index)->channel);
}

/* What came while it was closed is lost, so its owner is signalled once more after opening. */
uint64_t interrupt_expire(uint64_t now) {
    uint64_t next = BH_FOREVER;
    if (now < atomic_load(&first_end))
        return atomic_load(&first_end);
    lock_take(&device_lock);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        if (state[i] == STORMED && window_end[i] <= now) {
            state[i] = OPEN;
            open_source(i);
            channel_signal(plan_interrupt(i)->channel);
        } else if (state[i] == STORMED && window_end[i] < next) {
            next = window_end[i];
        }
    }
    atomic_store(&first_end, next);
    lock_drop(&device_lock);
    return next;
}

void interrupt_open_device(uint32_t device, bool wanted) {
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        if (plan_interrupt(i)->device != device || (state[i] != CLOSED) == wanted)
            continue;
        state[i] = wanted ? OPEN : CLOSED;
        (wanted ? open_source : close_source)(i);
    }
}

void interrupt_renew_device(uint32_t device) {
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        if (plan_interrupt(i)->device == device && state[i] == OPEN)
            open_source(i);
    }
}

void interrupt_retarget(void) {
    lock_take(&device_lock);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        if (state[i] == OPEN && core_of[i] != wanted_core(i))
            open_source(i);
    }
    lock_drop(&device_lock);
}
