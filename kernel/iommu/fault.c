/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the units tell of denied requests: VT-d's fault records (VT-d 7.3, 10.4.14), AMD-Vi's event
 * log (AMD 2.5). Each is read and handed to whoever attributes it. Bounded: a pass reads what was
 * there when it began, and a device that goes on is silenced by the one who counts. Runs on the
 * core that the units' messages are sent to.
 */
#include "core/boot_memory.h"
#include "core/device.h"
#include "core/interrupt.h"
#include "core/time.h"
#include "iommu/amdvi.h"
#include "iommu/vtd.h"
#include "pci/pci.h"

static const char no_space[] = "it has no device space";
static const char bad_request[] = "a kind of request that isn't allowed";
static const char bad_table[] = "a table of the IOMMU is unreadable or malformed";

/* A unit's own message isn't remapped (VT-d 5.1.6): plain format, to core 0. */
static uint32_t message_address(void) { return 0xfee00000u | interrupt_target(0) % 256 << 12; }

enum { STATUS_OVERFLOW = 1u << 0, RECORD_SIZE = 16 };   /* VT-d 10.4.9 */

/* VT-d 10.4.14, high word */
#define RECORD_SOURCE(high)   ((uint32_t)(high) % 65536)
#define RECORD_REASON(high)   ((uint32_t)((high) >> 32) % 256)
#define RECORD_READ           (1ull << 62)
#define RECORD_FAULT          (1ull << 63)
#define RECORD_ADDRESS(low)   ((low) & ~0xfffull)
#define RECORD_ENTRY(low)     ((low) >> 48)

enum { FIRST_INTERRUPT_REASON = 0x20 };

/* VT-d 7.1.3, 5.1.4: what people should know; the code is counted as it is. */
static const char *const record_text[] = {
    [0x01] = no_space, [0x02] = no_space,
    [0x03] = "its context entry is malformed", [0x04] = "the address is beyond its space",
    [0x05] = "not mapped for writing", [0x06] = "not mapped for reading",
    [0x0d] = bad_request, [0x0e] = "the interrupt window can't be reached by DMA",
    [0x20] = "interrupt request malformed", [0x21] = "interrupt entry beyond the table",
    [0x22] = "interrupt entry not given to anybody",
    [0x25] = "unremapped interrupt request blocked",
    [0x26] = "interrupt entry of another device",
};
enum { RECORD_TEXTS = sizeof record_text / sizeof record_text[0] };

void vtd_fault_install(const struct iommu_unit *unit) {
    UNIT_32(unit, VTD_FAULT_DATA) = VECTOR_IOMMU_FAULT;
    UNIT_32(unit, VTD_FAULT_ADDRESS) = message_address();
    UNIT_32(unit, VTD_FAULT_UPPER) = interrupt_target(0) & 0xffffff00u;
    UNIT_32(unit, VTD_FAULT_STATUS) = 0xff;
    UNIT_32(unit, VTD_FAULT_CONTROL) = 0;
}

static void report_record(uint64_t low, uint64_t high) {
    uint32_t reason = RECORD_REASON(high);
    bool interrupt = reason >= FIRST_INTERRUPT_REASON;
    device_fault(&(struct device_fault){
        .requester_id = RECORD_SOURCE(high),
        .address = interrupt ? RECORD_ENTRY(low) : RECORD_ADDRESS(low),
        .reason = reason,
        .write = !(high & RECORD_READ),
        .interrupt = interrupt,
        .reason_text = reason < RECORD_TEXTS && record_text[reason] != 0 ? record_text[reason] :
                       bad_table,
    });
}

static void read_records(const struct iommu_unit *unit) {
    uint32_t record = VTD_CAP_FAULT_OFFSET(unit->capability);
    for (uint32_t i = 0; i < VTD_CAP_FAULT_COUNT(unit->capability); i++, record += RECORD_SIZE) {
        uint64_t low = UNIT_64(unit, record), high = UNIT_64(unit, record + 8);
        if (high & RECORD_FAULT) {
            UNIT_64(unit, record + 8) = RECORD_FAULT;
            report_record(low, high);
        }
    }
    UNIT_32(unit, VTD_FAULT_STATUS) = STATUS_OVERFLOW;
}

enum {
    LOG_LENGTH_CODE = 8,
    EVENTS = 1 << LOG_LENGTH_CODE, EVENT_SIZE = 16,
    LOG_SIZE = EVENTS * EVENT_SIZE,
    STOP_US = 1000,
};

