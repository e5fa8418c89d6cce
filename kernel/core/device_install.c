/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: compares the plan's devices with the machine. What the plan check couldn't know is decided
 * here, and refused with names and the mend: presence, identity, isolation groups, BARs, I/O ports,
 * and whether a device that may master the bus can be confined at all.
 */
#include "core/device_state.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/plan.h"
#include "iommu/iommu.h"

enum { CLASS_UNIT = 1 << 24, CLASS_DISPLAY = 0x03 };

/* Where I/O APICs, HPET, TPM, remapping units and local APICs live on every PC. */
#define PLATFORM_FIRST 0xfec00000ull
#define PLATFORM_END   0xfef00000ull

struct device_state devices;
struct lock device_lock;

const char *device_owner_name(uint32_t device) {
    return plan_compartment(plan_device(device)->owner)->name;
}

/* A virtual function's is known only when it was made: the plan has its physical one's. */
uint32_t device_requester(uint32_t device) {
    uint32_t index = devices.function[device];
    return index == BH_NONE ? plan_device(device)->requester_id : pci_function(index)->requester_id;
}

/* Until an owner gets it, a function answers nobody: no neighbour can reach its registers. */
static void close_functions(void) {
    for (uint32_t i = 0; i < pci_count(); i++) {
        const struct pci_function *f = pci_function(i);
        log_line("PCI: " DEVICE_ID_FORMAT " %04x:%04x class %06x group %u",
                 DEVICE_ID(f->requester_id), f->vendor, f->device, f->class_revision / 256,
                 f->group);
        if (f->endpoint && f->class_revision / CLASS_UNIT != CLASS_DISPLAY)
            pci_set_decode(i, false, false);
    }
}

static _Noreturn void refuse(uint32_t device, const char *why) {
    panic("plan refused: device \"%s\" (" DEVICE_ID_FORMAT ") of \"%s\" %s",
          plan_device(device)->name, DEVICE_ID(device_requester(device)),
          device_owner_name(device), why);
}

/* All virtual functions that the plan names of the one that this device is of, at once. */
static void make_virtual(uint32_t device) {
    uint32_t physical = pci_find(plan_device(device)->requester_id), count = 0;
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++) {
        const struct bh_plan_device *other = plan_device(d);
        if (other->requester_id == plan_device(device)->requester_id && other->virtual > count)
            count = other->virtual;
    }
    if (count == 0 || physical == BH_NONE || pci_function(physical)->virtual_count != 0)
        return;
    const char *why = pci_make_virtual(physical, count);
    if (why != 0)
        refuse(device, why);
}

void device_discover(void) {
    for (uint32_t d = 0; d < BH_MAX_DEVICES; d++)
        devices.function[d] = devices.alias[d] = BH_NONE;
    if (pci_ecam_install())
        pci_discover();
    else
        log_line("PCI: the firmware describes no ECAM: no PCI device can be used");
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++)
        make_virtual(d);
    pci_compute_groups();
    close_functions();
}

static void match_function(uint32_t device) {
    const struct bh_plan_device *d = plan_device(device);
    uint32_t index = pci_find(d->requester_id);
    if (index != BH_NONE && d->virtual != 0)
        index = pci_virtual(index, d->virtual - 1);
    if (index == BH_NONE)
        refuse(device, "isn't there");
    const struct pci_function *f = pci_function(index);
    if ((d->vendor_id != 0xffff && d->vendor_id != f->vendor) ||
        (d->device_id != 0xffff && d->device_id != f->device))
        refuse(device, "has another vendor and device id than the plan says");
    if (!f->endpoint)
        refuse(device, "is a bridge or an IOMMU: nobody may own it");
    devices.function[device] = index;
    devices.alias[device] = pci_alias(index);
}

const char *device_unconfined(uint32_t device) {
    const char *why = iommu_refuses(device_requester(device));
    if (why == 0 && devices.alias[device] != BH_NONE)
        why = iommu_refuses(devices.alias[device]);
    return why;
}

static void check_confined(uint32_t device) {
    const struct bh_plan_device *d = plan_device(device);
    const char *why = device_unconfined(device);
    if (!(d->flags & BH_DEVICE_DMA) || why == 0)
        return;
    if (d->flags & BH_DEVICE_UNSAFE)
        log_line("UNSAFE: device \"%s\" (" DEVICE_ID_FORMAT ") reaches all memory, as %s: everybody "
                 "must trust \"%s\"", d->name, DEVICE_ID(device_requester(device)), why,
                 device_owner_name(device));
    else
        panic("plan refused: device \"%s\" (" DEVICE_ID_FORMAT ") of \"%s\" may use DMA, but %s: "
              "mark it unsafe if its owner may be trusted with all memory", d->name,
              DEVICE_ID(device_requester(device)), device_owner_name(device), why);
}

