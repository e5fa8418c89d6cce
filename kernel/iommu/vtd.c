/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel VT-d in legacy mode: takes over every unit with tables in which nobody is present, then
 * lets requesters in one by one. The tables are shared by all units.
 *
 * Every entry for interrupts (5.1, 9.10) names the one requester that may use it, by all 16 bits;
 * one that nobody was given is absent. Compatibility-format requests are blocked. Called with
 * device_lock held.
 */
#include "iommu/vtd.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/table_format.h"
#include "core/time.h"
#include "pci/pci.h"
#include "x86/apic.h"

enum {
    BUSES = 256, FUNCTIONS_PER_BUS = 256,
    COMMAND_US = 10000,
};

/* 9.3, high word */
#define CONTEXT_3_LEVELS        1ull
#define CONTEXT_4_LEVELS        2ull
#define CONTEXT_DOMAIN(domain)  ((uint64_t)(domain) << 8)

enum { REMAP_ENTRIES = BH_PAGE_SIZE / 16, REMAP_SIZE_CODE = 7 };   /* 10.4.29: 2^(7 + 1) entries */
_Static_assert((uint32_t)REMAP_ENTRIES >= (uint32_t)BH_MAX_INTERRUPTS, "an entry an interrupt");

#define REMAP_X2APIC          (1ull << 11)                 /* 10.4.29: EIME */

/* 9.10: low word, high word */
#define ENTRY_VECTOR(vector)  ((uint64_t)(vector) << 16)
#define ENTRY_X2APIC_ID(id)   ((uint64_t)(id) << 32)
#define ENTRY_XAPIC_ID(id)    ((uint64_t)(id) % 256 << 40)
#define ENTRY_SOURCE(id)      ((uint64_t)(id) % 65536)
#define ENTRY_VERIFY_FULL_ID  (1ull << 18)                 /* SVT 01, SQ 00 */

/* 5.1.2.2: a request's address in remappable format, subhandle not used */
#define MESSAGE_BASE          0xfee00000ull
#define MESSAGE_REMAPPABLE    (1ull << 4)
#define MESSAGE_HANDLE(entry) ((uint64_t)(entry) % 32768 << 5)

static bool four_levels = true;                       /* all units have them */
static uint32_t domain_count = 65536;                 /* every unit has so many */
static struct vtd_entry *root_table;
static paddr_t root_base;
static struct vtd_entry *context_table[BUSES];
static struct vtd_entry *remap_table;
static paddr_t remap_base;
static bool wide;                      /* 32-bit core ids: x2APIC, and every unit can */

/* 10.4.4: what is written is the enables as they are, and one bit more; the status shows it. */
static bool set_command(const struct iommu_unit *unit, uint32_t bit) {
    uint32_t enabled = UNIT_32(unit, VTD_STATUS) & (VTD_ENABLES | VTD_TRANSLATION);
    UNIT_32(unit, VTD_COMMAND) = (enabled & ~VTD_COMPATIBILITY) | bit;
    uint64_t deadline = time_after_us(COMMAND_US);
    while (!(UNIT_32(unit, VTD_STATUS) & bit)) {
        if (time_now() > deadline)
            return false;
    }
    return true;
}

/* Never half an entry: where its high word changes, it is absent in between. */
static void write_entry(volatile struct vtd_entry *entry, uint64_t low, uint64_t high) {
    if (entry->high != high) {
        entry->low = VTD_NO_FAULTS;
        entry->high = high;
    }
    entry->low = low;
    iommu_table_written((const void *)entry, sizeof *entry);
}

/* What a unit must have, or 0. */
static const char *unit_lacks(const struct iommu_unit *unit) {
    uint64_t cap = unit->capability, ext = unit->extended;
    if (!(ext & VTD_EXT_QUEUED))
        return "queued invalidation";
    if (!(ext & VTD_EXT_REMAPPING))
        return "interrupt remapping";
    if (!(cap & (VTD_CAP_3_LEVELS | VTD_CAP_4_LEVELS)))
        return "tables of three or four levels";
    if (VTD_CAP_FAULT_OFFSET(cap) + VTD_CAP_FAULT_COUNT(cap) * 16 > UNIT_SIZE)
        return "fault records near its registers";
    return cap & VTD_CAP_WRITE_FLUSH ? "coherent write buffers" : 0;
}

static bool find_unit(struct iommu_unit *unit) {
    unit->capability = UNIT_64(unit, VTD_CAPABILITY);
    unit->extended = UNIT_64(unit, VTD_EXTENDED);
    const char *lacks = unit_lacks(unit);
    if (lacks != 0)
        log_line("IOMMU: VT-d unit at 0x%lx has no %s", unit->base.value, lacks);
    uint32_t domains = 1u << (4 + 2 * VTD_CAP_DOMAINS(unit->capability));
    domain_count = domains < domain_count ? domains : domain_count;
    four_levels = four_levels && unit->capability & VTD_CAP_4_LEVELS;
    vtd_table_use(unit);
    return lacks == 0;
}

static void add_context_table(uint32_t bus) {
    if (context_table[bus] != 0)
        return;
    paddr_t base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "context table");
    context_table[bus] = physical_at(base, BH_PAGE_SIZE);
    iommu_table_written(context_table[bus], BH_PAGE_SIZE);
    root_table[bus].low = base.value | VTD_PRESENT;
}

static void make_remap_table(void) {
    wide = apic_is_x2apic();
    for (uint32_t i = 0; i < iommu_unit_count; i++)
        wide = wide && iommu_units[i].extended & VTD_EXT_X2APIC;
    remap_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "interrupt remapping table");
    remap_table = physical_at(remap_base, BH_PAGE_SIZE);
    iommu_table_written(remap_table, BH_PAGE_SIZE);
}

