/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel VT-d in legacy mode: takes over every unit with tables in which nobody is present, then
 * lets requesters in one by one. The tables are shared by all units.
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
    REGISTERS_SIZE = 2 * BH_PAGE_SIZE,
    COMMAND_US = 10000,
};

struct table_entry { uint64_t low, high; };   /* 9.1, 9.3 */

#define ROOT_PRESENT            (1ull << 0)
#define CONTEXT_PRESENT         (1ull << 0)
#define CONTEXT_NO_FAULTS       (1ull << 1)
#define CONTEXT_3_LEVELS        1ull
#define CONTEXT_4_LEVELS        2ull
#define CONTEXT_DOMAIN(domain)  ((uint64_t)(domain) << 8)

/* 6.5.2.3: drains, 6.5.2.8: the wait descriptor. */
#define TLB_DRAIN_WRITES        (1ull << 6)
#define TLB_DRAIN_READS         (1ull << 7)
#define WAIT_WRITE_STATUS       (5ull | 1ull << 5)
#define WAIT_DATA(value)        ((uint64_t)(value) << 32)

struct vtd_unit vtd_units[SCOPE_MAX_UNITS];
uint32_t vtd_unit_count;
static bool four_levels = true;                       /* all units have them */
static uint32_t domain_count = 65536;                 /* every unit has so many */
static struct table_entry *root_table;
static paddr_t root_base;
static struct table_entry *context_table[BUSES];

/* 10.4.4: what is written is the enables as they are, and one bit more; the status shows it. */
bool vtd_set_command(const struct vtd_unit *unit, uint32_t bit) {
    uint32_t enabled = VTD_32(unit, VTD_STATUS) & (VTD_ENABLES | VTD_TRANSLATION);
    VTD_32(unit, VTD_COMMAND) = (enabled & ~VTD_COMPATIBILITY) | bit;
    uint64_t deadline = time_after_us(COMMAND_US);
    while (!(VTD_32(unit, VTD_STATUS) & bit)) {
        if (time_now() > deadline)
            return false;
    }
    return true;
}

/* What a unit must have, or 0. */
static const char *unit_lacks(const struct vtd_unit *unit) {
    uint64_t cap = unit->capability, ext = unit->extended;
    if (!(ext & VTD_EXT_QUEUED))
        return "queued invalidation";
    if (!(ext & VTD_EXT_REMAPPING))
        return "interrupt remapping";
    if (!(cap & (VTD_CAP_3_LEVELS | VTD_CAP_4_LEVELS)))
        return "tables of three or four levels";
    if (VTD_CAP_FAULT_OFFSET(cap) + VTD_CAP_FAULT_COUNT(cap) * 16 > REGISTERS_SIZE)
        return "fault records near its registers";
    return cap & VTD_CAP_WRITE_FLUSH ? "coherent write buffers" : 0;
}

static bool find_unit(struct vtd_unit *unit, paddr_t base) {
    unit->base = base;
    unit->registers = physical_registers(base, REGISTERS_SIZE);
    unit->capability = VTD_64(unit, VTD_CAPABILITY);
    unit->extended = VTD_64(unit, VTD_EXTENDED);
    const char *lacks = unit_lacks(unit);
    if (lacks != 0)
        log_line("IOMMU: VT-d unit at 0x%lx has no %s", base.value, lacks);
    uint32_t domains = 1u << (4 + 2 * VTD_CAP_DOMAINS(unit->capability));
    domain_count = domains < domain_count ? domains : domain_count;
    four_levels = four_levels && unit->capability & VTD_CAP_4_LEVELS;
    vtd_table_use(unit);
    return lacks == 0;
}

/* Drains what is in flight where the unit can (10.4.2: DWD, DRD). */
static uint64_t drains(const struct vtd_unit *unit) {
    return (unit->capability & VTD_CAP_DRAIN_WRITE ? TLB_DRAIN_WRITES : 0) |
           (unit->capability & VTD_CAP_DRAIN_READ ? TLB_DRAIN_READS : 0);
}

bool vtd_request(struct vtd_unit *unit, uint64_t request) {
    struct iommu_queue *queue = &unit->queue;
    queue_put(queue, request | (VTD_FLUSHES_TLB(request) ? drains(unit) : 0), 0);
    queue_put(queue, WAIT_WRITE_STATUS | WAIT_DATA(++queue->ticket), queue->done_base.value);
    return queue_run(queue, &VTD_64(unit, VTD_QUEUE_TAIL));
}