/* Devices of one group need one owner, and with one requester id they would share a space, too. */
static void check_pair(uint32_t a, uint32_t b) {
    const struct pci_function *f = pci_function(devices.function[a]);
    const struct pci_function *g = pci_function(devices.function[b]);
    bool one_id = devices.alias[a] != BH_NONE && devices.alias[a] == devices.alias[b];
    bool one_owner = plan_device(a)->owner == plan_device(b)->owner;
    if (f->group != g->group || (one_owner && !one_id) ||
        plan_control(BH_PLAN_CONTROL_NO_SOURCE_CHECK))
        return;
    panic("plan refused: devices \"%s\" (" DEVICE_ID_FORMAT ") of \"%s\" and \"%s\" ("
          DEVICE_ID_FORMAT ") of \"%s\" can't be kept apart: %s: give them to one owner%s",
          plan_device(a)->name, DEVICE_ID(f->requester_id), device_owner_name(a),
          plan_device(b)->name, DEVICE_ID(g->requester_id), device_owner_name(b),
          f->group_reason != 0 ? f->group_reason : g->group_reason,
          one_id ? ", and only one of them" : "");
}

static void check_groups(void) {
    for (uint32_t a = 0; a < plan_count(BH_TABLE_DEVICE); a++) {
        for (uint32_t b = a + 1; b < plan_count(BH_TABLE_DEVICE); b++) {
            if (device_is_pci(a) && device_is_pci(b))
                check_pair(a, b);
        }
    }
}

static bool in_port_bar(uint32_t device, uint32_t first, uint32_t count) {
    const struct pci_function *f = pci_function(devices.function[device]);
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &f->bar[i];
        if (bar->ports && first >= bar->base && first + count <= bar->base + bar->size)
            return true;
    }
    return false;
}

static void check_ports(void) {
    for (uint32_t i = 0; i < plan_count(BH_TABLE_PORT_RANGE); i++) {
        const struct bh_plan_port_range *range = plan_port_range(i);
        if (!device_is_pci(range->device))
            continue;
        if (!in_port_bar(range->device, range->first, range->count))
            refuse(range->device, "has ports in the plan that aren't in any of its BARs");
        devices.decode_ports[range->device] = true;
    }
}

void device_install(void) {
    for (uint32_t d = 0; d < plan_count(BH_TABLE_DEVICE); d++) {
        device_set_state(d, BH_DEVICE_QUIET);
        if (plan_device(d)->kind != BH_DEVICE_PCI)
            continue;
        match_function(d);
        check_confined(d);
        log_line("device \"%s\": " DEVICE_ID_FORMAT ", owner \"%s\", reset: %s",
                 plan_device(d)->name, DEVICE_ID(device_requester(d)), device_owner_name(d),
                 pci_reset_method(devices.function[d]));
    }
    check_groups();
    check_ports();
}

static bool is_platform(uint64_t base, uint64_t size) {
    return ranges_meet(base, size, PLATFORM_FIRST, PLATFORM_END - PLATFORM_FIRST) ||
           pci_ecam_overlaps(base, size) || iommu_owns_registers(base, size);
}

static bool owner_may_map(const struct pci_function *f, const struct bh_plan_region *r) {
    const struct pci_bar *own = &f->bar[r->bar];
    uint64_t base = own->base + r->base;
    bool alone = base % BH_PAGE_SIZE == 0 && pci_foreign_bar_in(own, base, r->size) == 0 &&
                 boot_memory_is_outside_ram(paddr(base), r->size) && !is_platform(base, r->size) &&
                 !pci_msix_touches(f, r->bar, r->base, r->size);
    return alone || plan_control(BH_PLAN_CONTROL_CONFIG_OPEN);
}

paddr_t device_bar_place(const struct bh_plan_region *region) {
    const struct pci_function *f = pci_function(devices.function[region->device]);
    const struct pci_bar *own = &f->bar[region->bar];
    const char *device = plan_device(region->device)->name;
    uint64_t whole = (own->size + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE;
    if (own->ports || region->base > whole || region->size > whole - region->base)
        panic("region %s: device %s has only 0x%lx bytes of memory in BAR %u: mend base and size",
              region->name, device, own->ports ? 0 : own->size, region->bar);
    if (!owner_may_map(f, region))
        panic("region %s: these pages of device %s's BAR %u hold its interrupt table or another "
              "device's registers: leave them out", region->name, device, region->bar);
    return paddr(own->base + region->base);
}
