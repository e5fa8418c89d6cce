/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that the description names one by one: regions, mappings, channels, links, places,
 * doorbells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker.h"
#include "memory.h"
#include "values.h"

static bool is_one_of(const char *word, const char *const *known, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(word, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void check_region_kind(const struct checker *c, const struct description_region *r,
                              const char *owner, const char *path) {
    static const char *const kinds[] = { "ram", "plan", "log", "vga", "content" };
    bool ram = r->kind == NULL || strcmp(r->kind, "ram") == 0;

    if (r->kind != NULL && !is_one_of(r->kind, kinds, 5)) {
        report_add(c->report, tree_line(c->tree, "%s.kind", path), owner,
                   "there is no kind of region called '%s'", r->kind);
        report_mend(c->report, "give ram, content, plan, log or vga");
    } else if (ram && r->size == NULL && r->file == NULL) {
        report_add(c->report, tree_line(c->tree, "%s", path), owner,
                   "the region '%s' has no size", r->name);
        report_mend(c->report, "add 'size: 4K' or larger");
    } else if (!ram && strcmp(r->kind, "content") == 0 && r->file == NULL) {
        report_add(c->report, tree_line(c->tree, "%s", path), owner,
                   "the region '%s' has no content", r->name);
        report_mend(c->report, "name its file as 'file: PATH'");
    }
}

static void check_region(const struct checker *c, const struct description_region *r,
                         const char *owner, const char *path) {
    uint64_t size = 1;

    check_region_kind(c, r, owner, path);
    checker_size(c, r->size, BH_PAGE_SIZE, owner, path, "size");
    checker_size(c, r->alignment, BH_PAGE_SIZE, owner, path, "alignment");
    checker_size(c, r->at, BH_PAGE_SIZE, owner, path, "at");
    checker_size(c, r->iova, BH_PAGE_SIZE, owner, path, "iova");
    checker_rights(c, r->rights, false, owner, path, "rights");
    checker_rights(c, r->process, true, owner, path, "process");
    checker_rights(c, r->dma, false, owner, path, "dma");
    if (r->size != NULL && value_size(r->size, &size) && size == 0) {
        report_add(c->report, tree_line(c->tree, "%s.size", path), owner,
                   "the region '%s' is empty", r->name);
        report_mend(c->report, "give at least 4K");
    }
}

/* A region may be put only into the space of a device that its compartment owns. */
static void check_private(const struct checker *c, const struct program *p, uint32_t number) {
    const struct description_region *r = &p->base->regions[number];
    char path[64];

    snprintf(path, sizeof(path), "%s.regions[%u]", p->path, number);
    check_region(c, r, p->base->name, path);
    if (r->device == NULL) {
        return;
    }
    uint32_t device = checker_device(c, r->device);
    uint32_t owner = checker_owner(c, r->device);
    if (device == BH_NONE) {
        checker_unknown(c, "device", r->device, p->base->name, path, "device");
    } else if (owner != BH_NONE && &c->programs->program[owner] != p) {
        report_add(c->report, tree_line(c->tree, "%s.device", path), p->base->name,
                   "the device '%s' belongs to '%s'", r->device,
                   c->programs->program[owner].base->name);
        report_mend(c->report, "let '%s' have the region",
                    c->programs->program[owner].base->name);
    } else if (!c->d->devices[device].dma) {
        report_add(c->report, tree_line(c->tree, "%s.device", path), p->base->name,
                   "the device '%s' may not do DMA", r->device);
        report_mend(c->report, "give the device 'dma: true'");
    }
}

/* Shared regions by name, private ones as "compartment.region", BARs as "device.bar0". */
static bool region_is_described(const struct checker *c, const char *name) {
    bool found = false;

    for (uint32_t i = 0; i < c->d->regions_count; i++) {
        found = found || strcmp(c->d->regions[i].name, name) == 0;
    }
    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct description_program *base = c->programs->program[i].base;
        for (uint32_t j = 0; j < base->regions_count; j++) {
            char *whole = memory_format("%s.%s", base->name, base->regions[j].name);
            found = found || strcmp(whole, name) == 0;
            free(whole);
        }
    }
    for (uint32_t i = 0; i < c->d->devices_count; i++) {
        for (uint32_t j = 0; j < c->d->devices[i].bars_count; j++) {
            char *whole = memory_format("%s.bar%u", c->d->devices[i].name,
                                        c->d->devices[i].bars[j].bar);
            found = found || strcmp(whole, name) == 0;
            free(whole);
        }
    }
    return found;
}

static void check_mapping_space(const struct checker *c, const struct description_mapping *m,
                                const char *path) {
    uint32_t vm = programs_find(c->programs, m->vm);
    uint32_t device = checker_device(c, m->device);

    checker_compartment(c, m->compartment, m->region, path, "compartment");
    if (m->vm != NULL && (vm == BH_NONE || c->programs->program[vm].role != ROLE_VM)) {
        checker_unknown(c, "VM", m->vm, m->region, path, "vm");
    } else if (m->vm != NULL && m->at == NULL) {
        report_add(c->report, tree_line(c->tree, "%s.vm", path), m->region,
                   "the mapping in a guest has no address");
        report_mend(c->report, "add 'at: ADDRESS'");
    }
    if (m->device != NULL && device == BH_NONE) {
        checker_unknown(c, "device", m->device, m->region, path, "device");
    } else if (m->device != NULL && !c->d->devices[device].dma) {
        report_add(c->report, tree_line(c->tree, "%s.device", path), m->region,
                   "the device '%s' may not do DMA", m->device);
        report_mend(c->report, "give the device 'dma: true'");
    }
}

static void check_mapping(const struct checker *c, uint32_t number) {
    const struct description_mapping *m = &c->d->mappings[number];
    unsigned spaces = (m->compartment != NULL) + (m->vm != NULL) + (m->device != NULL);
    char path[48];

    snprintf(path, sizeof(path), "mappings[%u]", number);
    if (!region_is_described(c, m->region)) {
        checker_unknown(c, "region", m->region, m->region, path, "region");
    }
    if (spaces != 1) {
        report_add(c->report, tree_line(c->tree, "%s", path), m->region,
                   "the mapping is in %u spaces", spaces);
        report_mend(c->report, "name one of 'compartment', 'vm' and 'device'");
    } else {
        check_mapping_space(c, m, path);
    }
    checker_size(c, m->at, BH_PAGE_SIZE, m->region, path, "at");
    checker_size(c, m->offset, BH_PAGE_SIZE, m->region, path, "offset");
    checker_size(c, m->size, BH_PAGE_SIZE, m->region, path, "size");
    checker_rights(c, m->rights, false, m->region, path, "rights");
}

static void check_channel(const struct checker *c, uint32_t number) {
    const struct description_channel *n = &c->d->channels[number];
    uint32_t reader = programs_find(c->programs, n->to);
    char path[48];

    snprintf(path, sizeof(path), "channels[%u]", number);
    checker_compartment(c, n->from, n->name, path, "from");
    checker_compartment(c, n->life_of, n->name, path, "life-of");
    if (n->to == NULL) {
        report_add(c->report, tree_line(c->tree, "%s.name", path), n->name,
                   "the channel has no reader");
        report_mend(c->report, "add 'to: COMPARTMENT'");
    } else if (reader == BH_NONE) {
        checker_unknown(c, "compartment", n->to, n->name, path, "to");
    } else if (n->thread >= program_threads(&c->programs->program[reader])) {
        report_add(c->report, tree_line(c->tree, "%s.thread", path), n->name,
                   "'%s' has no thread %u to read the channel", n->to, n->thread);
        report_mend(c->report, "give 0 to %u",
                    program_threads(&c->programs->program[reader]) - 1);
    }
    if (n->from == NULL && n->life_of == NULL) {
        report_add(c->report, tree_line(c->tree, "%s.name", path), n->name,
                   "nobody may signal the channel");
        report_mend(c->report, "add 'from: COMPARTMENT' or 'life-of: COMPARTMENT'");
    }
}

static void check_link(const struct checker *c, uint32_t number) {
    static const char *const kinds[] = { "stream", "net" };
    static const char *const prefixes[] = { "client", "port" };
    const struct description_link *l = &c->d->links[number];
    char path[48];

    snprintf(path, sizeof(path), "links[%u]", number);
    checker_compartment(c, l->client, l->client, path, "client");
    checker_compartment(c, l->server, l->client, path, "server");
    checker_size(c, l->half, BH_PAGE_SIZE, l->client, path, "half");
    checker_size(c, l->area, BH_PAGE_SIZE, l->client, path, "area");
    if (strcmp(l->client, l->server) == 0) {
        report_add(c->report, tree_line(c->tree, "%s.server", path), l->client,
                   "both ends of the link are the same compartment");
        report_mend(c->report, "name two");
    }
    if (l->kind != NULL && !is_one_of(l->kind, kinds, 2)) {
        report_add(c->report, tree_line(c->tree, "%s.kind", path), l->client,
                   "there is no kind of link called '%s'", l->kind);
        report_mend(c->report, "give stream or net");
    }
    if (l->server_as != NULL && !is_one_of(l->server_as, prefixes, 2)) {
        report_add(c->report, tree_line(c->tree, "%s.server-as", path), l->client,
                   "a server can't call its client '%s'", l->server_as);
        report_mend(c->report, "give client or port");
    }
}

static void check_places(const struct checker *c, const struct program *p) {
    char path[64];

    for (uint32_t i = 0; i < p->vm->places_count; i++) {
        const struct description_place *place = &p->vm->places[i];
        snprintf(path, sizeof(path), "%s.places[%u]", p->path, i);
        if (!region_is_described(c, place->region)) {
            checker_unknown(c, "region", place->region, p->base->name, path, "region");
        }
        checker_rights(c, place->rights, false, p->base->name, path, "rights");
    }
}

/* A write to RAM would never reach the kernel. For RAM from 4 GiB up see check_bells(). */
static void check_doorbell_faults(const struct checker *c, const struct program *p,
                                  const struct description_doorbell *bell, const char *path) {
    uint64_t gpa = 0, memory = 0;

    if (value_size(bell->gpa, &gpa) && value_size(p->vm->memory, &memory) && gpa < memory &&
        gpa < GUEST_HOLE_START) {
        report_add(c->report, tree_line(c->tree, "%s.gpa", path), p->base->name,
                   "the doorbell '%s' at '%s' lies in the guest's memory of %s", bell->as, bell->gpa,
                   p->vm->memory);
        report_mend(c->report, "give a gpa behind the memory, or one from 3G up to 4G");
    }
}

static void check_doorbells(const struct checker *c, const struct program *p) {
    char path[64];

    for (uint32_t i = 0; i < p->vm->doorbells_count; i++) {
        const struct description_doorbell *bell = &p->vm->doorbells[i];
        snprintf(path, sizeof(path), "%s.doorbells[%u]", p->path, i);
        checker_size(c, bell->gpa, BH_PAGE_SIZE, p->base->name, path, "gpa");
        checker_size(c, bell->size, BH_PAGE_SIZE, p->base->name, path, "size");
        check_doorbell_faults(c, p, bell, path);
    }
}

void check_objects(const struct checker *c) {
    char path[48];

    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        for (uint32_t j = 0; j < p->base->regions_count; j++) {
            check_private(c, p, j);
        }
        if (p->role == ROLE_VM) {
            check_places(c, p);
            check_doorbells(c, p);
        }
    }
    for (uint32_t i = 0; i < c->d->regions_count; i++) {
        snprintf(path, sizeof(path), "regions[%u]", i);
        check_region(c, &c->d->regions[i], c->d->regions[i].name, path);
    }
    for (uint32_t i = 0; i < c->d->mappings_count; i++) {
        check_mapping(c, i);
    }
    for (uint32_t i = 0; i < c->d->channels_count; i++) {
        check_channel(c, i);
    }
    for (uint32_t i = 0; i < c->d->links_count; i++) {
        check_link(c, i);
    }
}
