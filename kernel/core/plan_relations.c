/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan check, second pass: what may be mapped where, and who may hold what. Follows indices, which
 * the first pass bounded.
 */
#include "core/plan_rules.h"

#define GUEST_END       (1ull << 46)
#define DEVICE_END      (1ull << 38)
#define MSI_WINDOW      0xfee00000ull                  /* Intel SDM volume 3, 11.11.1 */
#define MSI_WINDOW_SIZE 0x00100000ull

/* Where addresses of a space end, by its kind. */
static const uint64_t space_end[] = {
    [BH_SPACE_PROCESS] = PLAN_PROCESS_END, [BH_SPACE_GUEST] = GUEST_END,
    [BH_SPACE_DEVICE] = DEVICE_END,
};

/* I/O ports that a plan may grant to platform devices. Everything else is the kernel's:
 * configuration space (0xcf8), reset (0xcf9, 0x92), timers, interrupt controllers, clock, power
 * management, SMI, fw_cfg with its DMA. A PCI function's ports are those of its BARs, which
 * firmware places above the legacy area; that they lie in such a BAR is checked when it is installed. */
#define PCI_PORTS_FIRST 0x1000u

static const struct { uint32_t first, count; } platform_window[] = {
    { 0x060, 1 }, { 0x064, 1 },                                  /* keyboard controller */
    { 0x2e8, 8 }, { 0x2f8, 8 }, { 0x3e8, 8 }, { 0x3f8, 8 },      /* serial ports */
    { 0x378, 8 }, { 0x278, 8 },                                  /* parallel ports */
    { 0x3b0, 0x30 },                                             /* VGA */
};

/* Is the space of this kind and this compartment's? */
static enum plan_rule space_of(const struct plan_view *p, uint32_t space, enum bh_space_kind kind,
                               uint32_t owner) {
    return p->space[space].kind != kind   ? PLAN_SPACE_KIND
         : p->space[space].owner != owner ? PLAN_OWNER
         : PLAN_OK;
}

/* A BAR is its device's owner's only: in its process, its guest or that device's space. */
static bool may_reach(const struct plan_view *p, uint32_t owner, const struct bh_plan_region *r) {
    return r->kind != BH_REGION_BAR || p->device[r->device].owner == owner;
}

static bool is_state_page(const struct plan_view *p, uint32_t region) {
    bool found = false;

    for (uint32_t i = 0; i < BH_MAX_VCPUS && i < p->count[BH_TABLE_VCPU]; i++)
        found = found || p->vcpu[i].state_region == region;
    return found;
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

static enum plan_rule mapping_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_mapping *m = &p->mapping[i];
    const struct bh_plan_region *r = &p->region[m->region];
    const struct bh_plan_space *s = &p->space[m->space];
    const struct bh_plan_mapping *before = m - (i > 0);
    bool behind = i == 0 || before->space < m->space
               || (before->space == m->space && before->address < m->address
                   && m->address - before->address >= before->size);
    bool own_process = s->kind == BH_SPACE_PROCESS && s->owner == r->owner;
    bool peer = r->kind == BH_REGION_BAR && s->kind == BH_SPACE_DEVICE
             && p->device[r->device].space != m->space;
    enum plan_rule rule = mapping_range(m, r, s->kind);

    rule = rule != PLAN_OK ? rule : mapping_rights(m, r, s->kind);
    return rule != PLAN_OK                                 ? rule
         : !may_reach(p, s->owner, r) || peer              ? PLAN_OWNER
         : !own_process && is_state_page(p, m->region)     ? PLAN_STATE_PAGE
         : !behind                                         ? PLAN_OVERLAP
         : PLAN_OK;
}

/* A region that a VMM may move about in its guest. */
static enum plan_rule place_relations(const struct plan_view *p, const struct bh_plan_slot *s) {
    const struct bh_plan_region *r = &p->region[s->object];
    enum plan_rule rule = space_of(p, s->object2, BH_SPACE_GUEST, s->compartment);
    bool readable = (s->rights & BH_READ) != 0 && (s->rights & ~r->rights) == 0;

    return rule != PLAN_OK                       ? rule
         : !may_reach(p, s->compartment, r)      ? PLAN_OWNER
         : is_state_page(p, s->object)           ? PLAN_STATE_PAGE
         : !readable                             ? PLAN_RIGHTS
         : PLAN_OK;
}

static enum plan_rule slot_relations(const struct plan_view *p, const struct bh_plan_slot *s) {
    uint32_t own = s->compartment;
    switch (s->kind) {
    case BH_SLOT_DEVICE:      return p->device[s->object].owner == own ? PLAN_OK : PLAN_OWNER;
    case BH_SLOT_COMPARTMENT: return s->object == own ? PLAN_SELF : PLAN_OK;
    case BH_SLOT_PLACE:       return place_relations(p, s);
    default:                  return PLAN_OK;
    }
}

