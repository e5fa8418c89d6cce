/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan check, second pass continued: who may hold what. Slots, vCPUs, doorbells, interrupts,
 * devices and ports belong together by their compartments. Follows indices, which the first pass
 * bounded.
 */
#include "core/plan_rules.h"

/* I/O ports that a plan may grant. Everything else is the kernel's: configuration space (0xcf8),
 * reset (0xcf9, 0x92), timers, interrupt controllers, clock, power management, SMI, fw_cfg with its
 * DMA. A PCI function's ports are those of its BARs, which firmware places above the legacy area;
 * whether a range lies within such a BAR is checked when the device is installed. */
struct port_window {
    uint32_t first;
    uint32_t count;
};

static const struct port_window platform_window[] = {
    { 0x060, 1 }, { 0x064, 1 },                                  /* keyboard controller */
    { 0x2e8, 8 }, { 0x2f8, 8 }, { 0x3e8, 8 }, { 0x3f8, 8 },      /* serial ports */
    { 0x378, 8 }, { 0x278, 8 },                                  /* parallel ports */
    { 0x3b0, 0x30 },                                             /* VGA */
};

#define PLATFORM_WINDOWS   (sizeof(platform_window) / sizeof(platform_window[0]))
#define PCI_PORTS_FIRST    0x1000u

static uint32_t compartment_of_channel(const struct plan_view *p, uint32_t channel)
{
    return p->thread[p->channel[channel].thread].compartment;
}

static bool is_state_page(const struct plan_view *p, uint32_t region)
{
    bool found = false;

    for (uint32_t i = 0; i < BH_MAX_VCPUS && i < p->count[BH_TABLE_VCPU]; i++) {
        found = found || p->vcpu[i].state_region == region;
    }
    return found;
}

/* A region that a VMM may move about in its guest: RAM or content that isn't a vCPU's state, or a
 * BAR of a device that the VMM owns. */
static enum plan_rule place_relations(const struct plan_view *p, const struct bh_plan_slot *s)
{
    const struct bh_plan_region *r = &p->region[s->object];
    const struct bh_plan_space *space = &p->space[s->object2];
    bool plain = r->kind == BH_REGION_RAM || r->kind == BH_REGION_CONTENT;

    if (space->kind != BH_SPACE_GUEST) {
        return PLAN_SPACE_KIND;
    }
    if (space->owner != s->compartment) {
        return PLAN_OWNER;
    }
    if (r->kind == BH_REGION_BAR) {
        plain = p->device[r->device].owner == s->compartment;
    }
    if (!plain || is_state_page(p, s->object)) {
        return PLAN_REGION_KIND;
    }
    bool good = (s->rights & BH_READ) != 0 && (s->rights & ~r->rights) == 0;
    return good ? PLAN_OK : PLAN_RIGHTS;
}

static enum plan_rule slot_owner(const struct plan_view *p, const struct bh_plan_slot *s)
{
    uint32_t owner = s->compartment;

    switch (s->kind) {
    case BH_SLOT_INTERRUPT:
        owner = p->device[p->interrupt[s->object].device].owner;
        break;
    case BH_SLOT_DEVICE:
        owner = p->device[s->object].owner;
        break;
    case BH_SLOT_VCPU:
        owner = p->thread[p->vcpu[s->object].thread].compartment;
        break;
    case BH_SLOT_COMPARTMENT:
        return s->object == s->compartment ? PLAN_SELF : PLAN_OK;
    default:
        break;
    }
    return owner == s->compartment ? PLAN_OK : PLAN_OWNER;
}

enum plan_rule plan_slot_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_slot *s = &p->slot[i];
    const struct bh_plan_compartment *c = &p->compartment[s->compartment];

    if (i < c->first_slot || i - c->first_slot >= c->slot_count) {
        return PLAN_CONTIGUOUS;
    }
    return s->kind == BH_SLOT_PLACE ? place_relations(p, s) : slot_owner(p, s);
}

/* One RAM page, mapped by its VMM's process and by nobody else. */
static bool state_page_is_good(const struct plan_view *p, uint32_t region, uint32_t owner)
{
    const struct bh_plan_region *r = &p->region[region];
    bool good = r->kind == BH_REGION_RAM && r->size == BH_PAGE_SIZE && r->owner == owner
             && (r->rights & BH_EXECUTE) == 0;

    for (uint32_t i = 0; i < BH_MAX_MAPPINGS && i < p->count[BH_TABLE_MAPPING]; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        bool own = m->space == p->compartment[owner].space;
        good = good && (m->region != region || own);
    }
    return good;
}

/* vCPUs of one space have the same doorbells; two vCPUs share neither thread nor state page. */
static enum plan_rule vcpu_pair(const struct bh_plan_vcpu *a, const struct bh_plan_vcpu *b)
{
    bool same_doorbells = a->first_doorbell == b->first_doorbell
                       && a->doorbell_count == b->doorbell_count;

    if (a->thread == b->thread || a->state_region == b->state_region) {
        return PLAN_DUPLICATE;
    }
    return a->space != b->space || same_doorbells ? PLAN_OK : PLAN_DOORBELLS;
}

/* The vCPU's run of doorbells holds all those of its space and no others. */
static bool doorbells_are_complete(const struct plan_view *p, const struct bh_plan_vcpu *v)
{
    bool complete = true;

    for (uint32_t i = 0; i < BH_MAX_DOORBELLS && i < p->count[BH_TABLE_DOORBELL]; i++) {
        bool in_run = i >= v->first_doorbell && i - v->first_doorbell < v->doorbell_count;
        complete = complete && in_run == (p->doorbell[i].space == v->space);
    }
    return complete;
}

