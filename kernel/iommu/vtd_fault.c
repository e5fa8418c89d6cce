/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Primary fault logging (VT-d 7.3, 10.4.14): each record is read, cleared and handed to whoever
 * attributes it. Bounded: a pass reads each record at most once, and a device that goes on is
 * silenced by the one who counts. Runs on the core that the fault message is sent to.
 */
#include "iommu/vtd.h"

#include "core/device.h"
#include "core/interrupt.h"
#include "x86/apic.h"

enum { STATUS_OVERFLOW = 1u << 0, RECORD_SIZE = 16 };   /* 10.4.9 */

/* 10.4.14, high word */
#define RECORD_SOURCE(high)   ((uint32_t)(high) % 65536)
#define RECORD_REASON(high)   ((uint32_t)((high) >> 32) % 256)
#define RECORD_READ           (1ull << 62)
#define RECORD_FAULT          (1ull << 63)
#define RECORD_ADDRESS(low)   ((low) & ~0xfffull)
#define RECORD_ENTRY(low)     ((low) >> 48)

enum { FIRST_INTERRUPT_REASON = 0x20 };

/* 7.1.3, 5.1.4: what people should know; the code is counted as it is. */
static const char *const reason_text[] = {
    [0x01] = "it has no device space", [0x02] = "it has no device space",
    [0x03] = "its context entry is malformed", [0x04] = "the address is beyond its space",
    [0x05] = "not mapped for writing", [0x06] = "not mapped for reading",
    [0x0d] = "a kind of request that isn't allowed",
    [0x0e] = "the interrupt window can't be reached by DMA",
    [0x20] = "interrupt request malformed", [0x21] = "interrupt entry beyond the table",
    [0x22] = "interrupt entry not given to anybody",
    [0x25] = "unremapped interrupt request blocked",
    [0x26] = "interrupt entry of another device",
};
enum { REASONS = sizeof reason_text / sizeof reason_text[0] };

/* The fault message itself isn't remapped (5.1.6): plain format, to core 0. */
void vtd_fault_install(const struct vtd_unit *unit) {
    uint32_t target = apic_id_of_core(0);
    VTD_32(unit, VTD_FAULT_DATA) = VECTOR_IOMMU_FAULT;
    VTD_32(unit, VTD_FAULT_ADDRESS) = 0xfee00000u | target % 256 << 12;
    VTD_32(unit, VTD_FAULT_UPPER) = apic_is_x2apic() ? target & 0xffffff00u : 0;
    VTD_32(unit, VTD_FAULT_STATUS) = 0xff;
    VTD_32(unit, VTD_FAULT_CONTROL) = 0;
}

static void report(uint64_t low, uint64_t high) {
    uint32_t reason = RECORD_REASON(high);
    bool interrupt = reason >= FIRST_INTERRUPT_REASON;
    struct device_fault fault = {
        .requester_id = RECORD_SOURCE(high),
        .address = interrupt ? RECORD_ENTRY(low) : RECORD_ADDRESS(low),
        .reason = reason,
        .write = !(high & RECORD_READ),
        .interrupt = interrupt,
        .reason_text = reason < REASONS && reason_text[reason] != 0 ? reason_text[reason] :
                       "a table of the IOMMU is unreadable or malformed",
    };
    device_fault(&fault);
}

static void read_records(const struct vtd_unit *unit) {
    uint32_t record = VTD_CAP_FAULT_OFFSET(unit->capability);
    for (uint32_t i = 0; i < VTD_CAP_FAULT_COUNT(unit->capability); i++, record += RECORD_SIZE) {
        uint64_t low = VTD_64(unit, record), high = VTD_64(unit, record + 8);
        if (high & RECORD_FAULT) {
            VTD_64(unit, record + 8) = RECORD_FAULT;
            report(low, high);
        }
    }
    VTD_32(unit, VTD_FAULT_STATUS) = STATUS_OVERFLOW;
}

void vtd_fault_interrupt(void) {
    for (uint32_t i = 0; i < vtd_unit_count; i++)
        read_records(&vtd_units[i]);
}
