/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt remapping table (VT-d 5.1, 9.10). Every entry names the one requester that may use
 * it, by all 16 bits; an entry that nobody was given is absent. Compatibility-format requests are
 * blocked. Called with device_lock held.
 */
#include "iommu/vtd.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/table_format.h"
#include "x86/apic.h"

enum { REMAP_ENTRIES = BH_PAGE_SIZE / 16, REMAP_SIZE_CODE = 7 };   /* 10.4.29: 2^(7 + 1) entries */
_Static_assert((uint32_t)REMAP_ENTRIES >= (uint32_t)BH_MAX_INTERRUPTS, "an entry an interrupt");

#define REMAP_X2APIC          (1ull << 11)                 /* 10.4.29: EIME */

/* 9.10: low word, high word */
#define ENTRY_PRESENT         (1ull << 0)
#define ENTRY_NO_FAULTS       (1ull << 1)
#define ENTRY_VECTOR(vector)  ((uint64_t)(vector) << 16)
#define ENTRY_X2APIC_ID(id)   ((uint64_t)(id) << 32)
#define ENTRY_XAPIC_ID(id)    ((uint64_t)(id) % 256 << 40)
#define ENTRY_SOURCE(id)      ((uint64_t)(id) % 65536)
#define ENTRY_VERIFY_FULL_ID  (1ull << 18)                 /* SVT 01, SQ 00 */

/* 5.1.2.2: a request's address in remappable format, subhandle not used */
#define MESSAGE_BASE          0xfee00000ull
#define MESSAGE_REMAPPABLE    (1ull << 4)
#define MESSAGE_HANDLE(entry) ((uint64_t)(entry) % 32768 << 5)

struct remap_entry { uint64_t low, high; };

static struct remap_entry *table;
static paddr_t table_base;
static bool wide;                      /* 32-bit core ids: x2APIC, and every unit can */

void vtd_interrupt_tables(void) {
    wide = apic_is_x2apic();
    for (uint32_t i = 0; i < vtd_unit_count; i++)
        wide = wide && vtd_units[i].extended & VTD_EXT_X2APIC;
    table_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "interrupt remapping table");
    table = physical_at(table_base, BH_PAGE_SIZE);
    iommu_table_written(table, BH_PAGE_SIZE);
}

bool vtd_interrupt_install(struct vtd_unit *unit) {
    VTD_64(unit, VTD_REMAP_TABLE) = table_base.value | (wide ? REMAP_X2APIC : 0) | REMAP_SIZE_CODE;
    return vtd_set_command(unit, VTD_SET_REMAP) && vtd_request(unit, VTD_FLUSH_INTERRUPTS) &&
           vtd_set_command(unit, VTD_REMAPPING);
}

static bool write_entry(uint32_t index, struct remap_entry value) {
    struct remap_entry *entry = &table[index];
    bool ok = true;
    if (entry->high != value.high) {
        *(volatile uint64_t *)&entry->low = ENTRY_NO_FAULTS;   /* never half an entry */
        *(volatile uint64_t *)&entry->high = value.high;
    }
    *(volatile uint64_t *)&entry->low = value.low;
    iommu_table_written(entry, sizeof *entry);
    for (uint32_t i = 0; i < vtd_unit_count; i++)
        ok = vtd_request(&vtd_units[i], VTD_FLUSH_INTERRUPT(index)) && ok;
    return ok;
}

bool vtd_interrupt_set(uint32_t index, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                       struct iommu_message *message) {
    INVARIANT(index < REMAP_ENTRIES);
    if (!wide && apic_id > 254)
        panic("IOMMU: core id %u needs interrupt remapping for x2APIC", apic_id);
    bool check_source = !plan_control(BH_PLAN_CONTROL_NO_SOURCE_CHECK);
    struct remap_entry entry = {
        .low = ENTRY_PRESENT | ENTRY_VECTOR(vector) |
               (wide ? ENTRY_X2APIC_ID(apic_id) : ENTRY_XAPIC_ID(apic_id)),
        .high = ENTRY_SOURCE(requester_id) | (check_source ? ENTRY_VERIFY_FULL_ID : 0),
    };
    message->address = MESSAGE_BASE | MESSAGE_REMAPPABLE | MESSAGE_HANDLE(index);
    message->data = 0;
    return write_entry(index, entry);
}

/* Absent, and silent: what its source still sends neither arrives nor floods the fault log. */
bool vtd_interrupt_clear(uint32_t index) {
    INVARIANT(index < REMAP_ENTRIES);
    return write_entry(index, (struct remap_entry){ ENTRY_NO_FAULTS, table[index].high });
}
