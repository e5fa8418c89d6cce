/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a plan. The input is either a plan itself (its magic, size and checksum made right,
 * so that the rest is reached) or a list of changes to a good plan. Whatever the check accepts is then
 * used as the kernel would use it: every index followed, every range added up.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan_check.h"
#include "sample_plan.h"

#define SIZE_MAX_RAW (16u * BH_PAGE_SIZE)

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            abort(); \
        } \
    } while (0)

struct change {
    uint16_t word;
    uint32_t value;
} __attribute__((packed));

static void rely_on_mappings(const struct plan_view *p) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_MAPPING]; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        const struct bh_plan_region *r = &p->region[m->region];
        const struct bh_plan_space *s = &p->space[m->space];
        MUST(m->offset + m->size <= r->size && m->address + m->size > m->address);
        MUST((m->rights & ~r->rights) == 0);
        bool wx = (m->rights & BH_WRITE) != 0 && (m->rights & BH_EXECUTE) != 0;
        MUST(!wx || s->kind == BH_SPACE_GUEST);
        MUST(s->kind != BH_SPACE_DEVICE || m->address + m->size <= 0xfee00000
             || m->address >= 0xfef00000);
        MUST(r->kind != BH_REGION_BAR || p->device[r->device].owner == s->owner);
    }
}

static void rely_on_regions(const struct plan_view *p) {
    const uint8_t *base = (const uint8_t *)p->header;
    uint32_t sum = 0;

    for (uint32_t i = 0; i < p->count[BH_TABLE_REGION]; i++) {
        const struct bh_plan_region *r = &p->region[i];
        uint64_t extent = r->kind == BH_REGION_CONTENT ? r->size : r->content_size;
        if (extent > 0) {
            sum += base[r->content_offset];
            sum += base[r->content_offset + extent - 1];
        }
        MUST(r->kind != BH_REGION_CONTENT || (r->rights & BH_WRITE) == 0);
    }
    MUST(sum <= 2u * 255u * BH_MAX_REGIONS);
}

static void rely_on_owners(const struct plan_view *p) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_SLOT]; i++) {
        const struct bh_plan_slot *s = &p->slot[i];
        MUST(s->compartment < p->count[BH_TABLE_COMPARTMENT]);
        MUST(s->kind != BH_SLOT_DEVICE || p->device[s->object].owner == s->compartment);
    }
    for (uint32_t i = 0; i < p->count[BH_TABLE_INTERRUPT]; i++) {
        const struct bh_plan_interrupt *n = &p->interrupt[i];
        uint32_t thread = p->channel[n->channel].thread;
        MUST(thread < p->count[BH_TABLE_THREAD]);
        MUST(p->device[n->device].owner < p->count[BH_TABLE_COMPARTMENT]);
        MUST(p->thread[thread].compartment == p->device[n->device].owner);
    }
    for (uint32_t i = 0; i < p->count[BH_TABLE_VCPU]; i++) {
        const struct bh_plan_vcpu *v = &p->vcpu[i];
        MUST(p->region[v->state_region].size == BH_PAGE_SIZE);
    }
    for (uint32_t i = 0; i < p->count[BH_TABLE_PLACEMENT]; i++) {
        MUST(p->placement[i].core < p->header->cores && p->placement[i].priority < BH_PRIORITIES);
    }
}

static void check_and_use(void *plan, uint64_t size) {
    struct bh_plan_header *header = plan;
    struct plan_view view;

    header->checksum = plan_checksum(plan, size);
    struct plan_verdict verdict = plan_check(plan, size, BH_PLAN_CONTROL_ALL, &view);
    MUST(verdict.rule < PLAN_RULE_COUNT && verdict.table <= BH_TABLE_COUNT);
    if (verdict.rule == PLAN_OK) {
        rely_on_regions(&view);
        rely_on_mappings(&view);
        rely_on_owners(&view);
    }
}

static void run_changes(const uint8_t *data, size_t size) {
    void *memory = aligned_alloc(BH_PAGE_SIZE, SAMPLE_SIZE);
    struct sample *sample = sample_plan_make(memory);

    for (size_t at = 0; at + sizeof(struct change) <= size; at += sizeof(struct change)) {
        struct change change;
        memcpy(&change, data + at, sizeof(change));
        size_t word = change.word % (sizeof(*sample) / sizeof(uint32_t));
        memcpy((uint8_t *)memory + word * sizeof(uint32_t), &change.value, sizeof(change.value));
    }
    check_and_use(memory, SAMPLE_SIZE);
    free(memory);
}

static void run_raw(const uint8_t *data, size_t size) {
    size_t pages = (size + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE;
    void *memory = aligned_alloc(BH_PAGE_SIZE, pages * BH_PAGE_SIZE);
    struct bh_plan_header *header = memory;

    memset(memory, 0, pages * BH_PAGE_SIZE);
    memcpy(memory, data, size);
    header->magic = BH_PLAN_MAGIC;
    header->version = BH_PLAN_VERSION;
    header->header_size = sizeof(*header);
    header->total_size = pages * BH_PAGE_SIZE;
    check_and_use(memory, pages * BH_PAGE_SIZE);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > SIZE_MAX_RAW) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        run_changes(data + 1, size - 1);
    } else {
        run_raw(data + 1, size - 1);
    }
    return 0;
}
