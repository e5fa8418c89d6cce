/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block multiplexers. Requests go from a VM to the multiplexer, which checks them against the VM's
 * extent, and on to the driver; data stays in the VM's own area, which the disk's device space maps
 * and neither multiplexer nor driver does. Zero-copy: the device space maps the VM's RAM as well.
 * Trusts check.c.
 */
#include <stdlib.h>
#include <string.h>

#include "lower_link.h"
#include "memory.h"

#define SECTOR        512u
#define DISK_AREA     (1u << 20)
#define SCRATCH       (64u << 10)
#define DRIVER_MEMORY (256u << 10)
#define LISTS         (16u << 10)   /* 32 lists of 64 pages (lib/block) */
#define FIRST_VCPU    1u             /* thread of a VM */

static void numbered_setting(struct model *m, uint32_t compartment, uint32_t number,
                             const char *name, const char *value) {
    char *whole = memory_format("client%u.%s", number, name);

    link_setting(m, compartment, whole, value);
    free(whole);
}

static void number_setting(struct model *m, uint32_t compartment, uint32_t number,
                           const char *name, uint64_t value) {
    char *text = memory_format("%llu", (unsigned long long)value);

    numbered_setting(m, compartment, number, name, text);
    free(text);
}

/* What the multiplexer is told of its client `number`. */
static void describe_extent(struct model *m, uint32_t disk, uint32_t number,
                            const struct description_extent *e) {
    if (e->partition != NULL) {
        numbered_setting(m, disk, number, "partition", e->partition);
    } else if (e->size != NULL) {
        number_setting(m, disk, number, "first", lower_size(e->first, 0) / SECTOR);
        number_setting(m, disk, number, "sectors", lower_size(e->size, 0) / SECTOR);
    }
    if (programs_extent_is_readonly(e)) {
        numbered_setting(m, disk, number, "readonly", "1");
    }
}

/* Where the VM's monitor lists pages for the driver, which only reads there. */
static void lower_lists(struct model *m, const char *owner, uint32_t client, const char *as,
                        uint32_t number, uint32_t driver, struct origin origin) {
    char *name = memory_format("%s.%s.lists", owner, as);
    uint32_t lists = lower_ram(m, name, LISTS, BH_READ | BH_WRITE, BH_NONE, origin);
    struct bh_manifest_entry *own = model_add_entry(m, client, BH_ENTRY_REGION, "%s.lists", as);

    own->address = model_map_process(m, client, lists, BH_READ | BH_WRITE, origin);
    own->size = LISTS;
    struct bh_manifest_entry *theirs = model_add_entry(m, driver, BH_ENTRY_REGION, "lists%u",
                                                       number);
    theirs->address = model_map_process(m, driver, lists, BH_READ, origin);
    theirs->size = LISTS;
    free(name);
}

/* A VM's share of a disk: the link, and the data area that only the VM and the device touch. */
static void lower_extent(struct model *m, const struct program *vm, uint32_t client,
                         uint32_t number, uint32_t disk, uint32_t driver) {
    const struct description_extent *e = &vm->vm->disks[number];
    struct origin origin = { tree_line(m->tree, "%s.disks[%u]", vm->path, number),
                             vm->base->name };
    uint32_t order = m->life[disk].clients;
    char *as = memory_format("disk%u", number);
    char *name = memory_format("%s.%s.data", vm->base->name, as);
    char *data = memory_format("data%u", order);
    char *readonly = memory_format("%s.readonly", as);
    char *model = memory_format("%s.model", as);
    struct link link = {
        .client = client, .server = disk, .as = as, .server_as = "client",
        .shown = vm->base->name, .half = NET_HALF, .origin = origin,
    };

    if (!programs_extent_is_ahci(e)) {
        link.thread = FIRST_VCPU;       /* in every mode in which the VM runs */
    }
    describe_extent(m, disk, order, e);
    link_make(m, &link);
    uint32_t area = lower_ram(m, name, DISK_AREA, BH_READ | BH_WRITE, BH_NONE, origin);
    uint64_t address = model_map_process(m, client, area, BH_READ | BH_WRITE, origin);
    struct bh_manifest_link *end = link_last(m, client);
    end->out_area = address;
    end->out_size = DISK_AREA;
    link_last(m, disk)->in_size = DISK_AREA;
    link_device_region(m, driver, data, area, 0, BH_READ | BH_WRITE, origin);
    if (programs_extent_is_readonly(e)) {
        link_setting(m, client, readonly, "1");
    }
    if (!programs_extent_is_virtio(e)) {
        link_setting(m, client, model, e->model);
    }
    if (e->zero_copy) {
        lower_lists(m, vm->base->name, client, as, order, driver, origin);
    }
    free(as);
    free(name);
    free(data);
    free(readonly);
    free(model);
}

