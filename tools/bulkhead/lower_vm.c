/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual machines: guest memory, kernel and initramfs or firmware, vCPUs, doorbells, what the VMM
 * may move about in its guest. Trusts check.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware.h"
#include "lower_link.h"
#include "memory.h"
#include "values.h"

#define GUEST_HOLE_END   0x100000000ull
#define GUEST_POOL_PAGES 16u
#define LARGE_PAGE       (2u << 20)
#define DOORBELL_PORTS   16u                /* four queues of four ports */
#define MOST_DOORBELLS   6u                 /* network, console, four disks */
#define NVME_BARS        0xe0060000u        /* where its monitor has nothing else */
#define NVME_BAR_SIZE    0x4000u
#define NVME_DOORBELLS   0x1008u            /* in it, of four pairs of I/O queues: NVMe 1.4, 3.1 */
#define NVME_DOORBELLS_SIZE 0x20u
#define REMOTE_PORT      0xf000u            /* where firmware puts no BAR */
#define ALL_RIGHTS       (BH_READ | BH_WRITE | BH_EXECUTE)

/* Is the region part of a BAR that the VM passes through to its guest? */
static bool is_passed(const struct model *m, uint32_t vm, uint32_t region) {
    const struct bh_plan_region *r = &m->region[region];

    return r->kind == BH_REGION_BAR && r->owner == vm && m->device_passed[r->device];
}

/* Table pages to map all of it in the guest, wherever it is put: for each part a directory and, if
 * it isn't put at large pages, tables. */
static uint32_t passed_pages(const struct model *m, uint32_t vm) {
    uint32_t pages = 0;

    for (uint32_t i = 0; i < m->region_count; i++) {
        pages += is_passed(m, vm, i) ? 3 + (uint32_t)(m->region[i].size / LARGE_PAGE) : 0;
    }
    return pages;
}

static uint32_t lower_guest_space(struct model *m, uint32_t vm, const struct program *program) {
    uint32_t pages = program->vm->pool_pages;
    struct bh_plan_space space = {
        .kind = BH_SPACE_GUEST, .owner = vm,
        .pool_pages = pages != 0 ? pages : GUEST_POOL_PAGES + passed_pages(m, vm),
    };

    model_name(space.name, "%s.guest", program->base->name);
    return model_add_space(m, space, lower_origin(program));
}

static struct bh_manifest_entry *region_entry(struct model *m, uint32_t vm, const char *name,
                                              uint32_t region, uint64_t address) {
    struct bh_manifest_entry *e = model_add_entry(m, vm, BH_ENTRY_REGION, "%s", name);

    e->address = address;
    e->size = m->region[region].size;
    e->used = m->region[region].content_size;
    return e;
}

static void map_guest(struct model *m, uint32_t space, uint32_t region, uint64_t gpa,
                      uint32_t rights, struct origin origin) {
    model_add_mapping(m, (struct bh_plan_mapping){
        .space = space, .region = region, .address = gpa, .size = m->region[region].size,
        .rights = rights,
    }, origin);
}

/* A device that the VM itself owns addresses memory as the guest does. */
static void map_guest_devices(struct model *m, uint32_t vm, uint32_t region, uint64_t gpa,
                              struct origin origin) {
    for (uint32_t i = 0; i < m->device_count; i++) {
        if (m->device[i].owner == vm && m->device[i].space != BH_NONE) {
            map_guest(m, m->device[i].space, region, gpa, BH_READ | BH_WRITE, origin);
        }
    }
}

static void lower_guest_ram(struct model *m, uint32_t vm, const char *as, uint64_t gpa,
                            uint64_t size, struct origin origin) {
    char *name = memory_format("%s.%s", m->compartment[vm].name, as);
    uint32_t region = lower_ram(m, name, size, ALL_RIGHTS, vm, origin);
    uint64_t address = model_map_process(m, vm, region, BH_READ | BH_WRITE, origin);

    map_guest(m, m->life[vm].guest_space, region, gpa, ALL_RIGHTS, origin);
    map_guest_devices(m, vm, region, gpa, origin);
    region_entry(m, vm, as, region, address)->gpa = gpa;
    free(name);
}