static void add_context_table(uint32_t bus) {
    if (context_table[bus] != 0)
        return;
    paddr_t base = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "context table");
    context_table[bus] = physical_at(base, BH_PAGE_SIZE);
    iommu_table_written(context_table[bus], BH_PAGE_SIZE);
    root_table[bus].low = base.value | ROOT_PRESENT;
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
    vtd_interrupt_tables();
}

static bool start_unit(struct vtd_unit *unit) {
    VTD_64(unit, VTD_ROOT_TABLE) = root_base.value;
    queue_install(&unit->queue, unit->base);
    VTD_64(unit, VTD_QUEUE_TAIL) = 0;
    VTD_64(unit, VTD_QUEUE_ADDRESS) = unit->queue.base.value;
    bool translating = vtd_set_command(unit, VTD_SET_ROOT) && vtd_set_command(unit, VTD_QUEUE) &&
                       vtd_request(unit, VTD_FLUSH_CONTEXTS) && vtd_request(unit, VTD_FLUSH_TLB) &&
                       vtd_set_command(unit, VTD_TRANSLATION);
    if (!translating || !vtd_interrupt_install(unit)) {
        log_line("IOMMU: VT-d unit at 0x%lx doesn't do what it is told", unit->base.value);
        return false;
    }
    vtd_fault_install(unit);
    return true;
}

bool vtd_install(const struct scopes *scopes) {
    bool ok = true;
    vtd_unit_count = scopes->unit_count;
    for (uint32_t i = 0; i < vtd_unit_count; i++)
        ok = find_unit(&vtd_units[i], scopes->registers[i]) && ok;
    if (!ok)
        return false;
    make_tables();
    for (uint32_t i = 0; i < vtd_unit_count; i++)
        ok = start_unit(&vtd_units[i]) && ok;
    return ok;
}

static struct table_entry *context_of(uint32_t requester_id) {
    struct table_entry *table = context_table[requester_id / FUNCTIONS_PER_BUS % BUSES];
    return table == 0 ? 0 : &table[requester_id % FUNCTIONS_PER_BUS];
}

/* The context entry changed: no unit may hold the old one, nor translations by it (6.5.3.3). */
static bool invalidate(uint32_t requester_id, uint32_t domain) {
    bool ok = true;
    for (uint32_t i = 0; i < vtd_unit_count && !plan_control(BH_PLAN_CONTROL_NO_INVALIDATE); i++) {
        ok = vtd_request(&vtd_units[i], VTD_FLUSH_CONTEXT(domain, requester_id)) && ok;
        ok = vtd_request(&vtd_units[i], VTD_FLUSH_DOMAIN(domain)) && ok;
    }
    return ok;
}

static bool write_context(uint32_t requester_id, uint32_t domain, struct table_entry value) {
    struct table_entry *entry = context_of(requester_id);
    INVARIANT(entry != 0);
    *(volatile uint64_t *)&entry->low = 0;         /* never half an entry */
    *(volatile uint64_t *)&entry->high = value.high;
    *(volatile uint64_t *)&entry->low = value.low;
    iommu_table_written(entry, sizeof *entry);
    return invalidate(requester_id, domain);
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
    struct table_entry value = {
        .low = root.value | CONTEXT_PRESENT,
        .high = CONTEXT_DOMAIN(domain) | levels,
    };
    return write_context(requester_id, domain, value);
}

bool vtd_detach(uint32_t requester_id, uint32_t domain) {
    return write_context(requester_id, domain, (struct table_entry){ 0, 0 });
}

/* 9.3: FPD counts whether the entry is present or not. */
void vtd_ignore_faults(uint32_t requester_id, bool ignore) {
    struct table_entry *entry = context_of(requester_id);
    if (entry == 0)
        return;
    uint64_t low = entry->low & ~CONTEXT_NO_FAULTS;
    *(volatile uint64_t *)&entry->low = low | (ignore ? CONTEXT_NO_FAULTS : 0);
    iommu_table_written(entry, sizeof *entry);
    invalidate(requester_id, (uint32_t)(entry->high >> 8) % 65536);
}
