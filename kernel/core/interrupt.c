/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of devices. Interrupt n of the plan has vector FIRST + n on every core and entry n of
 * the remapping table, so no source can use another's. A source that comes more often than the plan
 * allows is made absent until its owner acknowledges: it costs its owner the interrupt, others
 * nothing. Trusts no device.
 */
#include "core/interrupt.h"

#include "core/interrupt_line.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/time.h"
#include "iommu/iommu.h"
#include "pci/pci.h"

enum { WINDOW_US = 10000 };           /* over which the plan's limit counts */

_Static_assert(VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1 >= BH_MAX_INTERRUPTS, "a vector each");

static struct lock lock;              /* order: after core/device.c's, before iommu.c's */
static uint32_t function_of[BH_MAX_INTERRUPTS];    /* in pci/; BH_NONE: an ISA line */
static bool     open[BH_MAX_INTERRUPTS];           /* its owner runs and wants it */
static bool     stormed[BH_MAX_INTERRUPTS];        /* closed by its limit until irq_ack */
static uint32_t core_of[BH_MAX_INTERRUPTS];        /* to which its entry sends it */
static uint64_t window_end[BH_MAX_INTERRUPTS];
static uint32_t window_count[BH_MAX_INTERRUPTS];
static uint64_t delivered[BH_MAX_INTERRUPTS];
static uint64_t storms[BH_MAX_INTERRUPTS];

static uint32_t requester_of(uint32_t index)
{
    if (function_of[index] == BH_NONE)
        return interrupt_line_requester();
    return pci_function(function_of[index])->requester_id;
}

static uint32_t vector_of(uint32_t index)
{
    return VECTOR_DEVICE_FIRST + index;
}

static uint32_t wanted_core(uint32_t index)
{
    return thread_core(plan_channel(plan_interrupt(index)->channel)->thread);
}

static void write_source(uint32_t index, const struct iommu_message *message)
{
    const struct bh_plan_interrupt *p = plan_interrupt(index);
    switch (p->kind) {
    case BH_INTERRUPT_MSIX:
        pci_msix_set(function_of[index], p->source, message->address, message->data);
        break;
    case BH_INTERRUPT_MSI:
        pci_msi_set(function_of[index], message->address, message->data);
        break;
    default:
        interrupt_line_set(p->source, vector_of(index), message);
        break;
    }
}

static void mask_source(uint32_t index, bool masked)
{
    const struct bh_plan_interrupt *p = plan_interrupt(index);
    switch (p->kind) {
    case BH_INTERRUPT_MSIX:
        pci_msix_mask(function_of[index], p->source, masked);
        break;
    case BH_INTERRUPT_MSI:
        pci_msi_enable(function_of[index], !masked);
        break;
    default:
        interrupt_line_mask(p->source, masked);
        break;
    }
}

/* The entry first, then the source; a unit that doesn't confirm leaves it closed. */
static void open_source(uint32_t index)
{
    struct iommu_message message;
    core_of[index] = wanted_core(index);
    if (!iommu_interrupt_set(index, requester_of(index), vector_of(index),
                             interrupt_target(core_of[index]), &message))
        return;
    window_count[index] = 0;
    if (plan_interrupt(index)->kind == BH_INTERRUPT_MSIX)
        pci_msix_enable(function_of[index], true);
    write_source(index, &message);
    mask_source(index, false);
}

static void close_source(uint32_t index)
{
    mask_source(index, true);
    iommu_interrupt_clear(index);
}

/* Is there such a source on this machine? Stops the boot with the name when there isn't. */
static void install_one(uint32_t index, bool lines)
{
    const struct bh_plan_interrupt *p = plan_interrupt(index);
    const struct bh_plan_device *device = plan_device(p->device);
    bool there = lines;
    function_of[index] = BH_NONE;
    if (p->kind != BH_INTERRUPT_ISA) {
        function_of[index] = pci_find(device->requester_id);
        INVARIANT(function_of[index] != BH_NONE);
        const struct pci_function *f = pci_function(function_of[index]);
        there = p->kind == BH_INTERRUPT_MSI ? f->msi != 0 :
                p->source < f->msix_entries && pci_msix_map(function_of[index]);
    } else if (iommu_kind() != IOMMU_NONE && interrupt_line_requester() == BH_NONE) {
        there = false;
    }
    if (!there)
        panic("plan refused: interrupt \"%s\": device \"%s\" has no such source on this machine",
              p->name, device->name);
}

void interrupt_install(void)
{
    bool lines = interrupt_line_install();
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++)
        install_one(i, lines);
}

/* One more within the window? Callers hold the lock. */
static bool within_limit(uint32_t index)
{
    if (plan_control(BH_PLAN_CONTROL_NO_STORM_LIMIT))
        return true;
    if (time_now() >= window_end[index]) {
        window_end[index] = time_after_us(WINDOW_US);
        window_count[index] = 0;
    }
    return ++window_count[index] <= plan_interrupt(index)->limit;
}

static void close_for_storm(uint32_t index)
{
    const struct bh_plan_interrupt *p = plan_interrupt(index);
    const struct bh_plan_device *device = plan_device(p->device);
    close_source(index);
    stormed[index] = true;
    storms[index]++;
    if ((storms[index] & (storms[index] - 1)) == 0)
        log_line("interrupt \"%s\" of device \"%s\" of \"%s\": more than %u in 10 ms: masked until "
                 "acknowledged (%lu times)", p->name, device->name,
                 plan_compartment(device->owner)->name, p->limit, storms[index]);
}

void interrupt_deliver(uint32_t vector)
{
    uint32_t index = vector - VECTOR_DEVICE_FIRST;
    if (index >= plan_count(BH_TABLE_INTERRUPT))
        return;
    lock_take(&lock);
    bool wanted = open[index] && !stormed[index];
    if (wanted) {
        delivered[index]++;
        if (!within_limit(index))
            close_for_storm(index);
    }
    lock_drop(&lock);
    if (wanted)
        channel_signal(plan_interrupt(index)->channel);
}

/* What came while it was closed is lost, so its owner is signalled once more after opening. */
enum bh_status interrupt_ack(uint32_t index)
{
    lock_take(&lock);
    bool reopened = open[index] && stormed[index];
    window_count[index] = 0;
    if (reopened) {
        stormed[index] = false;
        open_source(index);
    }
    lock_drop(&lock);
    if (reopened)
        channel_signal(plan_interrupt(index)->channel);
    return BH_OK;
}

void interrupt_mask_device(uint32_t device)
{
    lock_take(&lock);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        if (plan_interrupt(i)->device != device || !open[i])
            continue;
        open[i] = stormed[i] = false;
        close_source(i);
    }
    lock_drop(&lock);
}

void interrupt_unmask_device(uint32_t device)
{
    lock_take(&lock);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        if (plan_interrupt(i)->device != device || open[i])
            continue;
        open[i] = true;
        stormed[i] = false;
        open_source(i);
    }
    lock_drop(&lock);
}

void interrupt_retarget(void)
{
    lock_take(&lock);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_INTERRUPT); i++) {
        if (open[i] && !stormed[i] && core_of[i] != wanted_core(i))
            open_source(i);
    }
    lock_drop(&lock);
}

uint64_t interrupt_counter(uint32_t index, enum bh_interrupt_counter counter)
{
    return counter == BH_INTERRUPT_DELIVERED ? delivered[index] : storms[index];
}
