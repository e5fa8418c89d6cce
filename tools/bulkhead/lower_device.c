/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices: object, device space, BARs, ports, interrupts, and what their driver's manifest says of
 * them. Trusts check.c: every device has one owner and good values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/call.h"

#include "lower_link.h"
#include "memory.h"
#include "values.h"

#define DEFAULT_FAULT_LIMIT 64u
#define DEFAULT_STORM_LIMIT 1000u       /* in 10 ms */
#define ALL_DEVICE_OPERATIONS ((1u << (BH_DEVICE_READ + 1)) - 1)

static uint32_t lower_bar_region(struct model *m, uint32_t device,
                                 const struct description_bar *bar, struct origin origin) {
    uint32_t owner = m->device[device].owner;
    struct bh_plan_region region = {
        .kind = BH_REGION_BAR, .rights = BH_READ | BH_WRITE, .owner = owner,
        .cache = bar->write_combine ? BH_CACHE_WRITE_COMBINE : BH_CACHE_UNCACHED,
        .size = lower_size(bar->size, 0), .device = device, .bar = bar->bar,
        .base = lower_size(bar->offset, 0),
    };

    model_name(region.name, region.base == 0 ? "%s.bar%u" : "%s.bar%u.%llx",
               m->device[device].name, bar->bar, (unsigned long long)region.base);
    return model_add_region(m, region, NO_CONTENT, origin);
}

static void lower_bar(struct model *m, uint32_t device, const struct description_bar *bar,
                      struct origin origin) {
    uint32_t owner = m->device[device].owner;
    uint32_t index = lower_bar_region(m, device, bar, origin);
    uint64_t address = model_map_process(m, owner, index, m->region[index].rights, origin);
    struct bh_manifest_entry *e = model_add_entry(m, owner, BH_ENTRY_REGION, "bar%u", bar->bar);
    if (bar->as != NULL) {
        model_name(e->name, "%s", bar->as);
    }
    e->address = address;
    e->size = m->region[index].size;
    e->index = bar->bar;
}

static void lower_ports(struct model *m, uint32_t device, const struct description_ports *ports,
                        struct origin origin) {
    uint32_t owner = m->device[device].owner;

    model_add_port_range(m, (struct bh_plan_port_range){
        .first = ports->first, .count = ports->count, .device = device,
    }, origin);
    struct bh_manifest_entry *e = model_add_entry(m, owner, BH_ENTRY_PORTS, "%s",
        ports->as != NULL ? ports->as : m->device_as[device]);
    e->address = ports->first;
    e->size = ports->count;
}

/* A driver has one device, a VMM may have several for its guest, and they may differ in kind. */
static void name_interrupt(const struct model *m, uint32_t device, enum bh_interrupt_kind kind,
                           uint32_t number, char name[BH_NAME_SIZE]) {
    if (m->device_passed[device]) {
        model_name(name, "%s.%s%u", m->device_as[device],
                   kind == BH_INTERRUPT_MSIX ? "msix" : "msi", number);
    } else {
        model_name(name, "irq%u", number);
    }
}

/* The thread that runs the vCPU which the interrupt is for, if the guest's driver spreads them as
 * most do: the first for everything, then one a vCPU. Another vCPU gets it by a detour. */
static uint32_t guest_thread(const struct model *m, uint32_t vm, uint32_t number) {
    return 1 + (number == 0 ? 0 : number - 1) % m->life[vm].vcpus;
}

static void lower_interrupt(struct model *m, uint32_t device, enum bh_interrupt_kind kind,
                            uint32_t source, uint32_t limit, struct origin origin) {
    uint32_t owner = m->device[device].owner;
    uint32_t number = kind == BH_INTERRUPT_ISA ? 0 : source;
    struct bh_plan_interrupt interrupt = {
        .device = device, .kind = kind, .source = source,
        .limit = limit != 0 ? limit : DEFAULT_STORM_LIMIT,
    };
    char *name = memory_format("%s.irq%u", m->device[device].name, number);
    bool passed = m->device_passed[device];
    uint32_t thread = passed ? guest_thread(m, owner, number) : 0;
    uint64_t bits = model_take_bit(m, owner, passed ? BH_NONE : thread, origin);

    interrupt.channel = lower_channel_of(m, name, owner, thread, BH_NONE, bits, origin);
    model_name(interrupt.name, "%s", name);
    model_add_interrupt(m, interrupt, origin);
    struct bh_manifest_entry *e = model_add_entry(m, owner, BH_ENTRY_INTERRUPT, "irq");
    name_interrupt(m, device, kind, number, e->name);
    e->thread = thread;
    e->bits = bits;
    e->index = source;
    free(name);
}

static void lower_interrupts(struct model *m, uint32_t device,
                             const struct description_device *d, struct origin origin) {
    for (uint32_t i = 0; i < d->msix; i++) {
        lower_interrupt(m, device, BH_INTERRUPT_MSIX, i, d->storm_limit, origin);
    }
    if (d->msi) {
        lower_interrupt(m, device, BH_INTERRUPT_MSI, 0, d->storm_limit, origin);
    }
    if (d->isa != 0) {
        lower_interrupt(m, device, BH_INTERRUPT_ISA, d->isa, d->storm_limit, origin);
    }
}

