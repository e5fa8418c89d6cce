/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD-Vi: takes over every unit with a device table in which everybody is denied, then lets
 * requesters in one by one. An entry that isn't valid would let its requester through, so all 65536
 * are valid and lead to a table that maps nothing. The table is shared by all units.
 *
 * Each requester has an interrupt remapping table (2.2.5) of its own, so none can use another's
 * entries; an entry that it wasn't given is absent. The message's low bits are the index, and an
 * interrupt's index is its vector: so the message is a plain one (Intel SDM volume 3, 11.11), also
 * in the I/O APIC. Called with device_lock held.
 */
#include "iommu/amdvi.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/plan.h"
#include "pci/pci.h"

enum {
    DEVICES = 65536,
    TABLE_SIZE = DEVICES * sizeof(struct amdvi_device),
    TABLE_SIZE_CODE = TABLE_SIZE / BH_PAGE_SIZE - 1,
    COMMAND_LENGTH_CODE = 8,          /* 2^8 commands: a page */
};

/* 2.2.5.2, with a physical destination and fixed delivery. */
#define ENTRY_PRESENT         (1u << 0)
#define ENTRY_NO_FAULTS       (1u << 1)
#define ENTRY_TARGET(id)      ((uint32_t)(id) << 8)
#define ENTRY_VECTOR(vector)  ((uint32_t)(vector) << 16)

static struct {
    volatile uint32_t *entry;          /* null: never set */
    uint32_t requester_id;
} given[BH_MAX_INTERRUPTS];

volatile struct amdvi_device *amdvi_devices;
static paddr_t devices_base;
static uint64_t denied;               /* first word of an entry */

/* The red team's control lets messages through as they are. */
static void allow_interrupts(uint32_t requester_id) {
    paddr_t table = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "interrupt remapping table");
    amdvi_devices[requester_id].interrupts =
        (plan_control(BH_PLAN_CONTROL_NO_SOURCE_CHECK) ? 0 : AMDVI_DEVICE_REMAP) |
        AMDVI_DEVICE_256_INTERRUPTS | AMDVI_DEVICE_INT_BY_TABLE | table.value;
}

static void make_tables(const struct scopes *scopes) {
    paddr_t nothing = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "empty IOMMU table");
    denied = AMDVI_DEVICE_VALID | AMDVI_DEVICE_4_LEVELS | nothing.value;
    devices_base = boot_memory_take(TABLE_SIZE, BH_PAGE_SIZE, "IOMMU device table");
    amdvi_devices = physical_at(devices_base, TABLE_SIZE);
    for (uint32_t id = 0; id < DEVICES; id++)
        amdvi_devices[id] = (struct amdvi_device){ .translation = denied,
                                                   .interrupts = AMDVI_DEVICE_REMAP };
    for (uint32_t i = 0; i < pci_count(); i++)
        allow_interrupts(pci_function(i)->requester_id);
    for (uint32_t i = 0; i < scopes->count; i++) {
        if (scopes->scope[i].kind == SCOPE_IOAPIC)
            allow_interrupts(scopes->scope[i].first);
    }
}

/* What was on is off for a moment; nobody masters the bus yet. */
static bool start_unit(struct iommu_unit *unit, uint32_t unit_id) {
    UNIT_64(unit, AMDVI_CONTROL) = 0;
    UNIT_64(unit, AMDVI_DEVICE_TABLE) = devices_base.value | TABLE_SIZE_CODE;
    UNIT_64(unit, AMDVI_COMMAND_BASE) = unit->queue_base.value | AMDVI_LENGTH(COMMAND_LENGTH_CODE);
    UNIT_64(unit, AMDVI_COMMAND_HEAD) = 0;
    UNIT_64(unit, AMDVI_COMMAND_TAIL) = 0;
    amdvi_fault_install(unit, unit_id);
    UNIT_64(unit, AMDVI_CONTROL) = AMDVI_ENABLE | AMDVI_COMMANDS | AMDVI_COHERENT |
                                   AMDVI_EVENT_LOG | AMDVI_EVENT_INTERRUPT;
    bool able = UNIT_64(unit, AMDVI_FEATURES) & AMDVI_FEATURE_INVALIDATE_ALL;
    bool ok = able && unit_request(unit, AMDVI_FLUSH_ALL);
    if (!ok)
        log_line("IOMMU: AMD-Vi unit at 0x%lx %s", unit->base.value,
                 able ? "doesn't do what it is told" : "can't invalidate everything at once");
    return ok;
}

bool amdvi_install(const struct scopes *scopes) {
    bool ok = true;
    make_tables(scopes);
    for (uint32_t i = 0; i < iommu_unit_count; i++)
        ok = start_unit(&iommu_units[i], scopes->unit_id[i]) && ok;
    return ok;
}

static bool forget(uint32_t requester_id, uint32_t domain) {
    return units_forget(AMDVI_FLUSH_DEVICE(requester_id), AMDVI_FLUSH_DOMAIN(domain));
}

bool amdvi_attach(uint32_t requester_id, uint32_t domain, paddr_t root) {
    amdvi_devices[requester_id].domain = domain;
    amdvi_devices[requester_id].translation = root.value | AMDVI_DEVICE_VALID |
                                              AMDVI_DEVICE_4_LEVELS | AMDVI_DEVICE_READ |
                                              AMDVI_DEVICE_WRITE;
    return forget(requester_id, domain);
}

bool amdvi_detach(uint32_t requester_id, uint32_t domain) {
    amdvi_devices[requester_id].translation = denied;
    return forget(requester_id, domain);
}

void amdvi_ignore_faults(uint32_t requester_id, bool ignore) {
    volatile struct amdvi_device *device = &amdvi_devices[requester_id];
    uint64_t domain = device->domain & ~AMDVI_DEVICE_NO_FAULTS;
    uint64_t interrupts = device->interrupts & ~AMDVI_DEVICE_NO_INT_FAULTS;
    device->domain = domain | (ignore ? AMDVI_DEVICE_NO_FAULTS : 0);
    device->interrupts = interrupts | (ignore ? AMDVI_DEVICE_NO_INT_FAULTS : 0);
    forget(requester_id, (uint32_t)domain % DEVICES);
}

static bool write_interrupt(uint32_t index, uint32_t value) {
    *given[index].entry = value;
    return units_request(AMDVI_FLUSH_INTERRUPTS(given[index].requester_id));
}

bool amdvi_interrupt_set(uint32_t index, uint32_t requester_id, uint32_t vector, uint32_t apic_id) {
    INVARIANT(index < BH_MAX_INTERRUPTS && vector < 256);
    if (apic_id > 254)
        panic("IOMMU: core id %u needs interrupt remapping for x2APIC", apic_id);
    paddr_t table = paddr(amdvi_devices[requester_id].interrupts & AMDVI_DEVICE_INT_TABLE);
    INVARIANT(table.value != 0);
    given[index].requester_id = requester_id;
    given[index].entry = (volatile uint32_t *)physical_at(table, BH_PAGE_SIZE) + vector;
    return write_interrupt(index, ENTRY_PRESENT | ENTRY_TARGET(apic_id) | ENTRY_VECTOR(vector));
}

/* Absent, and silent: what its source still sends neither arrives nor floods the event log. */
bool amdvi_interrupt_clear(uint32_t index) {
    INVARIANT(index < BH_MAX_INTERRUPTS);
    return given[index].entry == 0 || write_interrupt(index, ENTRY_NO_FAULTS);
}
