/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan check, first pass: each entry by itself. Kinds, flags, rights, ranges, alignment, unused
 * fields; every index is compared to the count of the table that it names. Follows no index.
 * Trusts only that the tables lie within the plan (plan_check.c).
 */
#include "abi/call.h"
#include "abi/info.h"
#include "core/plan_rules.h"

#define MAX_REGION_SIZE   (1ull << 40)
#define MAX_ALIGNMENT     (1ull << 30)
#define MAX_BAR_OFFSET    (1ull << 40)
#define MAX_POOL_PAGES    4096u
#define MAX_MSIX_ENTRIES  2048u
#define MAX_PORTS         0x10000u
#define MIN_PERIOD_US     100u
#define MAX_PERIOD_US     1000000u
#define PROCESS_END       ((1ull << 47) - BH_PAGE_SIZE)  /* SYSCALL returns to canonical */
#define GUEST_END         (1ull << 46)
#define DEVICE_END        (1ull << 38)
#define VGA_WINDOW        0xa0000ull                     /* the only physical range for programs */
#define VGA_WINDOW_SIZE   0x20000ull

static const uint64_t space_end[] = {
    [BH_SPACE_PROCESS] = PROCESS_END, [BH_SPACE_GUEST] = GUEST_END, [BH_SPACE_DEVICE] = DEVICE_END,
};

static bool exists(const struct plan_view *p, enum bh_table table, uint32_t index)
{
    return index < p->count[table];
}

static bool exists_or_none(const struct plan_view *p, enum bh_table table, uint32_t index)
{
    return index == BH_NONE || exists(p, table, index);
}

static bool power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Printable, not empty, terminated, and zero after its end. */
static bool name_is_good(const char *name)
{
    bool ended = false;

    for (uint32_t i = 0; i < BH_NAME_SIZE; i++) {
        bool printable = name[i] > ' ' && name[i] < 0x7f;
        if (ended ? name[i] != 0 : (name[i] != 0 && !printable)) {
            return false;
        }
        ended = ended || name[i] == 0;
    }
    return ended && name[0] != 0;
}

static enum plan_rule content_fields(const struct plan_view *p, const struct bh_plan_region *r)
{
    uint64_t extent = r->kind == BH_REGION_CONTENT ? r->size : r->content_size;
    uint64_t total = p->header->total_size;

    if (r->kind != BH_REGION_CONTENT && r->content_size == 0) {
        return r->content_offset == 0 ? PLAN_OK : PLAN_CONTENT;
    }
    if (r->kind != BH_REGION_CONTENT && r->kind != BH_REGION_RAM) {
        return PLAN_CONTENT;
    }
    bool starts_well = plan_page_aligned(r->content_offset) && r->content_offset >= p->tables_end;
    bool ends_well = r->content_size <= r->size
                  && plan_range_fits(r->content_offset, extent, total);
    return starts_well && ends_well ? PLAN_OK : PLAN_CONTENT;
}

static enum plan_rule region_rights(const struct bh_plan_region *r)
{
    uint32_t allowed = BH_READ | BH_WRITE;

    if (r->kind == BH_REGION_RAM) {
        allowed = BH_READ | BH_WRITE | BH_EXECUTE;
    } else if (r->kind == BH_REGION_CONTENT) {
        allowed = BH_READ | BH_EXECUTE;
    } else if (r->kind == BH_REGION_PLAN || r->kind == BH_REGION_LOG) {
        allowed = BH_READ;
    }
    return r->rights != 0 && (r->rights & ~allowed) == 0 ? PLAN_OK : PLAN_RIGHTS;
}

static enum plan_rule region_cache(const struct bh_plan_region *r)
{
    bool registers = r->kind == BH_REGION_BAR || r->kind == BH_REGION_PHYS;
    bool uncached = r->cache == BH_CACHE_UNCACHED || r->cache == BH_CACHE_WRITE_COMBINE;

    return (registers ? uncached : r->cache == BH_CACHE_WRITE_BACK) ? PLAN_OK : PLAN_CACHE;
}