/* Its VMM's guest, and a page of the VMM's process alone (mapping_relations, place_relations), to
 * which the kernel writes what the guest has in its registers: nobody may execute that. */
static enum plan_rule vcpu_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_vcpu *v = &p->vcpu[i];
    const struct bh_plan_region *r = &p->region[v->state_region];
    uint32_t owner = p->thread[v->thread].compartment;
    enum plan_rule rule = space_of(p, v->space, BH_SPACE_GUEST, owner);
    bool state_page = r->kind == BH_REGION_RAM && r->size == BH_PAGE_SIZE && r->owner == owner
                   && (r->rights & BH_EXECUTE) == 0;
    bool shared = false;

    for (uint32_t k = 0; k < BH_MAX_VCPUS && k < i; k++)
        shared = shared || p->vcpu[k].thread == v->thread
              || p->vcpu[k].state_region == v->state_region;
    return rule != PLAN_OK ? rule
         : !state_page     ? PLAN_STATE_PAGE
         : shared          ? PLAN_DUPLICATE
         : PLAN_OK;
}

/* One entry for each source; a function signals by MSI or by MSI-X, not both (PCI 6.8.2); an ISA
 * line is one device's. */
static bool interrupts_clash(const struct bh_plan_interrupt *a, const struct bh_plan_interrupt *b) {
    return a->kind == BH_INTERRUPT_ISA || b->kind == BH_INTERRUPT_ISA
         ? a->kind == b->kind && a->source == b->source
         : a->device == b->device && (a->kind != b->kind || a->source == b->source);
}

static enum plan_rule interrupt_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_interrupt *n = &p->interrupt[i];
    const struct bh_plan_device *d = &p->device[n->device];
    bool isa = n->kind == BH_INTERRUPT_ISA;
    bool clash = false;

    for (uint32_t k = 0; k < BH_MAX_INTERRUPTS && k < i; k++)
        clash = clash || interrupts_clash(&p->interrupt[k], n);
    return isa != (d->kind == BH_DEVICE_PLATFORM)                           ? PLAN_DEVICE_KIND
         : p->thread[p->channel[n->channel].thread].compartment != d->owner ? PLAN_OWNER
         : clash                                                            ? PLAN_DUPLICATE
         : PLAN_OK;
}

static enum plan_rule device_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_device *d = &p->device[i];
    bool twice = false;

    for (uint32_t k = 0; k < BH_MAX_DEVICES && k < i; k++)
        twice = twice || (d->kind == BH_DEVICE_PCI && p->device[k].kind == BH_DEVICE_PCI
                          && p->device[k].requester_id == d->requester_id
                          && p->device[k].virtual == d->virtual);
    return twice               ? PLAN_DUPLICATE
         : d->space == BH_NONE ? PLAN_OK
         : space_of(p, d->space, BH_SPACE_DEVICE, d->owner);
}

static bool ports_are_free(const struct bh_plan_port_range *r, bool platform) {
    bool free = !platform && r->first >= PCI_PORTS_FIRST;

    for (uint32_t i = 0; i < sizeof(platform_window) / sizeof(platform_window[0]); i++) {
        uint32_t end = platform_window[i].first + platform_window[i].count;
        free = free || (platform && r->first >= platform_window[i].first
                        && plan_range_fits(r->first, r->count, end));
    }
    return free;
}

static enum plan_rule port_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_port_range *r = &p->port_range[i];
    bool overlap = false;

    for (uint32_t k = 0; k < BH_MAX_PORT_RANGES && k < i; k++) {
        const struct bh_plan_port_range *o = &p->port_range[k];
        overlap = overlap || ranges_meet(o->first, o->count, r->first, r->count);
    }
    return !ports_are_free(r, p->device[r->device].kind == BH_DEVICE_PLATFORM) ? PLAN_PORTS
         : overlap                                                             ? PLAN_OVERLAP
         : PLAN_OK;
}

enum plan_rule plan_relations(const struct plan_view *p, enum bh_table table, uint32_t i) {
    switch (table) {
    case BH_TABLE_REGION:
        return p->region[i].kind == BH_REGION_BAR
            && p->device[p->region[i].device].kind != BH_DEVICE_PCI ? PLAN_DEVICE_KIND : PLAN_OK;
    case BH_TABLE_MAPPING:     return mapping_relations(p, i);
    case BH_TABLE_COMPARTMENT: return space_of(p, p->compartment[i].space, BH_SPACE_PROCESS, i);
    case BH_TABLE_SLOT:        return slot_relations(p, &p->slot[i]);
    case BH_TABLE_VCPU:        return vcpu_relations(p, i);
    case BH_TABLE_INTERRUPT:   return interrupt_relations(p, i);
    case BH_TABLE_DEVICE:      return device_relations(p, i);
    case BH_TABLE_PORT_RANGE:  return port_relations(p, i);
    default:                   return PLAN_OK;
    }
}
