/* SPDX-License-Identifier: BSD-2-Clause */
/* The finished plan. See emit.h. The model may still hold contradictions: the kernel's own check
 * finds them, and they are reported at the line that the object came from. */
#include "emit.h"

#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "core/plan_rules.h"
#include "memory.h"

/* A table to be written: where it is in the model. */
struct table_source {
    const void *entry;
    const struct origin *origin;
    uint32_t count;
    uint32_t entry_size;
};

static uint64_t page_up(uint64_t size) {
    return (size + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE;
}

/* An entry with its origin, to be sorted together. */
struct sorted_mapping { struct bh_plan_mapping entry; struct origin origin; };
struct sorted_slot { struct bh_plan_slot entry; struct origin origin; uint32_t order; };
struct sorted_doorbell { struct bh_plan_doorbell entry; struct origin origin; };

static int by_space_and_address(const void *a, const void *b) {
    const struct bh_plan_mapping *x = &((const struct sorted_mapping *)a)->entry;
    const struct bh_plan_mapping *y = &((const struct sorted_mapping *)b)->entry;

    if (x->space != y->space) {
        return x->space < y->space ? -1 : 1;
    }
    return x->address < y->address ? -1 : x->address > y->address;
}

static int by_compartment(const void *a, const void *b) {
    const struct sorted_slot *x = a;
    const struct sorted_slot *y = b;

    if (x->entry.compartment != y->entry.compartment) {
        return x->entry.compartment < y->entry.compartment ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

static int by_guest_space(const void *a, const void *b) {
    const struct bh_plan_doorbell *x = &((const struct sorted_doorbell *)a)->entry;
    const struct bh_plan_doorbell *y = &((const struct sorted_doorbell *)b)->entry;

    if (x->space != y->space) {
        return x->space < y->space ? -1 : 1;
    }
    return x->address < y->address ? -1 : x->address > y->address;
}

static void sort_mappings(struct model *m) {
    struct sorted_mapping *list = memory_zeroed(m->mapping_count, sizeof(*list));

    for (uint32_t i = 0; i < m->mapping_count; i++) {
        list[i].entry = m->mapping[i];
        list[i].origin = m->mapping_origin[i];
    }
    qsort(list, m->mapping_count, sizeof(*list), by_space_and_address);
    for (uint32_t i = 0; i < m->mapping_count; i++) {
        m->mapping[i] = list[i].entry;
        m->mapping_origin[i] = list[i].origin;
    }
    free(list);
}

static void sort_slots(struct model *m) {
    struct sorted_slot *list = memory_zeroed(m->slot_count, sizeof(*list));

    for (uint32_t i = 0; i < m->slot_count; i++) {
        list[i] = (struct sorted_slot){ m->slot[i], m->slot_origin[i], i };
    }
    qsort(list, m->slot_count, sizeof(*list), by_compartment);
    for (uint32_t i = 0; i < m->slot_count; i++) {
        m->slot[i] = list[i].entry;
        m->slot_origin[i] = list[i].origin;
    }
    free(list);
    uint32_t next = 0;
    for (uint32_t c = 0; c < m->compartment_count; c++) {
        m->compartment[c].first_slot = next;
        next += m->life[c].slot_count;
    }
}

static void sort_doorbells(struct model *m) {
    struct sorted_doorbell *list = memory_zeroed(m->doorbell_count, sizeof(*list));

    for (uint32_t i = 0; i < m->doorbell_count; i++) {
        list[i] = (struct sorted_doorbell){ m->doorbell[i], m->doorbell_origin[i] };
    }
    qsort(list, m->doorbell_count, sizeof(*list), by_guest_space);
    for (uint32_t i = 0; i < m->doorbell_count; i++) {
        m->doorbell[i] = list[i].entry;
        m->doorbell_origin[i] = list[i].origin;
    }
    free(list);
    uint32_t next = 0;
    for (uint32_t s = 0; s < m->space_count; s++) {
        m->space[s].first_doorbell = next;
        while (next < m->doorbell_count && m->doorbell[next].space == s) {
            next++;
        }
    }
}

static uint64_t manifest_size(const struct model_compartment *life) {
    return sizeof(struct bh_manifest) + life->entry_count * sizeof(struct bh_manifest_entry);
}

/* The manifest's region; its content is filled in by fill_manifests. */
static void add_manifest(struct model *m, uint32_t compartment) {
    struct model_compartment *life = &m->life[compartment];
    uint64_t size = manifest_size(life);
    struct bh_plan_region region = {
        .kind = BH_REGION_CONTENT, .rights = BH_READ, .owner = compartment, .size = page_up(size),
    };
    char *key = memory_format("manifest of %s", m->compartment[compartment].name);
    uint32_t content = model_add_content(m, key, memory_zeroed(size, 1), size);

    free(key);
    model_name(region.name, "%s.manifest", m->compartment[compartment].name);
    uint32_t index = model_add_region(m, region, content, life->origin);
    model_add_mapping(m, (struct bh_plan_mapping){
        .space = life->space, .region = index, .address = BH_MANIFEST_ADDRESS,
        .size = region.size, .rights = BH_READ,
    }, life->origin);
}

static void fill_manifest(struct model *m, uint32_t compartment) {
    struct model_compartment *life = &m->life[compartment];
    char *key = memory_format("manifest of %s", m->compartment[compartment].name);
    uint32_t content = model_add_content(m, key, NULL, 0);
    struct bh_manifest *manifest = (struct bh_manifest *)m->content[content].bytes;

    free(key);
    *manifest = (struct bh_manifest){
        .magic = BH_MANIFEST_MAGIC, .version = BH_MANIFEST_VERSION, .count = life->entry_count,
        .compartment_index = compartment, .entry_size = sizeof(struct bh_manifest_entry),
    };
    memcpy(manifest->system, m->header.name, BH_NAME_SIZE);
    memcpy(manifest->compartment, m->compartment[compartment].name, BH_NAME_SIZE);
    if (life->entry_count > 0) {
        memcpy(manifest->entry, life->entry, life->entry_count * sizeof(*life->entry));
    }
}

static void list_tables(const struct model *m, struct table_source table[BH_TABLE_COUNT]) {
#define TABLE(number, field) \
    table[number] = (struct table_source){ m->field, m->field##_origin, m->field##_count, \
                                           sizeof(m->field[0]) }
    TABLE(BH_TABLE_REGION, region);
    TABLE(BH_TABLE_SPACE, space);
    TABLE(BH_TABLE_MAPPING, mapping);
    TABLE(BH_TABLE_COMPARTMENT, compartment);
    TABLE(BH_TABLE_SLOT, slot);
    TABLE(BH_TABLE_THREAD, thread);
    TABLE(BH_TABLE_VCPU, vcpu);
    TABLE(BH_TABLE_DOORBELL, doorbell);
    TABLE(BH_TABLE_CHANNEL, channel);
    TABLE(BH_TABLE_INTERRUPT, interrupt);
    TABLE(BH_TABLE_DEVICE, device);
    TABLE(BH_TABLE_PORT_RANGE, port_range);
    TABLE(BH_TABLE_MODE, mode);
    TABLE(BH_TABLE_PLACEMENT, placement);
#undef TABLE
}

/* Answers where the tables end, rounded up to the page. */
static uint64_t place_tables(struct model *m, const struct table_source *table) {
    uint64_t offset = sizeof(struct bh_plan_header);

    for (uint32_t i = 0; i < BH_TABLE_COUNT; i++) {
        m->header.table[i] = (struct bh_plan_table){ offset, table[i].count, table[i].entry_size };
        offset += (uint64_t)table[i].count * table[i].entry_size;
    }
    return page_up(offset);
}

/* A region of the plan itself is as large as the tables; whoever maps it learns that now. */
static void size_plan_regions(struct model *m, uint64_t size) {
    for (uint32_t i = 0; i < m->mapping_count; i++) {
        struct bh_plan_mapping *mapping = &m->mapping[i];
        if (m->region[mapping->region].kind != BH_REGION_PLAN) {
            continue;
        }
        m->region[mapping->region].size = size;
        mapping->size = size;
        struct model_compartment *life = &m->life[m->space[mapping->space].owner];
        for (uint32_t j = 0; j < life->entry_count; j++) {
            struct bh_manifest_entry *e = &life->entry[j];
            if (e->kind == BH_ENTRY_REGION && e->address == mapping->address) {
                e->size = size;
            }
        }
    }
}

/* Answers the size of the whole plan. */
static uint64_t place_content(struct model *m, uint64_t offset) {
    for (uint32_t i = 0; i < m->content_count; i++) {
        m->content[i].offset = offset;
        offset = page_up(offset + m->content[i].size);
    }
    for (uint32_t i = 0; i < m->region_count; i++) {
        if (m->region_content[i] != NO_CONTENT) {
            m->region[i].content_offset = m->content[m->region_content[i]].offset;
        }
    }
    return offset;
}

static void write_plan(struct model *m, const struct table_source *table, struct plan_file *plan) {
    plan->bytes = aligned_alloc(BH_PAGE_SIZE, plan->size);
    if (plan->bytes == NULL) {
        abort();
    }
    memset(plan->bytes, 0, plan->size);
    memcpy(plan->bytes, &m->header, sizeof(m->header));
    for (uint32_t i = 0; i < BH_TABLE_COUNT; i++) {
        memcpy(plan->bytes + m->header.table[i].offset, table[i].entry,
               (size_t)table[i].count * table[i].entry_size);
    }
    for (uint32_t i = 0; i < m->content_count; i++) {
        if (m->content[i].size > 0) {
            memcpy(plan->bytes + m->content[i].offset, m->content[i].bytes, m->content[i].size);
        }
    }
    struct bh_plan_header *header = (struct bh_plan_header *)plan->bytes;
    header->checksum = plan_checksum(plan->bytes, plan->size);
}

/* What the verdict is about, in the words of the description. Of malloc. */
static char *subject(const struct model *m, const struct plan_verdict *verdict) {
    uint32_t i = verdict->index;

    if (verdict->table != BH_TABLE_MAPPING) {
        return memory_format("%s %u of the plan", plan_table_name(verdict->table), i);
    }
    const char *region = m->region[m->mapping[i].region].name;
    const char *space = m->space[m->mapping[i].space].name;
    if (verdict->rule == PLAN_OVERLAP) {
        return memory_format("'%s' meets '%s' in '%s'", region,
                             m->region[m->mapping[i - 1].region].name, space);
    }
    return memory_format("'%s' in '%s'", region, space);
}

static void report_verdict(struct model *m, const struct table_source *table,
                           struct plan_verdict verdict) {
    struct origin origin = { 1, m->header.name };

    if (verdict.table < BH_TABLE_COUNT) {
        origin = table[verdict.table].origin[verdict.index];
    }
    char *about = subject(m, &verdict);
    report_add(m->report, origin.line, origin.owner, "%s (%s)", plan_rule_text(verdict.rule),
               about);
    report_mend(m->report, "%s", advice(verdict.rule));
    free(about);
}

/* Like a pass of the plan check, but it goes on after the first finding. True: there was one. */
static bool report_pass(struct model *m, const struct table_source *table,
                        const struct plan_view *p, bool relations) {
    bool found = false;

    for (uint32_t t = 0; t < BH_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < table[t].count; i++) {
            const uint8_t *entry = (const uint8_t *)table[t].entry + i * table[t].entry_size;
            enum plan_rule rule = relations ? plan_relations(p, t, i) : plan_fields(p, t, entry);
            if (rule != PLAN_OK) {
                report_verdict(m, table, (struct plan_verdict){ rule, t, i });
                found = true;
            }
        }
    }
    return found;
}

static bool check_result(struct model *m, const struct table_source *table,
                         struct plan_file *plan) {
    struct plan_verdict verdict = plan_check(plan->bytes, plan->size, BH_PLAN_CONTROL_ALL,
                                             &plan->view);

    if (verdict.rule == PLAN_OK) {
        return true;
    }
    bool found = plan->view.header != NULL && verdict.table < BH_TABLE_COUNT
              && (report_pass(m, table, &plan->view, false)
                  || report_pass(m, table, &plan->view, true));
    if (!found) {
        report_verdict(m, table, verdict);
    }
    return false;
}

bool emit_plan(struct model *m, struct plan_file *plan) {
    struct table_source table[BH_TABLE_COUNT];

    for (uint32_t i = 0; i < m->compartment_count; i++) {
        add_manifest(m, i);
    }
    sort_mappings(m);
    sort_slots(m);
    sort_doorbells(m);
    list_tables(m, table);
    m->header.magic = BH_PLAN_MAGIC;
    m->header.version = BH_PLAN_VERSION;
    m->header.header_size = sizeof(m->header);
    uint64_t tables_end = place_tables(m, table);
    size_plan_regions(m, tables_end);
    for (uint32_t i = 0; i < m->compartment_count; i++) {
        fill_manifest(m, i);
    }
    plan->size = place_content(m, tables_end);
    m->header.total_size = plan->size;
    write_plan(m, table, plan);
    return check_result(m, table, plan);
}

void emit_free(struct plan_file *plan) {
    free(plan->bytes);
    plan->bytes = NULL;
}
