/* SPDX-License-Identifier: BSD-2-Clause */
/* What a description must observe: the order of the checks, and what they share. See check.h. */
#include "check.h"

#include <string.h>

#include "checker.h"
#include "values.h"

#define KERNEL_ROOM (48ull << 20)       /* kernel, page tables, firmware's own */

uint32_t checker_device(const struct checker *c, const char *name) {
    for (uint32_t i = 0; name != NULL && i < c->d->devices_count; i++) {
        if (strcmp(c->d->devices[i].name, name) == 0) {
            return i;
        }
    }
    return BH_NONE;
}

uint32_t checker_owner(const struct checker *c, const char *device) {
    return programs_owner(c->programs, device);
}

bool checker_may_dma(const struct checker *c, uint32_t device) {
    const struct description_device *d = &c->d->devices[device];
    uint32_t owner = checker_owner(c, d->name);

    return d->dma || (owner != BH_NONE
                      && program_passed(&c->programs->program[owner], d->name) != BH_NONE);
}

void checker_size(const struct checker *c, const char *text, uint64_t unit, const char *owner,
                  const char *path, const char *field) {
    unsigned line = tree_line(c->tree, "%s.%s", path, field);
    uint64_t bytes = 0;

    if (text == NULL) {
        return;
    }
    if (!value_size(text, &bytes)) {
        report_add(c->report, line, owner, "'%s' is '%s', which is no size or address", field,
                   text);
        report_mend(c->report, "write it as 4096, 0x1000, 64K, 256M or 2G");
    } else if (bytes % unit != 0) {
        uint64_t better = (bytes / unit + 1) * unit;
        bool large = better % (1u << 20) == 0;
        report_add(c->report, line, owner, "'%s' is '%s', not a multiple of %lluK", field, text,
                   (unsigned long long)unit >> 10);
        report_mend(c->report, "give %llu%c", (unsigned long long)better >> (large ? 20 : 10),
                    large ? 'M' : 'K');
    }
}

void checker_rights(const struct checker *c, const char *text, bool none, const char *owner,
                    const char *path, const char *field) {
    uint32_t rights = 0;

    if (text == NULL || (none && strcmp(text, "none") == 0) || value_rights(text, &rights)) {
        return;
    }
    report_add(c->report, tree_line(c->tree, "%s.%s", path, field), owner,
               "'%s' is '%s', which are no rights", field, text);
    report_mend(c->report, none ? "give r, rw, rx or none" : "give r, rw or rx");
}

void checker_unknown(const struct checker *c, const char *what, const char *name,
                     const char *owner, const char *path, const char *field) {
    report_add(c->report, tree_line(c->tree, "%s.%s", path, field), owner,
               "there is no %s called '%s'", what, name);
    report_mend(c->report, "describe a %s '%s', or name one that is described", what, name);
}

void checker_compartment(const struct checker *c, const char *name, const char *owner,
                         const char *path, const char *field) {
    if (name != NULL && programs_find(c->programs, name) == BH_NONE) {
        checker_unknown(c, "compartment", name, owner, path, field);
    }
}

bool check_description(const struct description *description, struct tree *tree,
                       const struct programs *programs, const char *build, const char *folder,
                       const struct listing *listing, struct report *report) {
    struct checker checker = { description, tree, programs, build, folder, listing, report };

    check_names(&checker);
    check_hardware(&checker);
    check_listing(&checker);
    check_mediated(&checker);
    check_programs(&checker);
    check_disks(&checker);
    check_seat(&checker);
    check_passthrough(&checker);
    check_objects(&checker);
    check_files(&checker);
    return report_is_clean(report);
}

/* What of the guest's lies where the doorbell does, so that it wouldn't ring; NULL: nothing. */
static const char *in_the_way(const struct model *m, uint32_t bell) {
    const struct bh_plan_doorbell *d = &m->doorbell[bell];

    for (uint32_t i = 0; d->kind == BH_DOORBELL_PAGE && i < m->mapping_count; i++) {
        const struct bh_plan_mapping *o = &m->mapping[i];
        if (o->space == d->space && ranges_meet(o->address, o->size, d->address, d->length)) {
            return m->region[o->region].name;
        }
    }
    for (uint32_t i = 0; i < bell; i++) {
        const struct bh_plan_doorbell *o = &m->doorbell[i];
        if (o->space == d->space && o->kind == d->kind
            && ranges_meet(o->address, o->length, d->address, d->length)) {
            return "another doorbell";
        }
    }
    return NULL;
}

bool check_bells(struct model *m) {
    bool good = true;

    for (uint32_t i = 0; i < m->doorbell_count; i++) {
        const struct origin *origin = &m->doorbell_origin[i];
        const char *other = in_the_way(m, i);
        if (other != NULL) {
            report_add(m->report, origin->line, origin->owner,
                       "the doorbell at 0x%llx can't ring: '%s' is there",
                       (unsigned long long)m->doorbell[i].address, other);
            report_mend(m->report, "move one of the two");
            good = false;
        }
    }
    return good;
}

bool check_memory(struct model *m, uint64_t plan_size) {
    uint64_t memory = 0;
    uint64_t needed = model_ram(m) + plan_size + KERNEL_ROOM;

    value_size(m->description->machine.memory, &memory);
    if (needed <= memory) {
        return true;
    }
    report_add(m->report, tree_line(m->tree, "machine.memory"), "machine",
               "too little memory: the system needs %lluM (regions %lluM, plan %lluM, kernel %lluM)"
               " and the machine has %lluM", (unsigned long long)(needed >> 20) + 1,
               (unsigned long long)model_ram(m) >> 20,
               (unsigned long long)plan_size >> 20, (unsigned long long)KERNEL_ROOM >> 20,
               (unsigned long long)memory >> 20);
    report_mend(m->report, "give the machine %lluM, or the VMs less",
                (unsigned long long)(needed >> 20) + 1);
    return false;
}
