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

enum { STATUS_OVERFLOW = 1u << 0, STATUS_PENDING = 1u << 1, RECORD_SIZE = 16 };   /* 10.4.9 */

/* 10.4.14, high word */
#define RECORD_SOURCE(high)   ((uint32_t)(high) % 65536)
#define RECORD_REASON(high)   ((uint32_t)((high) >> 32) % 256)
#define RECORD_READ           (1ull << 62)
#define RECORD_FAULT          (1ull << 63)
#define RECORD_ADDRESS(low)   ((low) & ~0xfffull)
#define RECORD_ENTRY(low)     ((low) >> 48)

enum { FIRST_INTERRUPT_REASON = 0x20 };

/* Appendix A; 7.1 */
static const char *reason_text(uint32_t reason)
{
    switch (reason) {
    case 0x01: case 0x02: return "it has no device space";
    case 0x03: return "its context entry is malformed";
    case 0x04: return "the address is beyond its space";
    case 0x05: return "not mapped for writing";
    case 0x06: return "not mapped for reading";
    case 0x07: case 0x08: case 0x09: return "a table could not be read";
    case 0x0a: case 0x0b: case 0x0c: return "a table entry is malformed";
    case 0x0d: return "a kind of request that isn't allowed";
    case 0x0e: return "the interrupt window can't be reached by DMA";
    case 0x20: return "interrupt request malformed";
    case 0x21: return "interrupt entry beyond the table";
    case 0x22: return "interrupt entry not given to anybody";
    case 0x25: return "unremapped interrupt request blocked";
    case 0x26: return "interrupt entry of another device";
    default:   return "other reason";
    }
}

/* The fault message itself isn't remapped (5.1.6): plain format, to core 0. */
void vtd_fault_install(const struct vtd_unit *unit)
{
    uint32_t target = apic_id_of_core(0);
    vtd_write32(unit, VTD_FAULT_DATA, VECTOR_IOMMU_FAULT);
    vtd_write32(unit, VTD_FAULT_ADDRESS, 0xfee00000u | target % 256 << 12);
    vtd_write32(unit, VTD_FAULT_UPPER, apic_is_x2apic() ? target & 0xffffff00u : 0);
    vtd_write32(unit, VTD_FAULT_STATUS, 0xff);
    vtd_write32(unit, VTD_FAULT_CONTROL, 0);
}

static void report(uint64_t low, uint64_t high)
{
    uint32_t reason = RECORD_REASON(high);
    bool interrupt = reason >= FIRST_INTERRUPT_REASON;
    struct device_fault fault = {
        .requester_id = RECORD_SOURCE(high),
        .address = interrupt ? RECORD_ENTRY(low) : RECORD_ADDRESS(low),
        .reason = reason,
        .write = !(high & RECORD_READ),
        .interrupt = interrupt,
        .reason_text = reason_text(reason),
    };
    device_fault(&fault);
}

static void read_records(const struct vtd_unit *unit)
{
    uint32_t count = VTD_CAP_FAULT_COUNT(unit->capability);
    uint32_t first = VTD_CAP_FAULT_OFFSET(unit->capability);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t record = first + i * RECORD_SIZE;
        uint64_t high = vtd_read64(unit, record + 8);
        if (!(high & RECORD_FAULT))
            continue;
        uint64_t low = vtd_read64(unit, record);
        vtd_write64(unit, record + 8, RECORD_FAULT);
        report(low, high);
    }
}

void vtd_fault_interrupt(void)
{
    for (uint32_t i = 0; i < vtd_unit_count(); i++) {
        const struct vtd_unit *unit = vtd_unit(i);
        uint32_t status = vtd_read32(unit, VTD_FAULT_STATUS);
        if (status & (STATUS_PENDING | STATUS_OVERFLOW)) {
            read_records(unit);
            vtd_write32(unit, VTD_FAULT_STATUS, STATUS_OVERFLOW);
        }
    }
}