static uint32_t lower_device_space(struct model *m, const char *name, uint32_t owner,
                                   struct origin origin) {
    struct bh_plan_space space = { .kind = BH_SPACE_DEVICE, .owner = owner };

    model_name(space.name, "%s.dma", name);
    return model_add_space(m, space, origin);
}

static const struct description_device *described(const struct model *m, const char *name) {
    const struct description *d = m->description;
    uint32_t i = 0;

    while (strcmp(d->devices[i].name, name) != 0) {
        i++;
    }
    return &d->devices[i];
}

/* What the physical function's driver is told of a virtual one: "vf0.mac", "vf0.vlan" or
 * "vf0.namespace". */
static void lower_virtual(struct model *m, const struct description_device *d, uint32_t driver) {
    char name[16];
    char value[12];

    if (d->mac != NULL) {
        snprintf(name, sizeof(name), "vf%u.mac", *d->virtual_number);
        link_setting(m, driver, name, d->mac);
    }
    if (d->vlan != 0) {
        snprintf(name, sizeof(name), "vf%u.vlan", *d->virtual_number);
        snprintf(value, sizeof(value), "%u", d->vlan);
        link_setting(m, driver, name, value);
    }
    if (d->space != NULL) {
        snprintf(name, sizeof(name), "vf%u.namespace", *d->virtual_number);
        snprintf(value, sizeof(value), "%u", *d->space);
        link_setting(m, driver, name, value);
    }
}

static struct bh_plan_device plan_device(const struct model *m, const struct description_device *d,
                                         uint32_t owner, bool dma) {
    struct bh_plan_device device = {
        .kind = d->platform ? BH_DEVICE_PLATFORM : BH_DEVICE_PCI,
        .flags = (dma ? BH_DEVICE_DMA : 0u) | (d->unsafe ? BH_DEVICE_UNSAFE : 0u),
        .owner = owner, .space = BH_NONE, .vendor_id = 0xffff, .device_id = 0xffff,
        .fault_limit = d->fault_limit != 0 ? d->fault_limit : DEFAULT_FAULT_LIMIT,
    };

    if (!d->platform) {
        const struct description_device *at = d->virtual_of == NULL ? d
                                            : described(m, d->virtual_of);
        value_pci(at->pci, &device.requester_id);
        device.virtual = d->virtual_of == NULL ? 0 : *d->virtual_number + 1;
    }
    if (d->id != NULL) {
        value_id(d->id, &device.vendor_id, &device.device_id);
    }
    model_name(device.name, "%s", d->name);
    return device;
}

static uint32_t add_device(struct model *m, const struct description_device *d, uint32_t owner,
                           uint32_t passed, struct origin origin) {
    bool dma = d->dma || passed != BH_NONE;
    struct bh_plan_device device = plan_device(m, d, owner, dma);

    if (dma) {
        device.space = lower_device_space(m, d->name, owner, origin);
    }
    uint32_t index = model_add_device(m, device, origin);
    m->device_passed[index] = passed != BH_NONE;
    if (passed != BH_NONE) {
        model_name(m->device_as[index], "pass%u", passed);
        link_setting(m, owner, m->device_as[index], d->name);
    } else {
        model_name(m->device_as[index], "%s", d->as != NULL ? d->as : d->name);
    }
    return index;
}

/* `passed`: its number among those that its owner passes through to its guest, or BH_NONE. */
static void lower_device(struct model *m, const struct description_device *d, uint32_t owner,
                         uint32_t passed, const char *path) {
    struct origin origin = { tree_line(m->tree, "%s", path), d->name };
    uint32_t index = add_device(m, d, owner, passed, origin);
    uint32_t slot = lower_slot(m, owner, BH_SLOT_DEVICE, index, ALL_DEVICE_OPERATIONS, origin);
    model_add_entry(m, owner, BH_ENTRY_DEVICE, "%s", m->device_as[index])->slot = slot;
    for (uint32_t i = 0; i < d->bars_count; i++) {
        struct origin at = { tree_line(m->tree, "%s.bars[%u]", path, i), d->name };
        if (passed != BH_NONE) {
            lower_bar_region(m, index, &d->bars[i], at);
        } else {
            lower_bar(m, index, &d->bars[i], at);
        }
    }
    for (uint32_t i = 0; i < d->ports_count; i++) {
        struct origin at = { tree_line(m->tree, "%s.ports[%u]", path, i), d->name };
        lower_ports(m, index, &d->ports[i], at);
    }
    lower_interrupts(m, index, d, origin);
}

void lower_devices(struct model *m, const struct programs *programs) {
    const struct description *d = m->description;

    for (uint32_t i = 0; i < d->devices_count; i++) {
        uint32_t owner = programs_owner(programs, d->devices[i].name);
        char path[32];
        snprintf(path, sizeof(path), "devices[%u]", i);
        if (owner != BH_NONE) {
            lower_device(m, &d->devices[i], owner,
                         program_passed(&programs->program[owner], d->devices[i].name), path);
        }
        if (d->devices[i].virtual_of != NULL) {
            lower_virtual(m, &d->devices[i], programs_owner(programs, d->devices[i].virtual_of));
        }
    }
}
