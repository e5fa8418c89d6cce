/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one builder of address spaces. At boot table pages come from boot memory and a mapping that
 * can't be made stops the boot; later only guest_place maps, with pages of its space's fixed pool.
 * Whoever places (core/vcpu.c) lets one do so at a time.
 */
#include "core/space.h"

#include "core/log.h"
#include "core/plan.h"
#include "core/space_table.h"
#include "iommu/iommu.h"

#define OPEN_END              (64ull << 30)
#define OPEN_STEP             (2ull << 20)
#define INTERRUPT_WINDOW      0xfee00000ull
#define INTERRUPT_WINDOW_SIZE 0x100000ull

struct placement {                     /* where guest_place put a region; space BH_NONE: nowhere */
    uint32_t space;
    uint64_t address;
};

static struct space_table tables[BH_MAX_SPACES];
static struct placement placements[BH_MAX_REGIONS];

static const enum table_format format_of[] = {
    [BH_SPACE_PROCESS] = TABLE_PROCESS,
    [BH_SPACE_GUEST] = TABLE_NESTED,
    [BH_SPACE_DEVICE] = TABLE_DEVICE,
};

static void install_mapping(const struct bh_plan_mapping *mapping) {
    const struct bh_plan_region *region = plan_region(mapping->region);
    paddr_t target = paddr_add(region_base(mapping->region), mapping->offset);
    struct extent extent = { mapping->address, target, mapping->size, mapping->rights,
                             region->cache };

    if (space_table_map(&tables[mapping->space], &extent) != BH_OK)
        panic("space %s: the mapping of %s at 0x%lx is impossible", plan_space(mapping->space)->name,
              region->name, mapping->address);
}

/* The red team's control: a device that reaches whatever the plan didn't map otherwise, registers
 * included, but for the interrupt window, which a unit refuses in a mapping. */
static void open_to_everything(struct space_table *table) {
    for (uint64_t at = 0, size; at < OPEN_END; at += size) {
        size = at % OPEN_STEP == 0 && at != INTERRUPT_WINDOW
               && !space_table_touches(table, at, OPEN_STEP) ? OPEN_STEP : BH_PAGE_SIZE;
        struct extent extent = { at, paddr(at), size, BH_READ | BH_WRITE, BH_CACHE_WRITE_BACK };
        bool window = at - INTERRUPT_WINDOW < INTERRUPT_WINDOW_SIZE;
        if (!window && !space_table_touches(table, at, size))
            space_table_map(table, &extent);
    }
}

static void install(uint32_t space) {
    const struct bh_plan_space *s = plan_space(space);
    struct space_table *table = &tables[space];

    if (s->kind == BH_SPACE_DEVICE && iommu_kind() == IOMMU_NONE)
        return;                        /* nobody would read it */
    space_table_create(table, format_of[s->kind]);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_MAPPING); i++)
        if (plan_mapping(i)->space == space)
            install_mapping(plan_mapping(i));
    if (s->kind == BH_SPACE_DEVICE && plan_control(BH_PLAN_CONTROL_DMA_OPEN))
        open_to_everything(table);
    space_table_seal(table, s->pool_pages);
}

void space_install(void) {
    for (uint32_t i = 0; i < BH_MAX_REGIONS; i++)
        placements[i].space = BH_NONE;
    for (uint32_t i = 0; i < plan_count(BH_TABLE_SPACE); i++)
        install(i);
}

paddr_t space_root(uint32_t space) { return tables[space].root; }

enum bh_status space_place(uint32_t space, uint32_t region, gpaddr_t address, uint32_t rights) {
    const struct bh_plan_region *r = plan_region(region);
    struct extent extent = { address.value, region_base(region), r->size, rights, r->cache };
    bool aligned = address.value % BH_PAGE_SIZE == 0;
    bool in_range = address.value < SPACE_GUEST_END && r->size <= SPACE_GUEST_END - address.value;
    enum bh_status status;

    if (placements[region].space != BH_NONE)
        return BH_E_STATE;
    if (!aligned || !in_range || space_table_touches(&tables[space], extent.address, extent.size))
        return BH_E_ARGUMENT;
    status = space_table_map(&tables[space], &extent);
    if (status == BH_OK)
        placements[region] = (struct placement){ space, extent.address };
    else
        space_table_unmap(&tables[space], extent.address, extent.size);
    return status;
}

enum bh_status space_unplace(uint32_t space, uint32_t region) {
    if (placements[region].space != space)
        return BH_E_STATE;
    space_table_unmap(&tables[space], placements[region].address, plan_region(region)->size);
    placements[region].space = BH_NONE;
    return BH_OK;
}

uint32_t space_of_placement(uint32_t region) { return placements[region].space; }

uint32_t space_nearest_mapping(uint32_t space, uint64_t address) {
    uint32_t nearest = BH_NONE;

    for (uint32_t i = 0; i < plan_count(BH_TABLE_MAPPING); i++) {
        const struct bh_plan_mapping *m = plan_mapping(i);
        if (m->space == space && (nearest == BH_NONE || m->address <= address))
            nearest = i;
    }
    return nearest;
}
