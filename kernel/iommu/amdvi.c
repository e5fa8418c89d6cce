/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD-Vi: takes over every unit with a device table in which everybody is denied, then lets
 * requesters in one by one. An entry that isn't valid would let its requester through, so all 65536
 * are valid and lead to a table that maps nothing. The table is shared by all units.
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
    REGISTERS_SIZE = 4 * BH_PAGE_SIZE,
};

struct amdvi_unit amdvi_units[SCOPE_MAX_UNITS];
uint32_t amdvi_unit_count;
struct amdvi_device *amdvi_devices;
static paddr_t devices_base;
static uint64_t denied;               /* first word of an entry */

static bool request(struct amdvi_unit *unit, uint64_t low, uint64_t high) {
    struct iommu_queue *queue = &unit->queue;
    queue_put(queue, low, high);
    queue_put(queue, AMDVI_WAIT_AND_STORE | queue->done_base.value, ++queue->ticket);
    return queue_run(queue, &AMDVI_64(unit, AMDVI_COMMAND_TAIL));
}

bool amdvi_request(uint64_t low, uint64_t high) {
    bool ok = true;
    for (uint32_t i = 0; i < amdvi_unit_count; i++)
        ok = request(&amdvi_units[i], low, high) && ok;
    return ok;
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
        amdvi_interrupt_allow(pci_function(i)->requester_id);
    for (uint32_t i = 0; i < scopes->count; i++) {
        if (scopes->scope[i].kind == SCOPE_IOAPIC)
            amdvi_interrupt_allow(scopes->scope[i].first);
    }
}

/* What was on is off for a moment; nobody masters the bus yet. */
static bool start_unit(struct amdvi_unit *unit, paddr_t base, uint32_t unit_id) {
    unit->base = base;
    unit->registers = physical_registers(base, REGISTERS_SIZE);
    AMDVI_64(unit, AMDVI_CONTROL) = 0;
    AMDVI_64(unit, AMDVI_DEVICE_TABLE) = devices_base.value | TABLE_SIZE_CODE;
    queue_install(&unit->queue, base);
    AMDVI_64(unit, AMDVI_COMMAND_BASE) = unit->queue.base.value | AMDVI_LENGTH(COMMAND_LENGTH_CODE);
    AMDVI_64(unit, AMDVI_COMMAND_HEAD) = 0;
    AMDVI_64(unit, AMDVI_COMMAND_TAIL) = 0;
    amdvi_fault_install(unit, unit_id);
    AMDVI_64(unit, AMDVI_CONTROL) = AMDVI_ENABLE | AMDVI_COMMANDS | AMDVI_COHERENT |
                                    AMDVI_EVENT_LOG | AMDVI_EVENT_INTERRUPT;
    bool able = AMDVI_64(unit, AMDVI_FEATURES) & AMDVI_FEATURE_INVALIDATE_ALL;
    bool ok = able && request(unit, AMDVI_FLUSH_ALL, 0);
    if (!ok)
        log_line("IOMMU: AMD-Vi unit at 0x%lx %s", base.value,
                 able ? "doesn't do what it is told" : "can't invalidate everything at once");
    return ok;
}

bool amdvi_install(const struct scopes *scopes) {
    bool ok = true;
    make_tables(scopes);
    amdvi_unit_count = scopes->unit_count;
    for (uint32_t i = 0; i < amdvi_unit_count; i++)
        ok = start_unit(&amdvi_units[i], scopes->registers[i], scopes->unit_id[i]) && ok;
    return ok;
}

/* 2.4: the entry first, then what was translated by it. */
static bool invalidate(uint32_t requester_id, uint32_t domain) {
    if (plan_control(BH_PLAN_CONTROL_NO_INVALIDATE))
        return true;
    bool ok = amdvi_request(AMDVI_FLUSH_DEVICE(requester_id), 0);
    return amdvi_request(AMDVI_FLUSH_DOMAIN(domain), AMDVI_FLUSH_WHOLE_DOMAIN) && ok;
}

static void write_word(uint64_t *word, uint64_t value) { *(volatile uint64_t *)word = value; }

bool amdvi_attach(uint32_t requester_id, uint32_t domain, paddr_t root) {
    struct amdvi_device *device = &amdvi_devices[requester_id];
    write_word(&device->domain, domain);
    write_word(&device->translation, root.value | AMDVI_DEVICE_VALID | AMDVI_DEVICE_4_LEVELS |
                                     AMDVI_DEVICE_READ | AMDVI_DEVICE_WRITE);
    return invalidate(requester_id, domain);
}

bool amdvi_detach(uint32_t requester_id, uint32_t domain) {
    write_word(&amdvi_devices[requester_id].translation, denied);
    return invalidate(requester_id, domain);
}

void amdvi_ignore_faults(uint32_t requester_id, bool ignore) {
    struct amdvi_device *device = &amdvi_devices[requester_id];
    uint64_t domain = device->domain & ~AMDVI_DEVICE_NO_FAULTS;
    uint64_t interrupts = device->interrupts & ~AMDVI_DEVICE_NO_INT_FAULTS;
    write_word(&device->domain, domain | (ignore ? AMDVI_DEVICE_NO_FAULTS : 0));
    write_word(&device->interrupts, interrupts | (ignore ? AMDVI_DEVICE_NO_INT_FAULTS : 0));
    invalidate(requester_id, (uint32_t)domain % DEVICES);
}