/* Where a region lies that isn't placed in RAM. */
static enum plan_rule region_place(const struct plan_view *p, const struct bh_plan_region *r)
{
    switch (r->kind) {
    case BH_REGION_BAR:
        if (!exists(p, BH_TABLE_DEVICE, r->device)) {
            return PLAN_REFERENCE;
        }
        return r->bar < 6 && plan_range_fits(r->base, r->size, MAX_BAR_OFFSET)
            ? PLAN_OK : PLAN_RANGE;
    case BH_REGION_PHYS:
        return r->base >= VGA_WINDOW
            && plan_range_fits(r->base, r->size, VGA_WINDOW + VGA_WINDOW_SIZE)
            ? PLAN_OK : PLAN_PHYSICAL;
    case BH_REGION_PLAN:
        return r->size == p->tables_end ? PLAN_OK : PLAN_RANGE;
    case BH_REGION_LOG:
        return r->size == BH_LOG_REGION_SIZE ? PLAN_OK : PLAN_RANGE;
    default:
        return PLAN_OK;
    }
}

static enum plan_rule region_unused(const struct bh_plan_region *r)
{
    bool bar = r->kind == BH_REGION_BAR;
    bool unused = (bar || (r->device == BH_NONE && r->bar == 0))
               && (bar || r->kind == BH_REGION_PHYS || r->base == 0);

    return unused ? PLAN_OK : PLAN_RESERVED;
}

static enum plan_rule region_size(const struct bh_plan_region *r)
{
    bool aligned = plan_page_aligned(r->size) && plan_page_aligned(r->base)
                && power_of_two(r->alignment) && plan_page_aligned(r->alignment);

    if (!aligned) {
        return PLAN_ALIGNMENT;
    }
    return r->size != 0 && r->size <= MAX_REGION_SIZE && r->alignment <= MAX_ALIGNMENT
        ? PLAN_OK : PLAN_RANGE;
}

static enum plan_rule region_fields(const struct plan_view *p, const struct bh_plan_region *r)
{
    enum plan_rule rule = PLAN_OK;

    if (!name_is_good(r->name)) {
        return PLAN_NAME;
    }
    if (r->kind > BH_REGION_PHYS) {
        return PLAN_KIND;
    }
    if (!exists_or_none(p, BH_TABLE_COMPARTMENT, r->owner)) {
        return PLAN_REFERENCE;
    }
    rule = region_size(r);
    rule = rule != PLAN_OK ? rule : region_rights(r);
    rule = rule != PLAN_OK ? rule : region_cache(r);
    rule = rule != PLAN_OK ? rule : region_place(p, r);
    rule = rule != PLAN_OK ? rule : region_unused(r);
    return rule != PLAN_OK ? rule : content_fields(p, r);
}

static enum plan_rule space_fields(const struct plan_view *p, const struct bh_plan_space *s)
{
    if (!name_is_good(s->name)) {
        return PLAN_NAME;
    }
    if (s->kind > BH_SPACE_DEVICE) {
        return PLAN_KIND;
    }
    if (!exists(p, BH_TABLE_COMPARTMENT, s->owner)) {
        return PLAN_REFERENCE;
    }
    if (s->reserved != 0 || (s->kind != BH_SPACE_GUEST && s->pool_pages != 0)) {
        return PLAN_RESERVED;
    }
    return s->pool_pages <= MAX_POOL_PAGES ? PLAN_OK : PLAN_RANGE;
}

static enum plan_rule mapping_fields(const struct plan_view *p, const struct bh_plan_mapping *m)
{
    bool aligned = plan_page_aligned(m->address) && plan_page_aligned(m->offset)
                && plan_page_aligned(m->size);

    if (!exists(p, BH_TABLE_SPACE, m->space) || !exists(p, BH_TABLE_REGION, m->region)) {
        return PLAN_REFERENCE;
    }
    if (!aligned) {
        return PLAN_ALIGNMENT;
    }
    if (m->rights == 0 || m->rights > (BH_READ | BH_WRITE | BH_EXECUTE)) {
        return PLAN_RIGHTS;
    }
    return m->reserved == 0 ? PLAN_OK : PLAN_RESERVED;
}

