/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan check, last pass: what may be mapped where. Follows indices, which the first pass bounded.
 */
#include "core/plan_rules.h"

#define GUEST_END       (1ull << 46)
#define DEVICE_END      (1ull << 38)
#define MSI_WINDOW      0xfee00000ull                  /* Intel SDM volume 3, 11.11.1 */
#define MSI_WINDOW_SIZE 0x00100000ull

/* Where addresses of a space end, by its kind. */
static const uint64_t space_end[] = {
    [BH_SPACE_PROCESS] = PLAN_PROCESS_END, [BH_SPACE_GUEST] = GUEST_END, [BH_SPACE_DEVICE] = DEVICE_END,
};

/* A process space is its owner's, a guest space has a vCPU, a device space is one device's. */
static enum plan_rule space_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_space *s = &p->space[i];
    uint32_t devices = 0;
    uint32_t vcpus = 0;

    for (uint32_t k = 0; k < BH_MAX_DEVICES && k < p->count[BH_TABLE_DEVICE]; k++)
        devices += p->device[k].space == i;
    for (uint32_t k = 0; k < BH_MAX_VCPUS && k < p->count[BH_TABLE_VCPU]; k++)
        vcpus += p->vcpu[k].space == i;
    bool used = s->kind == BH_SPACE_PROCESS ? p->compartment[s->owner].space == i
              : s->kind == BH_SPACE_GUEST   ? vcpus > 0
              : devices == 1;
    return used ? PLAN_OK : PLAN_SPACE_UNUSED;
}

enum plan_rule plan_space_of(const struct plan_view *p, uint32_t space, enum bh_space_kind kind,
                             uint32_t owner) {
    return p->space[space].kind != kind   ? PLAN_SPACE_KIND
         : p->space[space].owner != owner ? PLAN_OWNER
         : PLAN_OK;
}

/* May a region of this kind be mapped in a space of this kind? */
static bool kind_fits(uint32_t region_kind, uint32_t space_kind) {
    bool memory = region_kind == BH_REGION_RAM || region_kind == BH_REGION_BAR;

    return space_kind == BH_SPACE_PROCESS || memory
        || (space_kind == BH_SPACE_GUEST && region_kind == BH_REGION_CONTENT);
}

/* What anybody may write is executable to guests only; nothing is to a device. */
static enum plan_rule mapping_rights(const struct bh_plan_mapping *m,
                                     const struct bh_plan_region *r, uint32_t space_kind) {
    bool device = space_kind == BH_SPACE_DEVICE;
    bool executable = (m->rights & BH_EXECUTE) != 0;
    bool writable = (r->rights & BH_WRITE) != 0;

    return (m->rights & ~r->rights) != 0                               ? PLAN_RIGHTS
         : device ? executable                                         ? PLAN_RIGHTS : PLAN_OK
         : (m->rights & BH_READ) == 0                                  ? PLAN_RIGHTS
         : space_kind == BH_SPACE_PROCESS && executable && writable    ? PLAN_WX
         : PLAN_OK;
}

static enum plan_rule mapping_range(const struct bh_plan_mapping *m,
                                    const struct bh_plan_region *r, uint32_t space_kind) {
    bool device = space_kind == BH_SPACE_DEVICE;
    bool null_page = space_kind == BH_SPACE_PROCESS && m->address == 0;

    return !plan_range_fits(m->offset, m->size, r->size)                       ? PLAN_RANGE
         : !plan_range_fits(m->address, m->size, space_end[space_kind])        ? PLAN_RANGE
         : null_page                                                           ? PLAN_RANGE
         : device && ranges_meet(m->address, m->size, MSI_WINDOW, MSI_WINDOW_SIZE)
                                                                               ? PLAN_MSI_WINDOW
         : PLAN_OK;
}

/* A BAR is mapped by its device's owner only: in its process, its guest or the device's space. */
static enum plan_rule mapping_owner(const struct plan_view *p, const struct bh_plan_mapping *m) {
    const struct bh_plan_region *r = &p->region[m->region];
    const struct bh_plan_space *s = &p->space[m->space];

    if (r->kind != BH_REGION_BAR)
        return kind_fits(r->kind, s->kind) ? PLAN_OK : PLAN_REGION_KIND;
    const struct bh_plan_device *d = &p->device[r->device];
    bool own_space = s->kind != BH_SPACE_DEVICE || d->space == m->space;
    return d->owner == s->owner && own_space ? PLAN_OK : PLAN_OWNER;
}

static enum plan_rule mapping_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_mapping *m = &p->mapping[i];
    const struct bh_plan_region *r = &p->region[m->region];
    const struct bh_plan_space *s = &p->space[m->space];
    const struct bh_plan_mapping *before = m - (i > 0);
    bool behind = i == 0 || before->space < m->space
               || (before->space == m->space && before->address < m->address
                   && m->address - before->address >= before->size);
    enum plan_rule rule = mapping_range(m, r, s->kind);

    rule = rule != PLAN_OK ? rule : mapping_rights(m, r, s->kind);
    rule = rule != PLAN_OK ? rule : mapping_owner(p, m);
    return rule != PLAN_OK ? rule : behind ? PLAN_OK : PLAN_OVERLAP;
}

static enum plan_rule placement_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_placement *l = &p->placement[i];
    uint32_t same = 0;

    for (uint32_t k = 0; k < BH_MAX_PLACEMENTS && k < i; k++)
        same += p->placement[k].mode == l->mode && p->placement[k].thread == l->thread;
    return same == 0 ? PLAN_OK : PLAN_DUPLICATE;
}

enum plan_rule plan_relations(const struct plan_view *p, enum bh_table table, uint32_t i) {
    bool bar = table == BH_TABLE_REGION && p->region[i].kind == BH_REGION_BAR;

    switch (table) {
    case BH_TABLE_REGION:
        return bar && p->device[p->region[i].device].kind != BH_DEVICE_PCI
            ? PLAN_DEVICE_KIND : PLAN_OK;
    case BH_TABLE_SPACE:       return space_relations(p, i);
    case BH_TABLE_MAPPING:     return mapping_relations(p, i);
    case BH_TABLE_COMPARTMENT:
        return plan_space_of(p, p->compartment[i].space, BH_SPACE_PROCESS, i);
    case BH_TABLE_PLACEMENT:   return placement_relations(p, i);
    default:                   return plan_owners(p, table, i);
    }
}