/* Where the multiplexer itself reads the disk's partition table: the driver's last data area. */
static void lower_scratch(struct model *m, uint32_t disk, uint32_t driver, struct origin origin) {
    char *name = memory_format("%s.scratch", m->compartment[disk].name);
    char *data = memory_format("data%u", m->life[disk].clients);
    uint32_t scratch = lower_ram(m, name, SCRATCH, BH_READ | BH_WRITE, BH_NONE, origin);
    uint64_t address = model_map_process(m, disk, scratch, BH_READ | BH_WRITE, origin);
    struct bh_manifest_entry *e = model_add_entry(m, disk, BH_ENTRY_REGION, "scratch");

    e->address = address;
    e->size = SCRATCH;
    link_device_region(m, driver, data, scratch, 0, BH_READ | BH_WRITE, origin);
    free(name);
    free(data);
}

static void lower_disk(struct model *m, const struct programs *programs, uint32_t disk) {
    const struct program *p = &programs->program[disk];
    uint32_t driver = model_find_compartment(m, p->disk->driver);
    struct link link = {
        .client = disk, .server = driver, .as = "backend", .server_as = "client",
        .shown = p->base->name, .half = NET_HALF, .origin = lower_origin(p),
    };

    link_driver_memory(m, driver, "rings", DRIVER_MEMORY, link.origin);
    link_make(m, &link);
    for (uint32_t i = 0; i < programs->count; i++) {
        const struct program *vm = &programs->program[i];
        for (uint32_t j = 0; vm->vm != NULL && j < vm->vm->disks_count; j++) {
            if (strcmp(vm->vm->disks[j].from, p->base->name) == 0) {
                lower_extent(m, vm, i, j, disk, driver);
            }
        }
    }
    lower_scratch(m, disk, driver, link.origin);
}

void lower_disks(struct model *m, const struct programs *programs) {
    for (uint32_t i = 0; i < programs->count; i++) {
        if (programs->program[i].role == ROLE_DISK) {
            lower_disk(m, programs, i);
        }
    }
}

/* One part of a VM's RAM, if it has that, in the disk's device space. */
static void share_ram(struct model *m, uint32_t driver, const char *owner, const char *part,
                      uint32_t number, struct origin origin) {
    char *ram = memory_format("%s.ram.%s", owner, part);
    char *name = memory_format("memory%u.%s", number, part);
    uint32_t region = model_find_region(m, ram);

    if (region != BH_NONE) {
        link_device_region(m, driver, name, region, 0, BH_READ | BH_WRITE, origin);
    }
    free(ram);
    free(name);
}

/* Clients are numbered as lower_disk meets them. */
static void share_memories(struct model *m, const struct programs *programs,
                           const struct program *disk) {
    uint32_t driver = model_find_compartment(m, disk->disk->driver);
    uint32_t number = 0;

    for (uint32_t i = 0; i < programs->count; i++) {
        const struct program *vm = &programs->program[i];
        for (uint32_t j = 0; vm->vm != NULL && j < vm->vm->disks_count; j++) {
            const struct description_extent *e = &vm->vm->disks[j];
            struct origin origin = { tree_line(m->tree, "%s.disks[%u]", vm->path, j),
                                     vm->base->name };
            if (strcmp(e->from, disk->base->name) != 0) {
                continue;
            }
            if (e->zero_copy) {
                share_ram(m, driver, vm->base->name, "low", number, origin);
                share_ram(m, driver, vm->base->name, "high", number, origin);
            }
            number++;
        }
    }
}

void lower_disk_memories(struct model *m, const struct programs *programs) {
    for (uint32_t i = 0; i < programs->count; i++) {
        if (programs->program[i].role == ROLE_DISK) {
            share_memories(m, programs, &programs->program[i]);
        }
    }
}
