/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the DMAR table (VT-d specification 3.3, chapter 8). Reads the table and the bus numbers of
 * bridges, changes nothing. Every length is compared with what holds it before anything is read.
 */
#include "iommu/dmar.h"

#include "pci/pci.h"

enum {
    TABLE_FLAGS = 37, TABLE_FIRST = 48,                  /* 8.1 */
    FLAG_INTERRUPT_REMAPPING = 1u << 0, FLAG_X2APIC_OPT_OUT = 1u << 1,
    STRUCTURE_DRHD = 0, STRUCTURE_RMRR = 1,              /* 8.2 */
    DRHD_INCLUDE_ALL = 1u << 0,                          /* 8.3 */
};

struct dmar_head {                    /* 8.2 */
    uint16_t type;
    uint16_t length;
} __attribute__((packed));

struct dmar_drhd {                    /* 8.3 */
    struct dmar_head head;
    uint8_t  flags;
    uint8_t  size;
    uint16_t segment;
    uint64_t registers;
} __attribute__((packed));

struct dmar_rmrr {                    /* 8.4 */
    struct dmar_head head;
    uint16_t reserved;
    uint16_t segment;
    uint64_t base;
    uint64_t limit;
} __attribute__((packed));

struct dmar_path { uint8_t device, function; } __attribute__((packed));

struct dmar_device {                  /* 8.3.1 */
    uint8_t  type;
    uint8_t  length;
    uint16_t reserved;
    uint8_t  id;
    uint8_t  bus;
    struct dmar_path path[];
} __attribute__((packed));

_Static_assert(sizeof(struct dmar_drhd) == 16, "DRHD layout");
_Static_assert(sizeof(struct dmar_rmrr) == 24, "RMRR layout");
_Static_assert(sizeof(struct dmar_device) == 6, "device scope layout");

/* The requester id that a path leads to: every element but the last is a bridge, whose secondary
 * bus the next one is on. BH_NONE: it leads nowhere. */
static uint32_t follow_path(const struct dmar_device *device)
{
    uint32_t count = (device->length - (uint32_t)sizeof *device) / sizeof(struct dmar_path);
    uint32_t bus = device->bus;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = bus * 256 + device->path[i].device % 32 * 8u + device->path[i].function % 8;
        if (i + 1 == count)
            return id;
        uint32_t bridge = pci_find(id);
        if (bridge == BH_NONE || !pci_function(bridge)->bridge)
            return BH_NONE;
        bus = pci_function(bridge)->secondary;
    }
    return BH_NONE;
}

static bool add_scope(struct dmar *dmar, uint32_t unit, const struct dmar_device *device,
                      uint32_t first, uint32_t last)
{
    if (dmar->scope_count == DMAR_MAX_SCOPES)
        return false;
    dmar->scope[dmar->scope_count++] =
        (struct dmar_scope){ unit, device->type, device->id, first, last };
    return true;
}

/* A bridge's scope is the bridge itself and all buses behind it. */
static bool add_device(struct dmar *dmar, uint32_t unit, const struct dmar_device *device)
{
    uint32_t id = follow_path(device);
    if (id == BH_NONE)
        return true;
    if (!add_scope(dmar, unit, device, id, id))
        return false;
    uint32_t bridge = pci_find(id);
    if (device->type != DMAR_BRIDGE || bridge == BH_NONE || !pci_function(bridge)->bridge)
        return true;
    const struct pci_function *f = pci_function(bridge);
    return add_scope(dmar, unit, device, f->secondary * 256u, f->subordinate * 256u + 255);
}

static bool add_devices(struct dmar *dmar, uint32_t unit, const uint8_t *bytes, uint32_t size,
                        const char **why)
{
    for (uint32_t at = 0; at < size;) {
        const struct dmar_device *device = (const void *)(bytes + at);
        if (size - at < sizeof *device || device->length < sizeof *device ||
            device->length > size - at) {
            *why = "a device scope is longer than its structure";
            return false;
        }
        if (!add_device(dmar, unit, device)) {
            *why = "more device scopes than the kernel has room for";
            return false;
        }
        at += device->length;
    }
    return true;
}

