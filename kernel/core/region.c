/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places the plan's regions. RAM comes zeroed from boot memory; everything else lies where the
 * plan, the device or the kernel has it.
 */
#include "core/space.h"

#include "core/boot_memory.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/string.h"

struct bh_counters counters;

static paddr_t base_of[BH_MAX_REGIONS];

static paddr_t install(const struct bh_plan_region *region) {
    switch (region->kind) {
    case BH_REGION_RAM:
        return boot_memory_take(region->size, region->alignment, region->name);
    case BH_REGION_CONTENT:
        return paddr_add(plan_base(), region->content_offset);
    case BH_REGION_BAR:
        return device_bar_place(region);
    case BH_REGION_PLAN:
        return plan_base();
    case BH_REGION_LOG:
        return log_memory();
    case BH_REGION_COUNTERS:
        return image_physical(&counters);
    default:
        if (!boot_memory_is_outside_ram(paddr(region->base), region->size))
            panic("region %s: 0x%lx is RAM on this machine: a fixed range may not be",
                  region->name, region->base);
        return paddr(region->base);
    }
}

void region_install(void) {
    uint64_t left = boot_memory_total() - boot_memory_used();
    uint64_t needed = 0;

    for (uint32_t i = 0; i < plan_count(BH_TABLE_REGION); i++)
        needed += plan_region(i)->kind == BH_REGION_RAM ? plan_region(i)->size : 0;
    if (needed > left)
        panic("memory: the plan \"%s\" needs %lu MiB for its regions, the machine has %lu MiB free "
              "of %lu: give it more memory, or the plan less", plan_header()->name,
              (needed >> 20) + 1, left >> 20, boot_memory_total() >> 20);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_REGION); i++) {
        base_of[i] = install(plan_region(i));
        if (plan_region(i)->kind == BH_REGION_RAM)
            region_reload(i, 0, plan_region(i)->content_size);   /* the rest is zero already */
    }
}

paddr_t region_base(uint32_t region) { return base_of[region]; }

uint64_t region_reload(uint32_t region, uint64_t done, uint64_t most) {
    const struct bh_plan_region *r = plan_region(region);
    uint64_t size = r->size - done < most ? r->size - done : most;
    uint64_t content = done < r->content_size ? r->content_size - done : 0;

    if (content > size)
        content = size;
    memcpy(physical_at(paddr_add(base_of[region], done), content),
           physical_at(paddr_add(plan_base(), r->content_offset + done), content), content);
    memset(physical_at(paddr_add(base_of[region], done + content), size - content), 0,
           size - content);
    return done + size;
}
