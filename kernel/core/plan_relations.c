/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan check, second pass: how entries go together. Contiguous runs, sorted mappings, what may be
 * mapped where. Follows indices, which the first pass bounded.
 */
#include "core/plan_rules.h"

#define MSI_WINDOW        0xfee00000ull   /* Intel SDM volume 3, 11.11.1 */
#define MSI_WINDOW_SIZE   0x00100000ull

/* Runs: entry `index` of a table owns entries [first, first + count) of another; all runs together
 * are that table, in order. `before`: where the previous run ended. */
static bool run_is_good(uint64_t first, uint64_t count, uint64_t before, bool last, uint64_t total)
{
    return first == before && first + count <= total && (!last || first + count == total);
}

static bool in_run(uint32_t index, uint32_t first, uint32_t count)
{
    return index >= first && index - first < count;
}

static bool space_run(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_space *s = &p->space[i];
    uint64_t before = i == 0 ? 0 : (uint64_t)p->space[i - 1].first_mapping
                                   + p->space[i - 1].mapping_count;

    return run_is_good(s->first_mapping, s->mapping_count, before,
                       i + 1 == p->count[BH_TABLE_SPACE], p->count[BH_TABLE_MAPPING]);
}

static bool slot_run(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_compartment *c = &p->compartment[i];
    uint64_t before = i == 0 ? 0 : (uint64_t)p->compartment[i - 1].first_slot
                                   + p->compartment[i - 1].slot_count;

    return run_is_good(c->first_slot, c->slot_count, before,
                       i + 1 == p->count[BH_TABLE_COMPARTMENT], p->count[BH_TABLE_SLOT]);
}

static bool thread_run(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_compartment *c = &p->compartment[i];
    uint64_t before = i == 0 ? 0 : (uint64_t)p->compartment[i - 1].first_thread
                                   + p->compartment[i - 1].thread_count;

    return run_is_good(c->first_thread, c->thread_count, before,
                       i + 1 == p->count[BH_TABLE_COMPARTMENT], p->count[BH_TABLE_THREAD]);
}

static bool placement_run(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_mode *m = &p->mode[i];
    uint64_t before = i == 0 ? 0 : (uint64_t)p->mode[i - 1].first_placement
                                   + p->mode[i - 1].placement_count;

    return run_is_good(m->first_placement, m->placement_count, before,
                       i + 1 == p->count[BH_TABLE_MODE], p->count[BH_TABLE_PLACEMENT]);
}

/* Whether exactly one device has this device space. */
static bool device_space_is_used(const struct plan_view *p, uint32_t space)
{
    uint32_t users = 0;

    for (uint32_t i = 0; i < BH_MAX_DEVICES && i < p->count[BH_TABLE_DEVICE]; i++) {
        users += p->device[i].space == space;
    }
    return users == 1;
}

static bool guest_space_is_used(const struct plan_view *p, uint32_t space)
{
    bool used = false;

    for (uint32_t i = 0; i < BH_MAX_VCPUS && i < p->count[BH_TABLE_VCPU]; i++) {
        used = used || p->vcpu[i].space == space;
    }
    return used;
}

static bool space_is_used(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_space *s = &p->space[i];

    switch (s->kind) {
    case BH_SPACE_PROCESS: return p->compartment[s->owner].space == i;
    case BH_SPACE_GUEST:   return guest_space_is_used(p, i);
    default:               return device_space_is_used(p, i);
    }
}

static enum plan_rule space_relations(const struct plan_view *p, uint32_t i)
{
    if (!space_run(p, i)) {
        return PLAN_CONTIGUOUS;
    }
    return space_is_used(p, i) ? PLAN_OK : PLAN_SPACE_UNUSED;
}

static enum plan_rule compartment_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_space *s = &p->space[p->compartment[i].space];

    if (!slot_run(p, i) || !thread_run(p, i)) {
        return PLAN_CONTIGUOUS;
    }
    if (s->kind != BH_SPACE_PROCESS) {
        return PLAN_SPACE_KIND;
    }
    return s->owner == i ? PLAN_OK : PLAN_OWNER;
}

/* May a region of this kind be mapped in a space of this kind? */
static bool kind_fits(uint32_t region_kind, uint32_t space_kind)
{
    bool memory = region_kind == BH_REGION_RAM || region_kind == BH_REGION_BAR;

    switch (space_kind) {
    case BH_SPACE_PROCESS: return true;
    case BH_SPACE_GUEST:   return memory || region_kind == BH_REGION_CONTENT;
    default:               return memory;
    }
}

static enum plan_rule mapping_rights(const struct plan_view *p, const struct bh_plan_mapping *m)
{
    uint32_t kind = p->space[m->space].kind;
    bool executable = (m->rights & BH_EXECUTE) != 0;

    if ((m->rights & ~p->region[m->region].rights) != 0) {
        return PLAN_RIGHTS;
    }
    if (kind == BH_SPACE_DEVICE) {
        return executable ? PLAN_RIGHTS : PLAN_OK;
    }
    if ((m->rights & BH_READ) == 0) {
        return PLAN_RIGHTS;
    }
    /* A region that anybody may write is executable to guests only. */
    bool writable = (p->region[m->region].rights & BH_WRITE) != 0;
    return kind == BH_SPACE_PROCESS && executable && writable ? PLAN_WX : PLAN_OK;
}

static enum plan_rule mapping_range(const struct plan_view *p, const struct bh_plan_mapping *m)
{
    uint32_t kind = p->space[m->space].kind;