static bool add_unit(struct dmar *dmar, const struct dmar_drhd *drhd, const char **why)
{
    if (drhd->head.length < sizeof *drhd || drhd->segment != 0 ||
        dmar->unit_count == DMAR_MAX_UNITS || drhd->registers % BH_PAGE_SIZE != 0) {
        *why = "a remapping unit is malformed, of another segment or one too many";
        return false;
    }
    uint32_t unit = dmar->unit_count++;
    dmar->registers[unit] = paddr(drhd->registers);
    dmar->include_all[unit] = drhd->flags & DRHD_INCLUDE_ALL;
    return add_devices(dmar, unit, (const uint8_t *)(drhd + 1),
                       drhd->head.length - (uint32_t)sizeof *drhd, why);
}

static bool add_reserved(struct dmar *dmar, const struct dmar_rmrr *rmrr, const char **why)
{
    if (rmrr->head.length < sizeof *rmrr) {
        *why = "a reserved memory region is malformed";
        return false;
    }
    return add_devices(dmar, DMAR_RESERVED_MEMORY, (const uint8_t *)(rmrr + 1),
                       rmrr->head.length - (uint32_t)sizeof *rmrr, why);
}

static bool add_structure(struct dmar *dmar, const struct dmar_head *head, const char **why)
{
    if (head->type == STRUCTURE_DRHD)
        return add_unit(dmar, (const void *)head, why);
    if (head->type == STRUCTURE_RMRR)
        return add_reserved(dmar, (const void *)head, why);
    return true;
}

bool dmar_parse(const void *table, uint32_t length, struct dmar *dmar, const char **why)
{
    const uint8_t *bytes = table;
    *dmar = (struct dmar){ 0 };
    *why = "the table is shorter than its header";
    if (length < TABLE_FIRST)
        return false;
    dmar->interrupt_remapping = bytes[TABLE_FLAGS] & FLAG_INTERRUPT_REMAPPING;
    dmar->x2apic_opt_out = bytes[TABLE_FLAGS] & FLAG_X2APIC_OPT_OUT;
    for (uint32_t at = TABLE_FIRST; at < length;) {
        const struct dmar_head *head = (const void *)(bytes + at);
        if (length - at < sizeof *head || head->length < sizeof *head ||
            head->length > length - at) {
            *why = "a structure is longer than the table";
            return false;
        }
        if (!add_structure(dmar, head, why))
            return false;
        at += head->length;
    }
    *why = "it names no remapping unit";
    return dmar->unit_count > 0;
}

static bool in_scope(const struct dmar_scope *scope, uint32_t requester_id)
{
    bool pci = scope->type == DMAR_ENDPOINT || scope->type == DMAR_BRIDGE;
    return pci && requester_id >= scope->first && requester_id <= scope->last;
}

static bool named(const struct dmar *dmar, uint32_t requester_id, bool reserved)
{
    for (uint32_t i = 0; i < dmar->scope_count; i++) {
        bool of_unit = dmar->scope[i].unit != DMAR_RESERVED_MEMORY;
        if (of_unit != reserved && in_scope(&dmar->scope[i], requester_id))
            return true;
    }
    return false;
}

bool dmar_covers(const struct dmar *dmar, uint32_t requester_id)
{
    for (uint32_t unit = 0; unit < dmar->unit_count; unit++) {
        if (dmar->include_all[unit])
            return true;
    }
    return named(dmar, requester_id, false);
}

bool dmar_has_reserved_memory(const struct dmar *dmar, uint32_t requester_id)
{
    return named(dmar, requester_id, true);
}

uint32_t dmar_ioapic_requester(const struct dmar *dmar, uint32_t ioapic_id)
{
    for (uint32_t i = 0; i < dmar->scope_count; i++) {
        if (dmar->scope[i].type == DMAR_IOAPIC && dmar->scope[i].id == ioapic_id)
            return dmar->scope[i].first;
    }
    return BH_NONE;
}
