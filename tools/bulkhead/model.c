/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan under construction. See model.h. Trusts its callers: names and values were checked. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define FIRST_AUTOMATIC_ADDRESS 0x100000000ull
#define FIRST_AUTOMATIC_IOVA    0x10000000ull
#define IOVA_BELOW_MSI          0xf0000000ull    /* automatic IOVAs jump from here to 4 GiB */
#define LARGE_PAGE              0x200000ull
#define PLAN_ROOM               0x100000ull      /* more than all tables can take */
#define FIRST_DOORBELL_PORT     0xc000u

struct model *model_new(const struct description *description, struct tree *tree,
                        struct report *report) {
    struct model *m = memory_zeroed(1, sizeof(*m));

    m->description = description;
    m->tree = tree;
    m->report = report;
    return m;
}

void model_free(struct model *m) {
    for (uint32_t i = 0; i < m->content_count; i++) {
        free(m->content[i].key);
        free(m->content[i].bytes);
    }
    for (uint32_t i = 0; i < m->compartment_count; i++) {
        free(m->life[i].entry);
    }
    free(m);
}

void model_name(char field[BH_NAME_SIZE], const char *format, ...) {
    va_list arguments;

    memset(field, 0, BH_NAME_SIZE);
    va_start(arguments, format);
    vsnprintf(field, BH_NAME_SIZE, format, arguments);
    va_end(arguments);
}

static bool has_room(struct model *m, uint32_t count, uint32_t most, bool *full, const char *what,
                     struct origin origin) {
    if (count < most) {
        return true;
    }
    if (!*full) {
        report_add(m->report, origin.line, origin.owner, "the system has more than %u %s", most,
                   what);
        report_mend(m->report, "describe fewer %s", what);
    }
    *full = true;
    return false;
}

