/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions and mappings that the description names one by one: private ones of a compartment, shared
 * ones, and who maps them where. Trusts check.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/info.h"

#include "lower.h"
#include "memory.h"

static enum bh_region_kind region_kind(const char *kind) {
    static const struct { const char *name; enum bh_region_kind kind; } kinds[] = {
        { "plan", BH_REGION_PLAN }, { "log", BH_REGION_LOG }, { "vga", BH_REGION_PHYS },
        { "content", BH_REGION_CONTENT },
    };

    for (unsigned i = 0; kind != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kind, kinds[i].name) == 0) {
            return kinds[i].kind;
        }
    }
    return BH_REGION_RAM;
}

static uint64_t page_up(uint64_t size) {
    return (size + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE;
}

static uint32_t lower_region(struct model *m, const struct description_region *d, uint32_t owner,
                             const char *name, struct origin origin) {
    struct bh_plan_region region = {
        .kind = region_kind(d->kind), .owner = owner,
        .size = lower_size(d->size, 0), .alignment = lower_size(d->alignment, 0),
        .rights = lower_rights_of(d->rights, BH_READ | BH_WRITE),
    };
    uint32_t content = d->file != NULL ? lower_file(m, d->file, origin) : NO_CONTENT;

    if (region.kind == BH_REGION_PLAN || region.kind == BH_REGION_LOG) {
        region.rights = BH_READ;
        region.size = region.kind == BH_REGION_LOG ? BH_LOG_REGION_SIZE : 0;
    } else if (region.kind == BH_REGION_PHYS) {
        region.base = 0xa0000;
        region.size = 0x20000;
        region.cache = BH_CACHE_UNCACHED;
    } else if (region.kind == BH_REGION_CONTENT && d->rights == NULL) {
        region.rights = BH_READ;
    }
    if (content != NO_CONTENT && region.size == 0) {
        region.size = page_up(m->content[content].size);
    }
    model_name(region.name, "%s", name);
    return model_add_region(m, region, content, origin);
}

/* The manifest entry of that region, made if there is none yet. */
static struct bh_manifest_entry *region_entry(struct model *m, uint32_t compartment,
                                              const char *name, uint32_t region) {
    struct model_compartment *life = &m->life[compartment];

    for (uint32_t i = 0; i < life->entry_count; i++) {
        struct bh_manifest_entry *e = &life->entry[i];
        if (e->kind == BH_ENTRY_REGION && strcmp(e->name, name) == 0) {
            return e;
        }
    }
    struct bh_manifest_entry *e = model_add_entry(m, compartment, BH_ENTRY_REGION, "%s", name);
    e->size = m->region[region].size;
    e->used = m->region[region].content_size;
    return e;
}

static uint64_t map_at(struct model *m, uint32_t space, uint32_t region, uint64_t at,
                       uint32_t rights, struct origin origin) {
    model_add_mapping(m, (struct bh_plan_mapping){
        .space = space, .region = region, .address = at, .size = m->region[region].size,
        .rights = rights,
    }, origin);
    return at;
}

static void map_private(struct model *m, uint32_t compartment, const struct description_region *d,
                        uint32_t region, struct origin origin) {
    uint32_t usual = m->region[region].rights & (BH_READ | BH_WRITE);

    if (d->process == NULL || strcmp(d->process, "none") != 0) {
        uint32_t rights = lower_rights_of(d->process, usual);
        uint64_t at = d->at != NULL
            ? map_at(m, m->life[compartment].space, region, lower_size(d->at, 0), rights, origin)
            : model_map_process(m, compartment, region, rights, origin);
        region_entry(m, compartment, d->name, region)->address = at;
    }
    uint32_t device = model_find_device(m, d->device);
    if (device != BH_NONE && m->device[device].space != BH_NONE) {
        uint32_t space = m->device[device].space;
        uint32_t rights = lower_rights_of(d->dma, usual);
        uint64_t iova = d->iova != NULL
            ? map_at(m, space, region, lower_size(d->iova, 0), rights, origin)
            : model_map_device(m, space, region, rights, origin);
        region_entry(m, compartment, d->name, region)->iova = iova;
    }
}

static void lower_private(struct model *m, uint32_t compartment, const struct program *program) {
    for (uint32_t i = 0; i < program->base->regions_count; i++) {
        const struct description_region *d = &program->base->regions[i];
        struct origin origin = {
            tree_line(m->tree, "%s.regions[%u]", program->path, i), program->base->name
        };
        char *name = memory_format("%s.%s", program->base->name, d->name);
        uint32_t region = lower_region(m, d, compartment, name, origin);
        map_private(m, compartment, d, region, origin);
        free(name);
    }
}

/* The space that a mapping names, and the compartment whose manifest tells of it. */
static uint32_t mapping_space(const struct model *m, const struct description_mapping *d,
                              uint32_t *compartment) {
    if (d->device != NULL) {
        uint32_t device = model_find_device(m, d->device);
        *compartment = m->device[device].owner;
        return m->device[device].space;
    }
    *compartment = model_find_compartment(m, d->vm != NULL ? d->vm : d->compartment);
    return d->vm != NULL ? m->life[*compartment].guest_space : m->life[*compartment].space;
}

static uint64_t lower_mapping_at(struct model *m, const struct description_mapping *d,
                                 uint32_t compartment, uint32_t space, uint32_t region,
                                 struct origin origin) {
    uint32_t rights = lower_rights_of(d->rights, m->region[region].rights);

    if (d->at != NULL) {
        uint64_t offset = lower_size(d->offset, 0);
        uint64_t at = lower_size(d->at, 0);
        model_add_mapping(m, (struct bh_plan_mapping){
            .space = space, .region = region, .address = at, .offset = offset,
            .size = lower_size(d->size, m->region[region].size - offset), .rights = rights,
        }, origin);
        return at;
    }
    return d->device != NULL ? model_map_device(m, space, region, rights, origin)
                             : model_map_process(m, compartment, region, rights, origin);
}

static void lower_mapping(struct model *m, const struct description_mapping *d,
                          struct origin origin) {
    uint32_t compartment = 0;
    uint32_t region = model_find_region(m, d->region);
    uint32_t space = mapping_space(m, d, &compartment);
    uint64_t at = lower_mapping_at(m, d, compartment, space, region, origin);
    struct bh_manifest_entry *e = region_entry(m, compartment, d->as != NULL ? d->as : d->region,
                                               region);

    if (d->device != NULL) {
        e->iova = at;
    } else if (d->vm != NULL) {
        e->gpa = at;
    } else {
        e->address = at;
    }
}

void lower_memory(struct model *m, const struct programs *programs) {
    const struct description *d = m->description;

    for (uint32_t i = 0; i < programs->count; i++) {
        lower_private(m, i, &programs->program[i]);
    }
    for (uint32_t i = 0; i < d->regions_count; i++) {
        struct origin origin = { tree_line(m->tree, "regions[%u]", i), d->regions[i].name };
        lower_region(m, &d->regions[i], BH_NONE, d->regions[i].name, origin);
    }
}

void lower_mappings(struct model *m) {
    const struct description *d = m->description;

    for (uint32_t i = 0; i < d->mappings_count; i++) {
        struct origin origin = { tree_line(m->tree, "mappings[%u]", i), d->mappings[i].region };
        lower_mapping(m, &d->mappings[i], origin);
    }
}