/* AMD 2.5.1, 2.5.3: first word. */
#define EVENT_CODE(low)       ((uint32_t)((low) >> 60))
#define EVENT_SOURCE(low)     ((uint32_t)(low) % 65536)
#define EVENT_INTERRUPT       (1ull << 51)
#define EVENT_PRESENT         (1ull << 52)
#define EVENT_WRITE           (1ull << 53)

enum event_code { EVENT_PAGE_FAULT = 2, EVENT_BAD_REQUEST = 8 };

/* Its message comes by its own PCI function, which is nobody's. */
void amdvi_fault_install(struct iommu_unit *unit, uint32_t unit_id) {
    paddr_t base = boot_memory_take(LOG_SIZE, BH_PAGE_SIZE, "IOMMU event log");
    uint32_t index = pci_find(unit_id);
    unit->events = physical_at(base, LOG_SIZE);
    UNIT_64(unit, AMDVI_EVENT_BASE) = base.value | AMDVI_LENGTH(LOG_LENGTH_CODE);
    UNIT_64(unit, AMDVI_EVENT_HEAD) = 0;
    UNIT_64(unit, AMDVI_EVENT_TAIL) = 0;
    if (index == BH_NONE)
        return;
    pci_function(index)->endpoint = false;
    if (pci_function(index)->msi == 0)
        return;
    pci_set_master(index, true);
    pci_message_set(index, false, 0, message_address(), VECTOR_IOMMU_FAULT);
    pci_message_mask(index, false, 0, false);
}

static const char *event_text(uint64_t low) {
    uint64_t translation = amdvi_devices[EVENT_SOURCE(low)].translation;
    if (EVENT_CODE(low) == EVENT_BAD_REQUEST)
        return bad_request;
    if (EVENT_CODE(low) != EVENT_PAGE_FAULT)
        return bad_table;
    if (low & EVENT_INTERRUPT)
        return "interrupt entry not given to it";
    if (!(translation & (AMDVI_DEVICE_READ | AMDVI_DEVICE_WRITE)))
        return no_space;
    if (!(low & EVENT_PRESENT))
        return "not mapped";
    return low & EVENT_WRITE ? "not mapped for writing" : "not mapped for reading";
}

static void report_event(uint64_t low, uint64_t address) {
    device_fault(&(struct device_fault){
        .requester_id = EVENT_SOURCE(low),
        .address = address,
        .reason = EVENT_CODE(low),
        .write = low & EVENT_WRITE,
        .interrupt = EVENT_CODE(low) == EVENT_PAGE_FAULT && low & EVENT_INTERRUPT,
        .reason_text = event_text(low),
    });
}

/* AMD 2.5: a log that overflowed stands still until it is turned off and on. */
static void restart_log(struct iommu_unit *unit) {
    uint64_t control = UNIT_64(unit, AMDVI_CONTROL), deadline = time_after_us(STOP_US);
    UNIT_64(unit, AMDVI_CONTROL) = control & ~(uint64_t)AMDVI_EVENT_LOG;
    while (UNIT_64(unit, AMDVI_STATUS) & AMDVI_EVENT_RUNS && time_now() <= deadline)
        ;
    UNIT_64(unit, AMDVI_STATUS) = AMDVI_EVENT_OVERFLOW;
    UNIT_64(unit, AMDVI_CONTROL) = control;
}

static void read_events(struct iommu_unit *unit) {
    UNIT_64(unit, AMDVI_STATUS) = AMDVI_EVENT_HAPPENED;
    uint32_t tail = (uint32_t)UNIT_64(unit, AMDVI_EVENT_TAIL) / EVENT_SIZE % EVENTS;
    for (; unit->next_event != tail; unit->next_event = (unit->next_event + 1) % EVENTS) {
        const volatile uint64_t *event = &unit->events[unit->next_event * 2];
        report_event(event[0], event[1]);
    }
    UNIT_64(unit, AMDVI_EVENT_HEAD) = tail * EVENT_SIZE;
    if (UNIT_64(unit, AMDVI_STATUS) & AMDVI_EVENT_OVERFLOW)
        restart_log(unit);
}

void iommu_fault_interrupt(void) {
    for (uint32_t i = 0; i < iommu_unit_count; i++) {
        if (iommu_kind() == IOMMU_VTD)
            read_records(&iommu_units[i]);
        else if (iommu_kind() == IOMMU_AMDVI)
            read_events(&iommu_units[i]);
    }
}
