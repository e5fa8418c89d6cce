/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt remapping tables (AMD 2.2.5). Each requester has one of its own, so none can use
 * another's entries; an entry that it wasn't given is absent. The message's low bits are the
 * index, and an interrupt's index is its vector: so the message is a plain one (Intel SDM volume 3,
 * 11.11), also in the I/O APIC. Called with device_lock held.
 */
#include "iommu/amdvi.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/plan.h"

/* 2.2.5.2, with a physical destination and fixed delivery. */
#define ENTRY_PRESENT         (1u << 0)
#define ENTRY_NO_FAULTS       (1u << 1)
#define ENTRY_TARGET(id)      ((uint32_t)(id) << 8)
#define ENTRY_VECTOR(vector)  ((uint32_t)(vector) << 16)

static struct {
    volatile uint32_t *entry;          /* null: never set */
    uint32_t requester_id;
} given[BH_MAX_INTERRUPTS];

/* The red team's control lets messages through as they are. */
void amdvi_interrupt_allow(uint32_t requester_id) {
    paddr_t table = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "interrupt remapping table");
    amdvi_devices[requester_id].interrupts =
        (plan_control(BH_PLAN_CONTROL_NO_SOURCE_CHECK) ? 0 : AMDVI_DEVICE_REMAP) |
        AMDVI_DEVICE_256_INTERRUPTS | AMDVI_DEVICE_INT_BY_TABLE | table.value;
}

static bool write_entry(uint32_t index, uint32_t value) {
    *given[index].entry = value;
    return amdvi_request(AMDVI_FLUSH_INTERRUPTS(given[index].requester_id), 0);
}

bool amdvi_interrupt_set(uint32_t index, uint32_t requester_id, uint32_t vector, uint32_t apic_id) {
    INVARIANT(index < BH_MAX_INTERRUPTS && vector < 256);
    if (apic_id > 254)
        panic("IOMMU: core id %u needs interrupt remapping for x2APIC", apic_id);
    paddr_t table = paddr(amdvi_devices[requester_id].interrupts & AMDVI_DEVICE_INT_TABLE);
    INVARIANT(table.value != 0);
    given[index].requester_id = requester_id;
    given[index].entry = (volatile uint32_t *)physical_at(table, BH_PAGE_SIZE) + vector;
    return write_entry(index, ENTRY_PRESENT | ENTRY_TARGET(apic_id) | ENTRY_VECTOR(vector));
}

/* Absent, and silent: what its source still sends neither arrives nor floods the event log. */
bool amdvi_interrupt_clear(uint32_t index) {
    INVARIANT(index < BH_MAX_INTERRUPTS);
    return given[index].entry == 0 || write_entry(index, ENTRY_NO_FAULTS);
}
