/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan check, last pass continued: who may hold what. Slots, vCPUs, doorbells, interrupts, devices
 * and ports belong together by their compartments. Follows indices, which the first pass bounded.
 */
#include "core/plan_rules.h"

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

static bool is_state_page(const struct plan_view *p, uint32_t region) {
    bool found = false;

    for (uint32_t i = 0; i < BH_MAX_VCPUS && i < p->count[BH_TABLE_VCPU]; i++)
        found = found || p->vcpu[i].state_region == region;
    return found;
}

/* A region that a VMM may move about in its guest: RAM or content that isn't a vCPU's state, or a
 * BAR of a device that the VMM owns. */
static enum plan_rule place_relations(const struct plan_view *p, const struct bh_plan_slot *s) {
    const struct bh_plan_region *r = &p->region[s->object];
    enum plan_rule rule = plan_space_of(p, s->object2, BH_SPACE_GUEST, s->compartment);
    bool memory = r->kind == BH_REGION_RAM || r->kind == BH_REGION_CONTENT;
    bool own_bar = r->kind == BH_REGION_BAR && p->device[r->device].owner == s->compartment;
    bool readable = (s->rights & BH_READ) != 0 && (s->rights & ~r->rights) == 0;

    return rule != PLAN_OK                                        ? rule
         : !(memory || own_bar) || is_state_page(p, s->object)    ? PLAN_REGION_KIND
         : !readable                                              ? PLAN_RIGHTS
         : PLAN_OK;
}

static enum plan_rule slot_relations(const struct plan_view *p, const struct bh_plan_slot *s) {
    uint32_t owner = s->compartment;

    switch (s->kind) {
    case BH_SLOT_INTERRUPT:   owner = p->device[p->interrupt[s->object].device].owner; break;
    case BH_SLOT_DEVICE:      owner = p->device[s->object].owner; break;
    case BH_SLOT_VCPU:        owner = p->thread[p->vcpu[s->object].thread].compartment; break;
    case BH_SLOT_COMPARTMENT: return s->object == s->compartment ? PLAN_SELF : PLAN_OK;
    case BH_SLOT_PLACE:       return place_relations(p, s);
    default:                  break;
    }
    return owner == s->compartment ? PLAN_OK : PLAN_OWNER;
}

/* One RAM page, mapped by its VMM's process and by nobody else. */
static bool state_page_is_good(const struct plan_view *p, uint32_t region, uint32_t owner) {
    const struct bh_plan_region *r = &p->region[region];
    bool good = r->kind == BH_REGION_RAM && r->size == BH_PAGE_SIZE && r->owner == owner
             && (r->rights & BH_EXECUTE) == 0;

    for (uint32_t i = 0; i < BH_MAX_MAPPINGS && i < p->count[BH_TABLE_MAPPING]; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        good = good && (m->region != region || m->space == p->compartment[owner].space);
    }
    return good;
}

/* Two vCPUs share neither thread nor state page. */
static enum plan_rule vcpu_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_vcpu *v = &p->vcpu[i];
    uint32_t owner = p->thread[v->thread].compartment;
    enum plan_rule rule = plan_space_of(p, v->space, BH_SPACE_GUEST, owner);
    uint32_t shared = 0;

    for (uint32_t k = 0; k < BH_MAX_VCPUS && k < i; k++)
        shared += p->vcpu[k].thread == v->thread || p->vcpu[k].state_region == v->state_region;
    return rule != PLAN_OK                                     ? rule
         : !state_page_is_good(p, v->state_region, owner)      ? PLAN_STATE_PAGE
         : shared != 0                                         ? PLAN_DUPLICATE
         : PLAN_OK;
}

/* Doorbells of a space don't overlap; a page doorbell must fault, so nothing is mapped there. */
static enum plan_rule doorbell_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_doorbell *d = &p->doorbell[i];
    bool page = d->kind == BH_DOORBELL_PAGE;
    bool overlap = false;

    for (uint32_t k = 0; page && k < BH_MAX_MAPPINGS && k < p->count[BH_TABLE_MAPPING]; k++) {
        const struct bh_plan_mapping *m = &p->mapping[k];
        bool meets = ranges_meet(m->address, m->size, d->address, d->length);
        overlap = overlap || (m->space == d->space && meets);
    }
    for (uint32_t k = 0; k < BH_MAX_DOORBELLS && k < i; k++) {
        const struct bh_plan_doorbell *o = &p->doorbell[k];
        bool meets = ranges_meet(o->address, o->length, d->address, d->length);
        overlap = overlap || (o->space == d->space && o->kind == d->kind && meets);
    }
    return p->space[d->space].kind != BH_SPACE_GUEST ? PLAN_SPACE_KIND
         : overlap                                   ? PLAN_OVERLAP
         : PLAN_OK;
}

/* One entry for each source; a device signals by MSI or by MSI-X, not both; an ISA line is one
 * device's. */
static bool interrupts_clash(const struct bh_plan_interrupt *a, const struct bh_plan_interrupt *b) {
    bool both_isa = a->kind == BH_INTERRUPT_ISA && b->kind == BH_INTERRUPT_ISA;

    return both_isa ? a->source == b->source
         : a->device == b->device && (a->kind != b->kind || a->source == b->source);
}

static enum plan_rule interrupt_relations(const struct plan_view *p, uint32_t i) {
    const struct bh_plan_interrupt *n = &p->interrupt[i];
    const struct bh_plan_device *d = &p->device[n->device];
    bool isa = n->kind == BH_INTERRUPT_ISA;
    bool clash = false;

    for (uint32_t k = 0; k < BH_MAX_INTERRUPTS && k < i; k++)
        clash = clash || interrupts_clash(&p->interrupt[k], n);
    return isa != (d->kind == BH_DEVICE_PLATFORM)                             ? PLAN_DEVICE_KIND
         : p->thread[p->channel[n->channel].thread].compartment != d->owner   ? PLAN_OWNER
         : clash                                                              ? PLAN_DUPLICATE
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
         : plan_space_of(p, d->space, BH_SPACE_DEVICE, d->owner);
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
    const struct bh_plan_device *d = &p->device[r->device];
    bool overlap = false;

    for (uint32_t k = 0; k < BH_MAX_PORT_RANGES && k < i; k++) {
        const struct bh_plan_port_range *o = &p->port_range[k];
        overlap = overlap || ranges_meet(o->first, o->count, r->first, r->count);
    }
    return d->owner != r->compartment                            ? PLAN_OWNER
         : !ports_are_free(r, d->kind == BH_DEVICE_PLATFORM)     ? PLAN_PORTS
         : overlap                                               ? PLAN_OVERLAP
         : PLAN_OK;
}

enum plan_rule plan_owners(const struct plan_view *p, enum bh_table table, uint32_t i) {
    switch (table) {
    case BH_TABLE_SLOT:       return slot_relations(p, &p->slot[i]);
    case BH_TABLE_VCPU:       return vcpu_relations(p, i);
    case BH_TABLE_DOORBELL:   return doorbell_relations(p, i);
    case BH_TABLE_INTERRUPT:  return interrupt_relations(p, i);
    case BH_TABLE_DEVICE:     return device_relations(p, i);
    case BH_TABLE_PORT_RANGE: return port_relations(p, i);
    default:                  return PLAN_OK;
    }
}