/* Every bus that has a function gets a table of absent entries; the others' root is absent. */
static void make_tables(void) {
    root_base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "IOMMU root table");
    root_table = physical_at(root_base, BH_PAGE_SIZE);
    for (uint32_t i = 0; i < pci_count(); i++) {
        add_context_table(pci_function(i)->requester_id / FUNCTIONS_PER_BUS);
        if (pci_alias(i) != BH_NONE)
            add_context_table(pci_alias(i) / FUNCTIONS_PER_BUS);
    }
    iommu_table_written(root_table, BH_PAGE_SIZE);
    make_remap_table();
}

static bool start_unit(struct iommu_unit *unit) {
    UNIT_64(unit, VTD_ROOT_TABLE) = root_base.value;
    UNIT_64(unit, VTD_REMAP_TABLE) = remap_base.value | (wide ? REMAP_X2APIC : 0) | REMAP_SIZE_CODE;
    UNIT_64(unit, VTD_QUEUE_TAIL) = 0;
    UNIT_64(unit, VTD_QUEUE_ADDRESS) = unit->queue_base.value;
    bool ok = set_command(unit, VTD_SET_ROOT) && set_command(unit, VTD_QUEUE) &&
              unit_request(unit, VTD_FLUSH_CONTEXTS) && unit_request(unit, VTD_FLUSH_TLB) &&
              set_command(unit, VTD_TRANSLATION) && set_command(unit, VTD_SET_REMAP) &&
              unit_request(unit, VTD_FLUSH_INTERRUPTS) && set_command(unit, VTD_REMAPPING);
    if (!ok) {
        log_line("IOMMU: VT-d unit at 0x%lx doesn't do what it is told", unit->base.value);
        return false;
    }
    vtd_fault_install(unit);
    return true;
}

bool vtd_install(void) {
    bool ok = true;
    for (uint32_t i = 0; i < iommu_unit_count; i++)
        ok = find_unit(&iommu_units[i]) && ok;
    if (!ok)
        return false;
    make_tables();
    for (uint32_t i = 0; i < iommu_unit_count; i++)
        ok = start_unit(&iommu_units[i]) && ok;
    return ok;
}

static struct vtd_entry *context_of(uint32_t requester_id) {
    struct vtd_entry *table = context_table[requester_id / FUNCTIONS_PER_BUS % BUSES];
    return table == 0 ? 0 : &table[requester_id % FUNCTIONS_PER_BUS];
}

static bool write_context(uint32_t requester_id, uint32_t domain, uint64_t low, uint64_t high) {
    struct vtd_entry *entry = context_of(requester_id);
    INVARIANT(entry != 0);
    write_entry(entry, low, high);
    return units_forget(VTD_FLUSH_CONTEXT(domain, requester_id), VTD_FLUSH_DOMAIN(domain));
}

/* Spaces have four levels and end at 2^38: on a three-level unit the top table's first entry is the
 * root. */
bool vtd_attach(uint32_t requester_id, uint32_t domain, paddr_t root) {
    if (domain >= domain_count)
        return false;
    uint64_t levels = CONTEXT_4_LEVELS;
    if (!four_levels) {
        levels = CONTEXT_3_LEVELS;
        const uint64_t *top = physical_at(root, BH_PAGE_SIZE);
        root = table_entry_target(top[0]);
    }
    return write_context(requester_id, domain, root.value | VTD_PRESENT,
                         CONTEXT_DOMAIN(domain) | levels);
}

bool vtd_detach(uint32_t requester_id, uint32_t domain) {
    return write_context(requester_id, domain, 0, 0);
}

/* 9.3: FPD counts whether the entry is present or not. */
void vtd_ignore_faults(uint32_t requester_id, bool ignore) {
    const struct vtd_entry *entry = context_of(requester_id);
    if (entry != 0)
        write_context(requester_id, (uint32_t)(entry->high >> 8) % 65536,
                      (entry->low & ~VTD_NO_FAULTS) | (ignore ? VTD_NO_FAULTS : 0), entry->high);
}

static bool write_remap_entry(uint32_t index, uint64_t low, uint64_t high) {
    write_entry(&remap_table[index], low, high);
    return units_request(VTD_FLUSH_INTERRUPT(index));
}

bool vtd_interrupt_set(uint32_t index, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                       struct iommu_message *message) {
    INVARIANT(index < REMAP_ENTRIES);
    if (!wide && apic_id > 254)
        panic("IOMMU: core id %u needs interrupt remapping for x2APIC", apic_id);
    uint64_t verify = plan_control(BH_PLAN_CONTROL_NO_SOURCE_CHECK) ? 0 : ENTRY_VERIFY_FULL_ID;
    uint64_t target = wide ? ENTRY_X2APIC_ID(apic_id) : ENTRY_XAPIC_ID(apic_id);
    message->address = MESSAGE_BASE | MESSAGE_REMAPPABLE | MESSAGE_HANDLE(index);
    message->data = 0;
    return write_remap_entry(index, VTD_PRESENT | ENTRY_VECTOR(vector) | target,
                             ENTRY_SOURCE(requester_id) | verify);
}

/* Absent, and silent: what its source still sends neither arrives nor floods the fault log. */
bool vtd_interrupt_clear(uint32_t index) {
    INVARIANT(index < REMAP_ENTRIES);
    return write_remap_entry(index, VTD_NO_FAULTS, remap_table[index].high);
}