static enum plan_rule compartment_fields(const struct plan_view *p,
                                         const struct bh_plan_compartment *c)
{
    if (!name_is_good(c->name)) {
        return PLAN_NAME;
    }
    if (!exists(p, BH_TABLE_SPACE, c->space)) {
        return PLAN_REFERENCE;
    }
    if ((c->flags & ~(uint32_t)BH_COMPARTMENT_START) != 0) {
        return PLAN_FLAGS;
    }
    return c->thread_count != 0 ? PLAN_OK : PLAN_RANGE;
}

/* The operations that a slot of each kind may allow. A kind with a single operation has no bits. */
static uint32_t slot_rights(uint32_t kind)
{
    switch (kind) {
    case BH_SLOT_DEVICE:      return (1u << (BH_DEVICE_READ + 1)) - 1;
    case BH_SLOT_PLACE:       return BH_READ | BH_WRITE | BH_EXECUTE;
    case BH_SLOT_COMPARTMENT: return (1u << (BH_COMPARTMENT_RESET + 1)) - 1;
    case BH_SLOT_MACHINE:     return (1u << (BH_MACHINE_POWEROFF + 1)) - 1;
    default:                  return 0;
    }
}

/* Whether the slot's object exists; the kinds without one hold zero. */
static bool slot_object_exists(const struct plan_view *p, const struct bh_plan_slot *s)
{
    switch (s->kind) {
    case BH_SLOT_CHANNEL:     return exists(p, BH_TABLE_CHANNEL, s->object);
    case BH_SLOT_INTERRUPT:   return exists(p, BH_TABLE_INTERRUPT, s->object);
    case BH_SLOT_DEVICE:      return exists(p, BH_TABLE_DEVICE, s->object);
    case BH_SLOT_VCPU:        return exists(p, BH_TABLE_VCPU, s->object);
    case BH_SLOT_PLACE:
        return exists(p, BH_TABLE_REGION, s->object) && exists(p, BH_TABLE_SPACE, s->object2);
    case BH_SLOT_COMPARTMENT: return exists(p, BH_TABLE_COMPARTMENT, s->object);
    case BH_SLOT_MODE:        return exists(p, BH_TABLE_MODE, s->object);
    default:                  return s->object == 0;
    }
}

static enum plan_rule slot_fields(const struct plan_view *p, const struct bh_plan_slot *s)
{
    if (s->kind < BH_SLOT_CHANNEL || s->kind > BH_SLOT_COUNTERS) {
        return PLAN_KIND;
    }
    if (!exists(p, BH_TABLE_COMPARTMENT, s->compartment) || !slot_object_exists(p, s)) {
        return PLAN_REFERENCE;
    }
    if ((s->rights & ~slot_rights(s->kind)) != 0) {
        return PLAN_RIGHTS;
    }
    return s->reserved == 0 && (s->kind == BH_SLOT_PLACE || s->object2 == 0)
        ? PLAN_OK : PLAN_RESERVED;
}

static enum plan_rule thread_fields(const struct plan_view *p, const struct bh_plan_thread *t)
{
    if (!name_is_good(t->name)) {
        return PLAN_NAME;
    }
    if (!exists(p, BH_TABLE_COMPARTMENT, t->compartment)) {
        return PLAN_REFERENCE;
    }
    return t->reserved == 0 ? PLAN_OK : PLAN_RESERVED;
}

static enum plan_rule vcpu_fields(const struct plan_view *p, const struct bh_plan_vcpu *v)
{
    bool known = exists(p, BH_TABLE_THREAD, v->thread) && exists(p, BH_TABLE_SPACE, v->space)
              && exists(p, BH_TABLE_REGION, v->state_region);
    uint64_t end = (uint64_t)v->first_doorbell + v->doorbell_count;

    if (!name_is_good(v->name)) {
        return PLAN_NAME;
    }
    if (!known || end > p->count[BH_TABLE_DOORBELL]) {
        return PLAN_REFERENCE;
    }
    return v->reserved == 0 ? PLAN_OK : PLAN_RESERVED;
}