enum plan_rule plan_vcpu_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_vcpu *v = &p->vcpu[i];
    uint32_t owner = p->thread[v->thread].compartment;
    enum plan_rule rule = PLAN_OK;

    if (p->space[v->space].kind != BH_SPACE_GUEST) {
        return PLAN_SPACE_KIND;
    }
    if (p->space[v->space].owner != owner) {
        return PLAN_OWNER;
    }
    if (!state_page_is_good(p, v->state_region, owner)) {
        return PLAN_STATE_PAGE;
    }
    if (!doorbells_are_complete(p, v)) {
        return PLAN_DOORBELLS;
    }
    for (uint32_t j = 0; j < BH_MAX_VCPUS && j < i; j++) {
        rule = rule != PLAN_OK ? rule : vcpu_pair(&p->vcpu[j], v);
    }
    return rule;
}

/* A page doorbell must fault: nothing may be mapped there at boot. */
static bool doorbell_is_unmapped(const struct plan_view *p, const struct bh_plan_doorbell *d)
{
    bool unmapped = true;

    for (uint32_t i = 0; i < BH_MAX_MAPPINGS && i < p->count[BH_TABLE_MAPPING]; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        bool meets = plan_ranges_meet(m->address, m->size, d->address, d->length);
        unmapped = unmapped && !(m->space == d->space && meets);
    }
    return unmapped;
}

enum plan_rule plan_doorbell_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_doorbell *d = &p->doorbell[i];
    bool page = d->kind == BH_DOORBELL_PAGE;
    bool overlap = page && !doorbell_is_unmapped(p, d);

    if (p->space[d->space].kind != BH_SPACE_GUEST) {
        return PLAN_SPACE_KIND;
    }
    for (uint32_t j = 0; j < BH_MAX_DOORBELLS && j < i; j++) {
        const struct bh_plan_doorbell *o = &p->doorbell[j];
        bool meets = plan_ranges_meet(o->address, o->length, d->address, d->length);
        overlap = overlap || (o->space == d->space && o->kind == d->kind && meets);
    }
    return overlap ? PLAN_OVERLAP : PLAN_OK;
}

/* One entry for each source; a device signals by MSI or by MSI-X, not both; an ISA line is one
 * device's. */
static bool interrupts_clash(const struct bh_plan_interrupt *a, const struct bh_plan_interrupt *b)
{
    bool both_isa = a->kind == BH_INTERRUPT_ISA && b->kind == BH_INTERRUPT_ISA;
    bool same_device = a->device == b->device;

    if (both_isa) {
        return a->source == b->source;
    }
    return same_device && (a->kind != b->kind || a->source == b->source);
}

enum plan_rule plan_interrupt_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_interrupt *n = &p->interrupt[i];
    const struct bh_plan_device *d = &p->device[n->device];
    bool isa = n->kind == BH_INTERRUPT_ISA;
    bool clash = false;

    if (isa != (d->kind == BH_DEVICE_PLATFORM)) {
        return PLAN_DEVICE_KIND;
    }
    if (compartment_of_channel(p, n->channel) != d->owner) {
        return PLAN_OWNER;
    }
    for (uint32_t j = 0; j < BH_MAX_INTERRUPTS && j < i; j++) {
        clash = clash || interrupts_clash(&p->interrupt[j], n);
    }
    return clash ? PLAN_DUPLICATE : PLAN_OK;
}

static enum plan_rule device_space(const struct plan_view *p, const struct bh_plan_device *d)
{
    if (d->space == BH_NONE) {
        return PLAN_OK;
    }
    if (p->space[d->space].kind != BH_SPACE_DEVICE) {
        return PLAN_SPACE_KIND;
    }
    return p->space[d->space].owner == d->owner ? PLAN_OK : PLAN_OWNER;
}

enum plan_rule plan_device_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_device *d = &p->device[i];
    bool twice = false;

    for (uint32_t j = 0; j < BH_MAX_DEVICES && j < i; j++) {
        const struct bh_plan_device *o = &p->device[j];
        bool both_pci = o->kind == BH_DEVICE_PCI && d->kind == BH_DEVICE_PCI;
        twice = twice || (both_pci && o->requester_id == d->requester_id);
    }
    return twice ? PLAN_DUPLICATE : device_space(p, d);
}

static bool platform_ports_are_free(const struct bh_plan_port_range *r)
{
    bool inside = false;

    for (uint32_t i = 0; i < PLATFORM_WINDOWS; i++) {
        const struct port_window *w = &platform_window[i];
        inside = inside || (r->first >= w->first
                            && plan_range_fits(r->first, r->count, w->first + w->count));
    }
    return inside;
}

enum plan_rule plan_port_relations(const struct plan_view *p, uint32_t i)
{
    const struct bh_plan_port_range *r = &p->port_range[i];
    const struct bh_plan_device *d = &p->device[r->device];
    bool platform = d->kind == BH_DEVICE_PLATFORM;
    bool overlap = false;

    if (d->owner != r->compartment) {
        return PLAN_OWNER;
    }
    if (platform ? !platform_ports_are_free(r) : r->first < PCI_PORTS_FIRST) {
        return PLAN_PORTS;
    }
    for (uint32_t j = 0; j < BH_MAX_PORT_RANGES && j < i; j++) {
        const struct bh_plan_port_range *o = &p->port_range[j];
        overlap = overlap || plan_ranges_meet(o->first, o->count, r->first, r->count);
    }
    return overlap ? PLAN_OVERLAP : PLAN_OK;
}
