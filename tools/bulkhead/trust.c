/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom each compartment has to trust. See trust.h. Trusts the checked plan. */
#include "trust.h"

#include <string.h>

#include "abi/call.h"

_Static_assert(BH_MAX_COMPARTMENTS == 64, "a set of compartments is one 64-bit word");

/* Who may write memory that belongs to somebody else. */
static void by_mappings(const struct plan_view *p, struct trust *trust) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_MAPPING]; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        const struct bh_plan_region *r = &p->region[m->region];
        uint32_t who = p->space[m->space].owner;
        bool foreign = r->owner != BH_NONE && r->owner != who && r->kind == BH_REGION_RAM;
        if (foreign && (m->rights & BH_WRITE) != 0) {
            trust->of[TRUST_MEMORY][r->owner] |= 1ull << who;
        }
    }
}

static void by_unsafe_devices(const struct plan_view *p, struct trust *trust) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_DEVICE]; i++) {
        if ((p->device[i].flags & BH_DEVICE_UNSAFE) == 0) {
            continue;
        }
        for (uint32_t c = 0; c < p->count[BH_TABLE_COMPARTMENT]; c++) {
            trust->of[TRUST_MEMORY][c] |= 1ull << p->device[i].owner;
        }
    }
}

static void by_supervision(const struct plan_view *p, struct trust *trust) {
    uint32_t changing = (1u << BH_COMPARTMENT_STOP) | (1u << BH_COMPARTMENT_RESET);

    for (uint32_t i = 0; i < p->count[BH_TABLE_SLOT]; i++) {
        const struct bh_plan_slot *s = &p->slot[i];
        if (s->kind == BH_SLOT_COMPARTMENT && (s->rights & changing) != 0) {
            trust->of[TRUST_SERVICE][s->object] |= 1ull << s->compartment;
        }
    }
}

/* A virtual function works as long as its physical one's driver lets it. */
static void by_virtual_functions(const struct plan_view *p, struct trust *trust) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_DEVICE]; i++) {
        for (uint32_t k = 0; k < p->count[BH_TABLE_DEVICE] && p->device[i].virtual != 0; k++) {
            bool physical = p->device[k].requester_id == p->device[i].requester_id
                         && p->device[k].virtual == 0;
            if (physical) {
                trust->of[TRUST_SERVICE][p->device[i].owner] |= 1ull << p->device[k].owner;
            }
        }
    }
}

static void by_links(const struct model *m, struct trust *trust) {
    for (uint32_t c = 0; c < m->compartment_count; c++) {
        for (uint32_t i = 0; i < m->life[c].entry_count; i++) {
            const struct bh_manifest_entry *e = &m->life[c].entry[i];
            bool serves = e->kind == BH_ENTRY_LINK && e->link.server == 0
                       && strcmp(e->name, "log") != 0;
            uint32_t server = serves ? model_find_compartment(m, e->link.peer) : BH_NONE;
            if (server != BH_NONE) {
                trust->of[TRUST_SERVICE][c] |= 1ull << server;
            }
        }
    }
}

/* Who has to trust somebody has to trust those whom that one has to trust. */
static void close_over(uint64_t *of, uint32_t count) {
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t c = 0; c < count; c++) {
            uint64_t all = of[c];
            for (uint32_t other = 0; other < count; other++) {
                all |= (of[c] >> other & 1) != 0 ? of[other] : 0;
            }
            changed = changed || all != of[c];
            of[c] = all;
        }
    }
    for (uint32_t c = 0; c < count; c++) {
        of[c] &= ~(1ull << c);
    }
}

void trust_compute(const struct system *s, struct trust *trust) {
    memset(trust, 0, sizeof(*trust));
    by_mappings(&s->plan.view, trust);
    by_unsafe_devices(&s->plan.view, trust);
    by_supervision(&s->plan.view, trust);
    by_virtual_functions(&s->plan.view, trust);
    by_links(s->model, trust);
    for (uint32_t kind = 0; kind < TRUST_KINDS; kind++) {
        close_over(trust->of[kind], s->plan.view.count[BH_TABLE_COMPARTMENT]);
    }
}