static enum plan_rule doorbell_fields(const struct plan_view *p, const struct bh_plan_doorbell *d)
{
    bool page = d->kind == BH_DOORBELL_PAGE;

    if (!exists(p, BH_TABLE_SPACE, d->space) || !exists(p, BH_TABLE_CHANNEL, d->channel)) {
        return PLAN_REFERENCE;
    }
    if (d->kind > BH_DOORBELL_PAGE) {
        return PLAN_KIND;
    }
    if (page && !(plan_page_aligned(d->address) && plan_page_aligned(d->length))) {
        return PLAN_ALIGNMENT;
    }
    if (!plan_range_fits(d->address, d->length, page ? GUEST_END : MAX_PORTS)) {
        return PLAN_RANGE;
    }
    return d->reserved == 0 ? PLAN_OK : PLAN_RESERVED;
}

static enum plan_rule channel_fields(const struct plan_view *p, const struct bh_plan_channel *c)
{
    if (!name_is_good(c->name)) {
        return PLAN_NAME;
    }
    if (!exists(p, BH_TABLE_THREAD, c->thread)
        || !exists_or_none(p, BH_TABLE_COMPARTMENT, c->life_of)) {
        return PLAN_REFERENCE;
    }
    return c->bits != 0 ? PLAN_OK : PLAN_RANGE;
}

/* Lines of the timer, the cascade, the clock, the ACPI controller and the coprocessor are the
 * kernel's. */
static bool isa_line_is_free(uint32_t line)
{
    return line < 16 && line != 0 && line != 2 && line != 8 && line != 9 && line != 13;
}

static bool source_is_good(const struct bh_plan_interrupt *i)
{
    switch (i->kind) {
    case BH_INTERRUPT_MSIX: return i->source < MAX_MSIX_ENTRIES;
    case BH_INTERRUPT_MSI:  return i->source == 0;
    default:                return isa_line_is_free(i->source);
    }
}

static enum plan_rule interrupt_fields(const struct plan_view *p,
                                       const struct bh_plan_interrupt *i)
{
    if (!name_is_good(i->name)) {
        return PLAN_NAME;
    }
    if (i->kind > BH_INTERRUPT_ISA) {
        return PLAN_KIND;
    }
    if (!exists(p, BH_TABLE_DEVICE, i->device) || !exists(p, BH_TABLE_CHANNEL, i->channel)) {
        return PLAN_REFERENCE;
    }
    if (!source_is_good(i)) {
        return PLAN_SOURCE;
    }
    if (i->limit == 0) {
        return PLAN_LIMIT;
    }
    return i->reserved == 0 ? PLAN_OK : PLAN_RESERVED;
}

/* A PCI function other than the host bridge, on segment 0, with a space if it may do DMA. */
static enum plan_rule pci_device_fields(const struct bh_plan_device *d)
{
    if (d->requester_id == 0 || d->requester_id > 0xffff) {
        return PLAN_REQUESTER;
    }
    return (d->flags & BH_DEVICE_DMA) == 0 || d->space != BH_NONE ? PLAN_OK : PLAN_DMA;
}

static enum plan_rule platform_device_fields(const struct bh_plan_device *d)
{
    bool plain = d->flags == 0 && d->space == BH_NONE && d->requester_id == 0;

    return plain ? PLAN_OK : PLAN_DEVICE_KIND;
}

static enum plan_rule device_fields(const struct plan_view *p, const struct bh_plan_device *d)
{
    bool known = exists(p, BH_TABLE_COMPARTMENT, d->owner)
              && exists_or_none(p, BH_TABLE_SPACE, d->space);