    if (!plan_range_fits(m->offset, m->size, p->region[m->region].size)
        || !plan_range_fits(m->address, m->size, plan_space_end(kind))) {
        return PLAN_RANGE;
    }
    if (kind == BH_SPACE_PROCESS && m->address < BH_PAGE_SIZE) {
        return PLAN_RANGE;
    }
    if (kind == BH_SPACE_DEVICE
        && plan_ranges_meet(m->address, m->size, MSI_WINDOW, MSI_WINDOW_SIZE)) {
        return PLAN_MSI_WINDOW;
    }
    return PLAN_OK;
}

/* A BAR is mapped by its device's owner only: in its process, its guest or the device's space. */
static enum plan_rule mapping_owner(const struct plan_view *p, const struct bh_plan_mapping *m)
{
    const struct bh_plan_region *r = &p->region[m->region];
    const struct bh_plan_space *s = &p->space[m->space];

    if (!kind_fits(r->kind, s->kind)) {
        return PLAN_REGION_KIND;
    }
    if (r->kind != BH_REGION_BAR) {
        return PLAN_OK;
    }
    const struct bh_plan_device *d = &p->device[r->device];
    bool own_space = s->kind != BH_SPACE_DEVICE || d->space == m->space;
    return d->owner == s->owner && own_space ? PLAN_OK : PLAN_OWNER;
}

static enum plan_rule mapping_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_mapping *m = &p->mapping[i];
    const struct bh_plan_space *s = &p->space[m->space];
    enum plan_rule rule = PLAN_OK;

    if (!in_run(i, s->first_mapping, s->mapping_count)) {
        return PLAN_CONTIGUOUS;
    }
    rule = mapping_range(p, m);
    rule = rule != PLAN_OK ? rule : mapping_rights(p, m);
    rule = rule != PLAN_OK ? rule : mapping_owner(p, m);
    if (rule != PLAN_OK || i == s->first_mapping) {
        return rule;
    }
    const struct bh_plan_mapping *before = &p->mapping[i - 1];
    return before->address < m->address && m->address - before->address >= before->size
        ? PLAN_OK : PLAN_OVERLAP;
}

static enum plan_rule region_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_region *r = &p->region[i];

    if (r->kind != BH_REGION_BAR) {
        return PLAN_OK;
    }
    return p->device[r->device].kind == BH_DEVICE_PCI ? PLAN_OK : PLAN_DEVICE_KIND;
}

/* Whether the page at `address` is mapped in the space with these rights at least. */
static bool page_has_rights(const struct plan_view *p, uint32_t space, uint64_t address,
                            uint32_t rights)
{
    bool found = false;

    for (uint32_t i = 0; i < BH_MAX_MAPPINGS && i < p->count[BH_TABLE_MAPPING]; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        bool inside = m->space == space && address >= m->address && address - m->address < m->size;
        found = found || (inside && (m->rights & rights) == rights);
    }
    return found;
}

static enum plan_rule thread_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_thread *t = &p->thread[i];
    const struct bh_plan_compartment *c = &p->compartment[t->compartment];

    if (!in_run(i, c->first_thread, c->thread_count)) {
        return PLAN_CONTIGUOUS;
    }
    if (!page_has_rights(p, c->space, t->entry, BH_READ | BH_EXECUTE)) {
        return PLAN_ENTRY;
    }
    bool aligned = t->stack % 16 == 0 && t->stack != 0;
    return aligned && page_has_rights(p, c->space, t->stack - 16, BH_READ | BH_WRITE)
        ? PLAN_OK : PLAN_STACK;
}

static enum plan_rule placement_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_mode *m = &p->mode[p->placement[i].mode];
    uint32_t same = 0;

    if (!in_run(i, m->first_placement, m->placement_count)) {
        return PLAN_CONTIGUOUS;
    }
    for (uint32_t j = 0; j < BH_MAX_PLACEMENTS && j < i; j++) {
        same += p->placement[j].mode == p->placement[i].mode
             && p->placement[j].thread == p->placement[i].thread;
    }
    return same == 0 ? PLAN_OK : PLAN_DUPLICATE;
}

enum plan_rule plan_relations(const struct plan_view *p, enum bh_table table, uint32_t i)
{
    switch (table) {
    case BH_TABLE_REGION:      return region_relations(p, i);
    case BH_TABLE_SPACE:       return space_relations(p, i);
    case BH_TABLE_MAPPING:     return mapping_relations(p, i);
    case BH_TABLE_COMPARTMENT: return compartment_relations(p, i);
    case BH_TABLE_SLOT:        return plan_slot_relations(p, i);
    case BH_TABLE_THREAD:      return thread_relations(p, i);
    case BH_TABLE_VCPU:        return plan_vcpu_relations(p, i);
    case BH_TABLE_DOORBELL:    return plan_doorbell_relations(p, i);
    case BH_TABLE_INTERRUPT:   return plan_interrupt_relations(p, i);
    case BH_TABLE_DEVICE:      return plan_device_relations(p, i);
    case BH_TABLE_PORT_RANGE:  return plan_port_relations(p, i);
    case BH_TABLE_MODE:        return placement_run(p, i) ? PLAN_OK : PLAN_CONTIGUOUS;
    case BH_TABLE_PLACEMENT:   return placement_relations(p, i);
    default:                   return PLAN_OK;
    }
}

/* The sum of all RAM regions; below 2^50, as the first pass bounded count and size. */
uint64_t plan_ram_size(const struct plan_view *p)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < BH_MAX_REGIONS && i < p->count[BH_TABLE_REGION]; i++) {
        sum += p->region[i].kind == BH_REGION_RAM ? p->region[i].size : 0;
    }
    return sum;
}