/* Defines model_add_FIELD for a table. */
#define MODEL_ADD(type, field, most, what) \
    uint32_t model_add_##field(struct model *m, struct type field, struct origin origin) \
    { \
        if (!has_room(m, m->field##_count, most, &m->field##_full, what, origin)) { \
            return 0; \
        } \
        m->field[m->field##_count] = field; \
        m->field##_origin[m->field##_count] = origin; \
        return m->field##_count++; \
    }

MODEL_ADD(bh_plan_mapping, mapping, BH_MAX_MAPPINGS, "mappings")
MODEL_ADD(bh_plan_thread, thread, BH_MAX_THREADS, "threads")
MODEL_ADD(bh_plan_vcpu, vcpu, BH_MAX_VCPUS, "vCPUs")
MODEL_ADD(bh_plan_doorbell, doorbell, BH_MAX_DOORBELLS, "doorbells")
MODEL_ADD(bh_plan_channel, channel, BH_MAX_CHANNELS, "channels")
MODEL_ADD(bh_plan_interrupt, interrupt, BH_MAX_INTERRUPTS, "interrupts")
MODEL_ADD(bh_plan_device, device, BH_MAX_DEVICES, "devices")
MODEL_ADD(bh_plan_port_range, port_range, BH_MAX_PORT_RANGES, "port ranges")
MODEL_ADD(bh_plan_mode, mode, BH_MAX_MODES, "modes")
MODEL_ADD(bh_plan_placement, placement, BH_MAX_PLACEMENTS, "placements")

uint32_t model_add_region(struct model *m, struct bh_plan_region region, uint32_t content,
                          struct origin origin) {
    if (!has_room(m, m->region_count, BH_MAX_REGIONS, &m->region_full, "regions", origin)) {
        return 0;
    }
    if (region.alignment == 0) {
        region.alignment = region.kind == BH_REGION_RAM && region.size >= LARGE_PAGE
                         ? LARGE_PAGE : BH_PAGE_SIZE;
    }
    if (region.kind != BH_REGION_BAR) {
        region.device = BH_NONE;
    }
    if (content != NO_CONTENT) {
        region.content_size = m->content[content].size;
    }
    m->region[m->region_count] = region;
    m->region_content[m->region_count] = content;
    m->region_origin[m->region_count] = origin;
    return m->region_count++;
}

uint32_t model_add_space(struct model *m, struct bh_plan_space space, struct origin origin) {
    if (!has_room(m, m->space_count, BH_MAX_SPACES, &m->space_full, "spaces", origin)) {
        return 0;
    }
    m->space[m->space_count] = space;
    m->space_origin[m->space_count] = origin;
    m->next_iova[m->space_count] = FIRST_AUTOMATIC_IOVA;
    return m->space_count++;
}

uint32_t model_add_compartment(struct model *m, struct bh_plan_compartment compartment,
                               struct origin origin) {
    if (!has_room(m, m->compartment_count, BH_MAX_COMPARTMENTS, &m->compartment_full,
                  "compartments", origin)) {
        return 0;
    }
    m->compartment[m->compartment_count] = compartment;
    m->compartment_origin[m->compartment_count] = origin;
    m->life[m->compartment_count] = (struct model_compartment){
        .space = compartment.space,
        .first_thread = m->thread_count,
        .next_address = FIRST_AUTOMATIC_ADDRESS,
        .guest_space = BH_NONE,
        .next_port = FIRST_DOORBELL_PORT,
        .origin = origin,
    };
    return m->compartment_count++;
}

uint32_t model_add_slot(struct model *m, struct bh_plan_slot slot, struct origin origin) {
    if (!has_room(m, m->slot_count, BH_MAX_SLOTS, &m->slot_full, "slots", origin)) {
        return 0;
    }
    m->slot[m->slot_count] = slot;
    m->slot_origin[m->slot_count] = origin;
    m->slot_count++;
    return m->life[slot.compartment].slot_count++;
}

uint32_t model_add_content(struct model *m, const char *key, uint8_t *bytes, uint64_t size) {
    for (uint32_t i = 0; i < m->content_count; i++) {
        if (strcmp(m->content[i].key, key) == 0) {
            free(bytes);
            return i;
        }
    }
    if (m->content_count == MODEL_CONTENTS) {
        fputs("bulkhead: too many different images\n", stderr);
        exit(2);
    }
    m->content[m->content_count] = (struct model_content){
        .key = memory_text(key), .bytes = bytes, .size = size,
    };
    return m->content_count++;
}

struct bh_manifest_entry *model_add_entry(struct model *m, uint32_t compartment,
                                          enum bh_manifest_kind kind, const char *format, ...) {
    struct model_compartment *life = &m->life[compartment];
    va_list arguments;

    life->entry = memory_grown(life->entry, life->entry_count + 1, sizeof(*life->entry));
    struct bh_manifest_entry *entry = &life->entry[life->entry_count++];
    memset(entry, 0, sizeof(*entry));
    entry->kind = kind;
    entry->slot = BH_NONE;
    entry->gpa = BH_NO_ADDRESS;
    entry->iova = BH_NO_ADDRESS;
    va_start(arguments, format);
    vsnprintf(entry->name, sizeof(entry->name), format, arguments);
    va_end(arguments);
    return entry;
}

uint64_t model_take_bit(struct model *m, uint32_t compartment, uint32_t thread,
                        struct origin origin) {
    uint64_t *used = m->life[compartment].bits_used;
    uint32_t first = thread == BH_NONE ? 0 : thread;
    uint32_t end = thread == BH_NONE ? BH_MAX_THREADS : thread + 1;
    uint64_t taken = 0;

    for (uint32_t i = first; i < end; i++) {
        taken |= used[i];
    }
    if (taken != UINT64_MAX) {
        uint64_t bit = ~taken & (taken + 1);
        for (uint32_t i = first; i < end; i++) {
            used[i] |= bit;
        }
        return bit;
    }
    report_add(m->report, origin.line, origin.owner,
               "thread %u of '%s' would need more than 64 notification bits", first,
               m->compartment[compartment].name);
    report_mend(m->report, "give it fewer links, or move some to another compartment");
    return 1;
}

static uint64_t align_up(uint64_t value, uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

uint64_t model_map_process(struct model *m, uint32_t compartment, uint32_t region,
                           uint32_t rights, struct origin origin) {
    struct model_compartment *life = &m->life[compartment];
    uint64_t size = m->region[region].size;
    uint64_t address = align_up(life->next_address,
                                size >= LARGE_PAGE ? LARGE_PAGE : BH_PAGE_SIZE);

    bool sized_later = m->region[region].kind == BH_REGION_PLAN;
    life->next_address = address + (sized_later ? PLAN_ROOM : size) + BH_PAGE_SIZE;
    model_add_mapping(m, (struct bh_plan_mapping){
        .space = life->space, .region = region, .address = address, .size = size,
        .rights = rights,
    }, origin);
    return address;
}

uint64_t model_map_device(struct model *m, uint32_t space, uint32_t region, uint32_t rights,
                          struct origin origin) {
    uint64_t size = m->region[region].size;
    uint64_t address = align_up(m->next_iova[space],
                                size >= LARGE_PAGE ? LARGE_PAGE : BH_PAGE_SIZE);

    if (address < IOVA_BELOW_MSI && address + size > IOVA_BELOW_MSI) {
        address = 1ull << 32;
    }
    m->next_iova[space] = address + size + BH_PAGE_SIZE;
    model_add_mapping(m, (struct bh_plan_mapping){
        .space = space, .region = region, .address = address, .size = size, .rights = rights,
    }, origin);
    return address;
}

#define MODEL_FIND(field) \
    uint32_t model_find_##field(const struct model *m, const char *name) \
    { \
        for (uint32_t i = 0; name != NULL && i < m->field##_count; i++) { \
            if (strcmp(m->field[i].name, name) == 0) { \
                return i; \
            } \
        } \
        return BH_NONE; \
    }

MODEL_FIND(compartment)
MODEL_FIND(region)
MODEL_FIND(device)

uint64_t model_ram(const struct model *m) {
    uint64_t sum = 0;

    for (uint32_t i = 0; i < m->region_count; i++) {
        sum += m->region[i].kind == BH_REGION_RAM ? m->region[i].size : 0;
    }
    return sum;
}

uint32_t model_thread(const struct model *m, uint32_t compartment, uint32_t number) {
    return m->life[compartment].first_thread + number;
}