static void lower_guest_memory(struct model *m, uint32_t vm, const struct program *program) {
    struct origin origin = {
        tree_line(m->tree, "%s.memory", program->path), program->base->name
    };
    uint64_t size = lower_size(program->vm->memory, 0);
    uint64_t low = size < GUEST_HOLE_START ? size : GUEST_HOLE_START;

    lower_guest_ram(m, vm, "ram.low", 0, low, origin);
    if (size > low) {
        lower_guest_ram(m, vm, "ram.high", GUEST_HOLE_END, size - low, origin);
    }
}

/* A file that the VMM reads: carried once in the plan, however many VMs use it. Answers the region,
 * BH_NONE if there is no such file. */
static uint32_t lower_image_region(struct model *m, uint32_t vm, const char *as, const char *file,
                                   uint32_t rights, struct origin origin) {
    uint32_t content = lower_file(m, file, origin);

    if (content == NO_CONTENT) {
        return BH_NONE;
    }
    struct bh_plan_region region = {
        .kind = BH_REGION_CONTENT, .rights = rights, .owner = vm,
        .size = (m->content[content].size + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE,
    };
    model_name(region.name, "%s.%s", m->compartment[vm].name, as);
    return model_add_region(m, region, content, origin);
}

static void lower_guest_image(struct model *m, uint32_t vm, const char *as, const char *file,
                              struct origin origin) {
    uint32_t region = lower_image_region(m, vm, as, file, BH_READ, origin);

    if (region != BH_NONE) {
        region_entry(m, vm, as, region, model_map_process(m, vm, region, BH_READ, origin));
    }
}

static void lower_kernel(struct model *m, uint32_t vm, const struct program *program) {
    const struct description_vm *d = program->vm;
    struct origin at = lower_origin(program);

    at.line = tree_line(m->tree, "%s.kernel", program->path);
    lower_guest_image(m, vm, "kernel", d->kernel, at);
    if (d->initrd != NULL) {
        at.line = tree_line(m->tree, "%s.initrd", program->path);
        lower_guest_image(m, vm, "initrd", d->initrd, at);
    }
    struct bh_manifest_entry *e = model_add_entry(m, vm, BH_ENTRY_SETTING, "cmdline");
    snprintf(e->value, sizeof(e->value), "%s", d->cmdline != NULL ? d->cmdline : "");
}

/* The guest runs it where a PC has it: its last byte is the last one below 4 GiB. */
static void lower_firmware(struct model *m, uint32_t vm, const struct program *program) {
    struct origin at = lower_origin(program);

    at.line = tree_line(m->tree, "%s.firmware", program->path);
    uint32_t region = lower_image_region(m, vm, "firmware", firmware_file(program->vm->firmware),
                                         BH_READ | BH_EXECUTE, at);
    if (region == BH_NONE) {
        return;
    }
    uint64_t gpa = GUEST_HOLE_END - m->region[region].size;
    uint64_t address = model_map_process(m, vm, region, BH_READ, at);
    map_guest(m, m->life[vm].guest_space, region, gpa, BH_READ | BH_EXECUTE, at);
    region_entry(m, vm, "firmware", region, address)->gpa = gpa;
    const char *video = firmware_video(program->vm->firmware);
    if (program->vm->screen && video != NULL) {
        lower_guest_image(m, vm, "vgabios", video, at);
    }
}

static void lower_vcpu(struct model *m, uint32_t vm, uint32_t number, const char *owner) {
    struct origin origin = m->life[vm].origin;
    struct bh_plan_vcpu vcpu = {
        .thread = model_thread(m, vm, number + 1), .space = m->life[vm].guest_space,
    };
    char *name = memory_format("%s.vcpu%u", owner, number);

    model_name(vcpu.name, "%s", name);
    vcpu.state_region = lower_ram(m, name, BH_PAGE_SIZE, BH_READ | BH_WRITE, vm, origin);
    uint64_t address = model_map_process(m, vm, vcpu.state_region, BH_READ | BH_WRITE, origin);
    uint32_t index = model_add_vcpu(m, vcpu, origin);
    uint32_t slot = lower_slot(m, vm, BH_SLOT_VCPU, index, 0, origin);
    struct bh_manifest_entry *e = model_add_entry(m, vm, BH_ENTRY_VCPU, "vcpu%u", number);
    e->slot = slot;
    e->thread = number + 1;
    e->address = address;
    e->size = BH_PAGE_SIZE;
    e->index = number;
    free(name);
}

/* A channel of the VMM's own, from any of its threads to one of them. */
static void lower_kick(struct model *m, uint32_t vm, const char *as, uint32_t thread) {
    struct origin origin = m->life[vm].origin;
    char *name = memory_format("%s.%s", m->compartment[vm].name, as);
    uint64_t bits = 0;
    uint32_t channel = lower_channel(m, name, vm, thread, BH_NONE, &bits, origin);
    uint32_t slot = lower_slot(m, vm, BH_SLOT_CHANNEL, channel, 0, origin);
    struct bh_manifest_entry *e = model_add_entry(m, vm, BH_ENTRY_CHANNEL, "%s", as);

    e->slot = slot;
    e->thread = thread;
    e->bits = bits;
    free(name);
}

/* The guest's writes there notify the VMM's thread 0. */
static void lower_doorbell(struct model *m, uint32_t vm, const char *as,
                           struct bh_plan_doorbell bell, struct origin origin) {
    char *name = memory_format("%s.%s", m->compartment[vm].name, as);
    struct bh_manifest_entry *e = model_add_entry(m, vm, BH_ENTRY_DOORBELL, "%s.doorbell", as);

    bell.space = m->life[vm].guest_space;
    bell.channel = lower_channel(m, name, vm, 0, BH_NONE, &e->bits, origin);
    model_add_doorbell(m, bell, origin);
    e->address = bell.address;
    e->size = bell.length;
    e->index = bell.kind;
    free(name);
}

static void lower_port_doorbell(struct model *m, uint32_t vm, const char *device) {
    uint32_t port = m->life[vm].next_port;

    m->life[vm].next_port += DOORBELL_PORTS;
    lower_doorbell(m, vm, device, (struct bh_plan_doorbell){
        .kind = BH_DOORBELL_PORT, .address = port, .length = DOORBELL_PORTS,
    }, m->life[vm].origin);
}

static void lower_page_doorbell(struct model *m, uint32_t vm, const struct description_doorbell *d,
                                struct origin origin) {
    lower_doorbell(m, vm, d->as, (struct bh_plan_doorbell){
        .kind = BH_DOORBELL_PAGE, .address = lower_size(d->gpa, 0),
        .length = lower_size(d->size, BH_PAGE_SIZE),
    }, origin);
}

static void lower_place(struct model *m, uint32_t vm, const struct description_place *d,
                        struct origin origin) {
    uint32_t region = model_find_region(m, d->region);
    uint32_t slot = model_add_slot(m, (struct bh_plan_slot){
        .compartment = vm, .kind = BH_SLOT_PLACE, .object = region,
        .object2 = m->life[vm].guest_space,
        .rights = lower_rights_of(d->rights, m->region[region].rights),
    }, origin);
    struct bh_manifest_entry *e = model_add_entry(m, vm, BH_ENTRY_PLACE, "%s",
                                                  d->as != NULL ? d->as : d->region);

    e->slot = slot;
    e->size = m->region[region].size;
}

/* BARs of the functions that the guest drives itself: "pass0.piece0" and so on. */
static void lower_passed(struct model *m, uint32_t vm) {
    uint32_t pieces[BH_MAX_DEVICES] = { 0 };

    for (uint32_t i = 0; i < m->region_count; i++) {
        const struct bh_plan_region *r = &m->region[i];
        if (!is_passed(m, vm, i)) {
            continue;
        }
        uint32_t slot = model_add_slot(m, (struct bh_plan_slot){
            .compartment = vm, .kind = BH_SLOT_PLACE, .object = i,
            .object2 = m->life[vm].guest_space, .rights = r->rights,
        }, m->region_origin[i]);
        struct bh_manifest_entry *e = model_add_entry(m, vm, BH_ENTRY_PLACE, "%s.piece%u",
                                                      m->device_as[r->device],
                                                      pieces[r->device]++);
        e->slot = slot;
        e->index = r->bar;
        e->address = r->base;
        e->size = r->size;
    }
}

/* The VM's picture, which its monitor moves to where the guest wants the card's memory. */
static void lower_video_memory(struct model *m, uint32_t vm, const struct program *program) {
    char *region = memory_format("%s.%s", program->base->name, SCREEN_REGION);
    struct description_place place = { .region = region, .rights = "rw", .as = SCREEN_REGION };

    lower_place(m, vm, &place, lower_origin(program));
    free(region);
}

/* The admin queues' doorbells aren't among them: what is stored there matters. */
static void lower_nvme_doorbell(struct model *m, uint32_t vm, const char *device, uint32_t number) {
    lower_doorbell(m, vm, device, (struct bh_plan_doorbell){
        .kind = BH_DOORBELL_PAGE, .address = NVME_BARS + number * NVME_BAR_SIZE + NVME_DOORBELLS,
        .length = NVME_DOORBELLS_SIZE,
    }, m->life[vm].origin);
}

static void lower_nvme_doorbells(struct model *m, uint32_t vm, const struct description_vm *d) {
    for (uint32_t i = 0; i < d->disks_count; i++) {
        const char *model = d->disks[i].model;
        char device[BH_NAME_SIZE];
        snprintf(device, sizeof(device), "disk%u", i);
        if (model != NULL && strcmp(model, "nvme") == 0) {
            lower_nvme_doorbell(m, vm, device, i);
        }
    }
}

/* The VM's devices with doorbells of ports of the usual number, in the order of their numbers. */
static unsigned doorbell_devices(const struct model *m, const struct description_vm *d,
                                 const char *device[MOST_DOORBELLS]) {
    static const char *const disk[] = { "disk0", "disk1", "disk2", "disk3" };
    unsigned count = 0;

    if (d->nic != NULL && lower_nic_is_virtio(d->nic)) {
        device[count++] = "net0";
    }
    if (m->description->console != NULL && !d->no_hvc) {
        device[count++] = "hvc0";
    }
    for (uint32_t i = 0; i < d->disks_count && i < sizeof(disk) / sizeof(disk[0]); i++) {
        if (programs_extent_is_virtio(&d->disks[i])) {
            device[count++] = disk[i];
        }
    }
    return count;
}

/* Firmware places I/O BARs from the usual port up, large ones first, that of the random numbers
 * behind the others: SeaBIOS in the order of the devices' numbers, OVMF the other way round. An
 * emulated card's is among them. It must not lie where the kernel takes writes for doorbells, so
 * these go where no BAR does, and kicks cost exits. */
static void lower_device_doorbells(struct model *m, uint32_t vm, const struct description_vm *d) {
    bool backwards = d->firmware != NULL && strcmp(d->firmware, "ovmf") == 0;
    const char *device[MOST_DOORBELLS];
    unsigned count = doorbell_devices(m, d, device);

    if (d->nic != NULL && !lower_nic_is_virtio(d->nic) && d->firmware != NULL) {
        m->life[vm].next_port = REMOTE_PORT;
    }
    for (unsigned i = 0; i < count; i++) {
        lower_port_doorbell(m, vm, device[backwards ? count - 1 - i : i]);
    }
    if (!d->no_rng) {
        lower_port_doorbell(m, vm, "rng0");
    }
    lower_nvme_doorbells(m, vm, d);
}

static void lower_vm(struct model *m, uint32_t vm, const struct program *program) {
    const struct description_vm *d = program->vm;
    struct origin at = lower_origin(program);

    lower_guest_memory(m, vm, program);
    if (d->firmware != NULL) {
        lower_firmware(m, vm, program);
    } else {
        lower_kernel(m, vm, program);
    }
    lower_kick(m, vm, "io", 0);
    for (uint32_t i = 0; i < d->vcpus_count; i++) {
        char as[16];
        snprintf(as, sizeof(as), "vcpu%u", i);
        lower_vcpu(m, vm, i, program->base->name);
        lower_kick(m, vm, as, i + 1);
    }
    lower_device_doorbells(m, vm, d);
    if (d->hpet) {
        link_setting(m, vm, "hpet", "1");
    }
    if (d->screen) {
        lower_video_memory(m, vm, program);
    }
    lower_passed(m, vm);
    for (uint32_t i = 0; i < d->places_count; i++) {
        at.line = tree_line(m->tree, "%s.places[%u]", program->path, i);
        lower_place(m, vm, &d->places[i], at);
    }
    for (uint32_t i = 0; i < d->doorbells_count; i++) {
        at.line = tree_line(m->tree, "%s.doorbells[%u]", program->path, i);
        lower_page_doorbell(m, vm, &d->doorbells[i], at);
    }
}

void lower_vms(struct model *m, const struct programs *programs) {
    for (uint32_t i = 0; i < programs->count; i++) {
        if (programs->program[i].role == ROLE_VM) {
            m->life[i].guest_space = lower_guest_space(m, i, &programs->program[i]);
            lower_vm(m, i, &programs->program[i]);
        }
    }
}
