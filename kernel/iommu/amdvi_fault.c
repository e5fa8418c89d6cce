/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event log (AMD 2.5): each event is read and handed to whoever attributes it. Bounded: a pass
 * reads what was there when it began, and a device that goes on is silenced by the one who counts.
 * Runs on the core that the unit's message is sent to.
 */
#include "iommu/amdvi.h"

#include "core/boot_memory.h"
#include "core/device.h"
#include "core/interrupt.h"
#include "core/time.h"
#include "pci/pci.h"
#include "x86/apic.h"

enum {
    LOG_LENGTH_CODE = 8,
    EVENTS = 1 << LOG_LENGTH_CODE, EVENT_SIZE = 16,
    LOG_SIZE = EVENTS * EVENT_SIZE,
    STOP_US = 1000,
};

/* 2.5.1, 2.5.3: first word. */
#define EVENT_CODE(low)       ((uint32_t)((low) >> 60))
#define EVENT_SOURCE(low)     ((uint32_t)(low) % 65536)
#define EVENT_INTERRUPT       (1ull << 51)
#define EVENT_PRESENT         (1ull << 52)
#define EVENT_WRITE           (1ull << 53)

enum event_code { EVENT_PAGE_FAULT = 2, EVENT_BAD_REQUEST = 8 };

/* The unit's own message isn't remapped: plain format, to core 0, by its PCI function. */
void amdvi_fault_install(struct amdvi_unit *unit, uint32_t unit_id) {
    paddr_t base = boot_memory_take(LOG_SIZE, BH_PAGE_SIZE, "IOMMU event log");
    uint32_t index = pci_find(unit_id);
    unit->events = physical_at(base, LOG_SIZE);
    AMDVI_64(unit, AMDVI_EVENT_BASE) = base.value | AMDVI_LENGTH(LOG_LENGTH_CODE);
    AMDVI_64(unit, AMDVI_EVENT_HEAD) = 0;
    AMDVI_64(unit, AMDVI_EVENT_TAIL) = 0;
    if (index == BH_NONE)
        return;
    pci_function(index)->endpoint = false;           /* nobody's */
    if (pci_function(index)->msi == 0)
        return;
    pci_set_master(index, true);
    pci_message_set(index, false, 0, 0xfee00000u | apic_id_of_core(0) % 256 << 12,
                    VECTOR_IOMMU_FAULT);
    pci_message_mask(index, false, 0, false);
}

static const char *reason_of(uint64_t low) {
    uint64_t translation = amdvi_devices[EVENT_SOURCE(low)].translation;
    if (EVENT_CODE(low) == EVENT_BAD_REQUEST)
        return "a kind of request that isn't allowed";
    if (EVENT_CODE(low) != EVENT_PAGE_FAULT)
        return "a table of the IOMMU is unreadable or malformed";
    if (low & EVENT_INTERRUPT)
        return "interrupt entry not given to it";
    if (!(translation & (AMDVI_DEVICE_READ | AMDVI_DEVICE_WRITE)))
        return "it has no device space";
    if (!(low & EVENT_PRESENT))
        return "not mapped";
    return low & EVENT_WRITE ? "not mapped for writing" : "not mapped for reading";
}

static void report(uint64_t low, uint64_t address) {
    struct device_fault fault = {
        .requester_id = EVENT_SOURCE(low),
        .address = address,
        .reason = EVENT_CODE(low),
        .write = low & EVENT_WRITE,
        .interrupt = EVENT_CODE(low) == EVENT_PAGE_FAULT && low & EVENT_INTERRUPT,
        .reason_text = reason_of(low),
    };
    device_fault(&fault);
}

static void read_events(struct amdvi_unit *unit) {
    uint32_t tail = (uint32_t)AMDVI_64(unit, AMDVI_EVENT_TAIL) / EVENT_SIZE % EVENTS;
    for (; unit->next_event != tail; unit->next_event = (unit->next_event + 1) % EVENTS) {
        const volatile uint64_t *event = &unit->events[unit->next_event * 2];
        report(event[0], event[1]);
    }
    AMDVI_64(unit, AMDVI_EVENT_HEAD) = tail * EVENT_SIZE;
}

/* 2.5: a log that overflowed stands still until it is turned off and on. */
static void restart_log(struct amdvi_unit *unit) {
    uint64_t control = AMDVI_64(unit, AMDVI_CONTROL), deadline = time_after_us(STOP_US);
    AMDVI_64(unit, AMDVI_CONTROL) = control & ~(uint64_t)AMDVI_EVENT_LOG;
    while (AMDVI_64(unit, AMDVI_STATUS) & AMDVI_EVENT_RUNS && time_now() <= deadline)
        ;
    AMDVI_64(unit, AMDVI_STATUS) = AMDVI_EVENT_OVERFLOW;
    AMDVI_64(unit, AMDVI_CONTROL) = control;
}

void amdvi_fault_interrupt(void) {
    for (uint32_t i = 0; i < amdvi_unit_count; i++) {
        struct amdvi_unit *unit = &amdvi_units[i];
        AMDVI_64(unit, AMDVI_STATUS) = AMDVI_EVENT_HAPPENED;
        read_events(unit);
        if (AMDVI_64(unit, AMDVI_STATUS) & AMDVI_EVENT_OVERFLOW)
            restart_log(unit);
    }
}