    if (!name_is_good(d->name)) {
        return PLAN_NAME;
    }
    if (d->kind > BH_DEVICE_PLATFORM) {
        return PLAN_KIND;
    }
    if ((d->flags & ~(uint32_t)(BH_DEVICE_UNSAFE | BH_DEVICE_DMA)) != 0) {
        return PLAN_FLAGS;
    }
    if (!known) {
        return PLAN_REFERENCE;
    }
    if (d->fault_limit == 0) {
        return PLAN_LIMIT;
    }
    if (d->reserved != 0) {
        return PLAN_RESERVED;
    }
    return d->kind == BH_DEVICE_PCI ? pci_device_fields(d) : platform_device_fields(d);
}

static enum plan_rule port_fields(const struct plan_view *p, const struct bh_plan_port_range *r)
{
    if (!exists(p, BH_TABLE_COMPARTMENT, r->compartment)
        || !exists(p, BH_TABLE_DEVICE, r->device)) {
        return PLAN_REFERENCE;
    }
    return plan_range_fits(r->first, r->count, MAX_PORTS) ? PLAN_OK : PLAN_RANGE;
}

static enum plan_rule placement_fields(const struct plan_view *p,
                                       const struct bh_plan_placement *l)
{
    bool period_good = l->period_us >= MIN_PERIOD_US && l->period_us <= MAX_PERIOD_US;

    if (!exists(p, BH_TABLE_MODE, l->mode) || !exists(p, BH_TABLE_THREAD, l->thread)) {
        return PLAN_REFERENCE;
    }
    if (l->core >= p->header->cores) {
        return PLAN_CORE;
    }
    if (l->priority >= BH_PRIORITIES) {
        return PLAN_PRIORITY;
    }
    return period_good && l->budget_us != 0 && l->budget_us <= l->period_us ? PLAN_OK : PLAN_BUDGET;
}

enum plan_rule plan_fields(const struct plan_view *p, enum bh_table table, uint32_t i)
{
    switch (table) {
    case BH_TABLE_REGION:      return region_fields(p, &p->region[i]);
    case BH_TABLE_SPACE:       return space_fields(p, &p->space[i]);
    case BH_TABLE_MAPPING:     return mapping_fields(p, &p->mapping[i]);
    case BH_TABLE_COMPARTMENT: return compartment_fields(p, &p->compartment[i]);
    case BH_TABLE_SLOT:        return slot_fields(p, &p->slot[i]);
    case BH_TABLE_THREAD:      return thread_fields(p, &p->thread[i]);
    case BH_TABLE_VCPU:        return vcpu_fields(p, &p->vcpu[i]);
    case BH_TABLE_DOORBELL:    return doorbell_fields(p, &p->doorbell[i]);
    case BH_TABLE_CHANNEL:     return channel_fields(p, &p->channel[i]);
    case BH_TABLE_INTERRUPT:   return interrupt_fields(p, &p->interrupt[i]);
    case BH_TABLE_DEVICE:      return device_fields(p, &p->device[i]);
    case BH_TABLE_PORT_RANGE:  return port_fields(p, &p->port_range[i]);
    case BH_TABLE_MODE:        return name_is_good(p->mode[i].name) ? PLAN_OK : PLAN_NAME;
    case BH_TABLE_PLACEMENT:   return placement_fields(p, &p->placement[i]);
    default:                   return PLAN_OK;
    }
}

enum plan_rule plan_header_fields(const struct plan_view *p)
{
    const struct bh_plan_header *h = p->header;
    bool serial = h->log_port == 0x3f8 || h->log_port == 0x2f8 || h->log_port == 0x3e8
               || h->log_port == 0x2e8;

    if (!name_is_good(h->name)) {
        return PLAN_NAME;
    }
    if (h->cores == 0 || h->cores > BH_MAX_CORES) {
        return PLAN_CORES;
    }
    if (!exists(p, BH_TABLE_MODE, h->first_mode)) {
        return PLAN_FIRST_MODE;
    }
    if (!exists_or_none(p, BH_TABLE_CHANNEL, h->log_channel)) {
        return PLAN_LOG_CHANNEL;
    }
    return h->log_port == 0 || serial ? PLAN_OK : PLAN_LOG_PORT;
}

/* Where addresses of a space of this kind end. The kind was checked. */
uint64_t plan_space_end(uint32_t kind)
{
    return space_end[kind % 3];
}
