/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan check, first pass: each field by itself, by the table below, then what several fields of one
 * entry must have in common. Bounds every index; follows none. Trusts only that the tables lie
 * within the plan (plan_check.c).
 */
#include "abi/call.h"
#include "abi/info.h"
#include "core/plan_rules.h"

#define ANY               0xffffffffu
#define MAX_REGION_SIZE   (1ull << 40)
#define MAX_ALIGNMENT     (1ull << 30)
#define MAX_MSIX_ENTRIES  2048u
#define MAX_VIRTUAL       256u
#define MAX_PORTS         0x10000u
#define VGA_WINDOW        0xa0000ull     /* the only physical range that programs may have */
#define VGA_WINDOW_END    0xc0000ull

/* NUMBER: in [low, high]; PAGES: a multiple of the page; BITS: no others than `high`, at least one
 * if `low`; INDEX: of table `low`, or none if `high`. Of `size` bytes: 4 or 8. */
enum field_kind { FIELD_NUMBER, FIELD_PAGES, FIELD_BITS, FIELD_INDEX };

struct field {
    enum bh_table table;
    uint32_t offset, size;
    enum field_kind kind;
    enum plan_rule rule;
    uint64_t low, high;
};

#define FIELD(T, t, f, kind, rule, low, high) \
    { BH_TABLE_##T, offsetof(struct bh_plan_##t, f), sizeof(((struct bh_plan_##t *)0)->f), \
      FIELD_##kind, PLAN_##rule, low, high }
#define NUMBER(T, t, f, rule, low, high) FIELD(T, t, f, NUMBER, rule, low, high)
#define BITS(T, t, f, rule, low, high) FIELD(T, t, f, BITS, rule, low, high)
#define PAGES(T, t, f)                 FIELD(T, t, f, PAGES, ALIGNMENT, 0, 0)
#define INDEX(T, t, f, of)             FIELD(T, t, f, INDEX, REFERENCE, BH_TABLE_##of, 0)
#define INDEX_OR_NONE(T, t, f, of)     FIELD(T, t, f, INDEX, REFERENCE, BH_TABLE_##of, 1)

static const struct field fields[] = {
    NUMBER(COUNT, header, cores, CORES, 1, BH_MAX_CORES),
    FIELD(COUNT, header, first_mode, INDEX, FIRST_MODE, BH_TABLE_MODE, 0),
    FIELD(COUNT, header, log_channel, INDEX, LOG_CHANNEL, BH_TABLE_CHANNEL, 1),

    NUMBER(REGION, region, kind, KIND, 0, BH_REGION_PHYS),
    INDEX_OR_NONE(REGION, region, owner, COMPARTMENT),
    PAGES(REGION, region, size), PAGES(REGION, region, base),
    PAGES(REGION, region, alignment), PAGES(REGION, region, content_offset),
    NUMBER(REGION, region, size, RANGE, 1, MAX_REGION_SIZE),
    NUMBER(REGION, region, alignment, RANGE, 1, MAX_ALIGNMENT),
    NUMBER(REGION, region, bar, RANGE, 0, 5),

    NUMBER(SPACE, space, kind, KIND, 0, BH_SPACE_DEVICE),
    INDEX(SPACE, space, owner, COMPARTMENT),

    INDEX(MAPPING, mapping, space, SPACE), INDEX(MAPPING, mapping, region, REGION),
    PAGES(MAPPING, mapping, address), PAGES(MAPPING, mapping, offset),
    PAGES(MAPPING, mapping, size),
    BITS(MAPPING, mapping, rights, RIGHTS, 1, BH_READ | BH_WRITE | BH_EXECUTE),

    INDEX(COMPARTMENT, compartment, space, SPACE),
    BITS(COMPARTMENT, compartment, flags, FLAGS, 0, BH_COMPARTMENT_START),

    INDEX(SLOT, slot, compartment, COMPARTMENT), INDEX(SLOT, slot, object2, SPACE),

    INDEX(THREAD, thread, compartment, COMPARTMENT),
    NUMBER(THREAD, thread, entry, ENTRY, BH_PAGE_SIZE, PLAN_PROCESS_END - 1),
    NUMBER(THREAD, thread, stack, ENTRY, BH_PAGE_SIZE, PLAN_PROCESS_END),

    INDEX(VCPU, vcpu, thread, THREAD), INDEX(VCPU, vcpu, space, SPACE),
    INDEX(VCPU, vcpu, state_region, REGION),

    INDEX(DOORBELL, doorbell, space, SPACE), INDEX(DOORBELL, doorbell, channel, CHANNEL),

    INDEX(CHANNEL, channel, thread, THREAD), INDEX_OR_NONE(CHANNEL, channel, life_of, COMPARTMENT),
    NUMBER(CHANNEL, channel, bits, RANGE, 1, UINT64_MAX),

    NUMBER(INTERRUPT, interrupt, kind, KIND, 0, BH_INTERRUPT_ISA),
    INDEX(INTERRUPT, interrupt, device, DEVICE), INDEX(INTERRUPT, interrupt, channel, CHANNEL),
    NUMBER(INTERRUPT, interrupt, limit, LIMIT, 1, ANY),

    NUMBER(DEVICE, device, kind, KIND, 0, BH_DEVICE_PLATFORM),
    BITS(DEVICE, device, flags, FLAGS, 0, BH_DEVICE_UNSAFE | BH_DEVICE_DMA),
    INDEX(DEVICE, device, owner, COMPARTMENT), INDEX_OR_NONE(DEVICE, device, space, SPACE),
    NUMBER(DEVICE, device, fault_limit, LIMIT, 1, ANY),
    NUMBER(DEVICE, device, virtual, LIMIT, 0, MAX_VIRTUAL),

    INDEX(PORT_RANGE, port_range, device, DEVICE),

    INDEX(PLACEMENT, placement, mode, MODE), INDEX(PLACEMENT, placement, thread, THREAD),
    NUMBER(PLACEMENT, placement, priority, PRIORITY, 0, BH_PRIORITIES - 1),
    NUMBER(PLACEMENT, placement, period_us, BUDGET, 100, 1000000),
    NUMBER(PLACEMENT, placement, budget_us, BUDGET, 1, 1000000),
};

static bool field_is_good(const struct plan_view *p, const struct field *f, const uint8_t *entry) {
    const void *place = entry + f->offset;
    bool wide = f->size == sizeof(uint64_t);
    uint64_t value = wide ? *(const uint64_t *)place : *(const uint32_t *)place;

    switch (f->kind) {
    case FIELD_PAGES: return value % BH_PAGE_SIZE == 0;
    case FIELD_BITS:  return (value & ~f->high) == 0 && (value != 0 || f->low == 0);
    case FIELD_INDEX: return value < p->count[f->low] || (f->high == 1 && value == BH_NONE);
    default:          return value >= f->low && value <= f->high;
    }
}

static enum plan_rule content_fields(const struct plan_view *p, const struct bh_plan_region *r) {
    bool in_place = r->kind == BH_REGION_CONTENT;
    uint64_t extent = in_place ? r->size : r->content_size;

    if (!in_place && r->content_size == 0)
        return r->content_offset == 0 ? PLAN_OK : PLAN_CONTENT;
    return (in_place || r->kind == BH_REGION_RAM) && r->content_offset >= p->tables_end
        && r->content_size <= r->size
        && plan_range_fits(r->content_offset, extent, p->header->total_size)
        ? PLAN_OK : PLAN_CONTENT;
}

/* The most rights of a region, by its kind. */
static const uint32_t region_rights[] = {
    [BH_REGION_RAM]     = BH_READ | BH_WRITE | BH_EXECUTE,
    [BH_REGION_CONTENT] = BH_READ | BH_EXECUTE,
    [BH_REGION_PLAN]    = BH_READ,
    [BH_REGION_LOG]     = BH_READ,
    [BH_REGION_COUNTERS] = BH_READ,
    [BH_REGION_BAR]     = BH_READ | BH_WRITE,
    [BH_REGION_PHYS]    = BH_READ | BH_WRITE,
};

/* A region that isn't placed in RAM: is its size or its place what it must be? */
static enum plan_rule region_place(const struct plan_view *p, const struct bh_plan_region *r) {
    switch (r->kind) {
    case BH_REGION_BAR:  return r->device < p->count[BH_TABLE_DEVICE] ? PLAN_OK : PLAN_REFERENCE;
    case BH_REGION_PLAN: return r->size == p->tables_end ? PLAN_OK : PLAN_RANGE;
    case BH_REGION_LOG:  return r->size == BH_LOG_REGION_SIZE ? PLAN_OK : PLAN_RANGE;
    case BH_REGION_COUNTERS:
        return r->size == sizeof(struct bh_counters) ? PLAN_OK : PLAN_RANGE;
    case BH_REGION_PHYS:
        return r->base >= VGA_WINDOW && plan_range_fits(r->base, r->size, VGA_WINDOW_END)
            ? PLAN_OK : PLAN_PHYSICAL;
    default:             return PLAN_OK;
    }
}

static enum plan_rule region_fields(const struct plan_view *p, const struct bh_plan_region *r) {
    bool registers = r->kind == BH_REGION_BAR || r->kind == BH_REGION_PHYS;
    bool cached = r->cache == BH_CACHE_WRITE_BACK;
    enum plan_rule place = region_place(p, r);

    return (r->rights & ~region_rights[r->kind]) != 0               ? PLAN_RIGHTS
         : cached == registers || r->cache > BH_CACHE_WRITE_COMBINE ? PLAN_CACHE
         : place != PLAN_OK                                         ? place
         : content_fields(p, r);
}

static enum plan_rule slot_fields(const struct plan_view *p, const struct bh_plan_slot *s) {
    uint32_t objects = s->kind < BH_TABLE_COUNT ? p->count[s->kind] : 1;

    return s->kind > BH_SLOT_MACHINE ? PLAN_KIND
         : s->object >= objects       ? PLAN_REFERENCE
         : PLAN_OK;
}

/* The ISA lines of the timer, the cascade, the clock, the ACPI controller and the coprocessor are
 * the kernel's. */
static enum plan_rule interrupt_fields(const struct bh_plan_interrupt *i) {
    bool isa_free = i->source < 16 && i->source != 0 && i->source != 2 && i->source != 8
                 && i->source != 9 && i->source != 13;
    bool good = i->kind == BH_INTERRUPT_MSIX ? i->source < MAX_MSIX_ENTRIES
              : i->kind == BH_INTERRUPT_MSI  ? i->source == 0
              : isa_free;

    return good ? PLAN_OK : PLAN_SOURCE;
}

/* A PCI function: on segment 0, not the host bridge, with a space if it may do DMA. */
static enum plan_rule device_fields(const struct bh_plan_device *d) {
    bool platform = d->kind == BH_DEVICE_PLATFORM;
    bool plain = d->flags == 0 && d->space == BH_NONE && d->requester_id == 0 &&
                 d->virtual == 0;
    bool function = d->requester_id != 0 && d->requester_id <= 0xffff;
    bool confined = (d->flags & BH_DEVICE_DMA) == 0 || d->space != BH_NONE;

    return platform && !plain     ? PLAN_DEVICE_KIND
         : !platform && !function ? PLAN_REQUESTER
         : !confined              ? PLAN_DMA
         : PLAN_OK;
}

static enum plan_rule header_fields(const struct bh_plan_header *h) {
    bool serial = h->log_port == 0x3f8 || h->log_port == 0x2f8 || h->log_port == 0x3e8
               || h->log_port == 0x2e8 || h->log_port == 0;

    return serial ? PLAN_OK : PLAN_LOG_PORT;
}

static enum plan_rule placement_fields(const struct plan_view *p,
                                       const struct bh_plan_placement *l) {
    return l->core >= p->header->cores    ? PLAN_CORE
         : l->budget_us > l->period_us    ? PLAN_BUDGET
         : PLAN_OK;
}

/* What several fields of one entry must have in common. */
static enum plan_rule entry_fields(const struct plan_view *p, enum bh_table table,
                                   const void *entry) {
    const struct bh_plan_port_range *ports = entry;

    switch (table) {
    case BH_TABLE_COUNT:       return header_fields(entry);
    case BH_TABLE_REGION:      return region_fields(p, entry);
    case BH_TABLE_SLOT:        return slot_fields(p, entry);
    case BH_TABLE_INTERRUPT:   return interrupt_fields(entry);
    case BH_TABLE_DEVICE:      return device_fields(entry);
    case BH_TABLE_PLACEMENT:   return placement_fields(p, entry);
    case BH_TABLE_PORT_RANGE:
        return plan_range_fits(ports->first, ports->count, MAX_PORTS) ? PLAN_OK : PLAN_RANGE;
    default:                   return PLAN_OK;
    }
}

enum plan_rule plan_fields(const struct plan_view *p, enum bh_table table, const void *entry) {
    /* The first field of an entry is its name, but for these tables. */
    uint32_t nameless = 1u << BH_TABLE_MAPPING | 1u << BH_TABLE_SLOT | 1u << BH_TABLE_DOORBELL
                      | 1u << BH_TABLE_PORT_RANGE | 1u << BH_TABLE_PLACEMENT;
    const char *name = table == BH_TABLE_COUNT ? p->header->name : entry;

    if ((nameless >> table & 1) == 0 && name[BH_NAME_SIZE - 1] != 0)
        return PLAN_NAME;
    for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].table == table && !field_is_good(p, &fields[i], entry))
            return fields[i].rule;
    return entry_fields(p, table, entry);
}
