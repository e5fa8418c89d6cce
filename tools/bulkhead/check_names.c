/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: well formed and unique, each kind of object by itself; devices and their owners. */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "values.h"

static void check_name(const struct checker *c, const char *what, const char *name,
                       const char *path) {
    if (!value_name(name)) {
        report_add(c->report, tree_line(c->tree, "%s.name", path), name,
                   "'%s' can't be the name of a %s", name, what);
        report_mend(c->report, "use at most 15 letters, digits, '-', '_' or '.', a letter first");
    }
}

static void report_duplicate(const struct checker *c, const char *what, const char *name,
                             const char *path, unsigned first) {
    report_add(c->report, tree_line(c->tree, "%s.name", path), name,
               "another %s is called '%s' too (line %u)", what, name, first);
    report_mend(c->report, "rename one of them");
}

static void check_program_names(const struct checker *c) {
    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        uint32_t first = programs_find(c->programs, p->base->name);
        check_name(c, "compartment", p->base->name, p->path);
        if (first < i) {
            report_duplicate(c, "compartment", p->base->name, p->path,
                             c->programs->program[first].line);
        }
    }
    if (c->programs->described > BH_MAX_COMPARTMENTS) {
        report_add(c->report, 1, "description", "there are %u compartments",
                   c->programs->described);
        report_mend(c->report, "describe at most %u", (unsigned)BH_MAX_COMPARTMENTS);
    }
}

/* One list of named objects; `name` is the first one's, `stride` the distance to the next's. */
static void check_list(const struct checker *c, const char *section, const char *what,
                       char *const *name, size_t stride, uint32_t count) {
    char path[96];

    for (uint32_t i = 0; i < count; i++) {
        const char *own = *(char *const *)((const char *)name + i * stride);
        snprintf(path, sizeof(path), "%s[%u]", section, i);
        check_name(c, what, own, path);
        for (uint32_t j = 0; j < i; j++) {
            const char *other = *(char *const *)((const char *)name + j * stride);
            if (strcmp(own, other) == 0) {
                report_duplicate(c, what, own, path, tree_line(c->tree, "%s[%u]", section, j));
                break;
            }
        }
    }
}

#define CHECK_LIST(section, field, what) \
    check_list(c, section, what, c->d->field != NULL ? &c->d->field[0].name : NULL, \
               sizeof(c->d->field[0]), c->d->field##_count)

/* Every device that a compartment lists exists and is listed once in the whole system. */
static void check_owned_device(const struct checker *c, uint32_t program, const char *name,
                               const char *list, uint32_t number) {
    const struct program *p = &c->programs->program[program];
    uint32_t owner = checker_owner(c, name);
    char field[32];

    snprintf(field, sizeof(field), "%s[%u]", list, number);
    if (checker_device(c, name) == BH_NONE) {
        checker_unknown(c, "device", name, p->base->name, p->path, field);
    } else if (owner != program) {
        report_add(c->report, tree_line(c->tree, "%s.%s", p->path, field), name,
                   "the device has two owners: '%s' and '%s'",
                   c->programs->program[owner].base->name, p->base->name);
        report_mend(c->report, "leave it to one of them; the other can be its client by a link");
    }
}

static void check_devices_owned(const struct checker *c) {
    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        for (uint32_t j = 0; j < p->base->devices_count; j++) {
            check_owned_device(c, i, p->base->devices[j], "devices", j);
        }
        for (uint32_t j = 0; p->vm != NULL && j < p->vm->passthrough_count; j++) {
            check_owned_device(c, i, p->vm->passthrough[j], "passthrough", j);
        }
    }
    for (uint32_t i = 0; i < c->d->devices_count; i++) {
        if (checker_owner(c, c->d->devices[i].name) == BH_NONE) {
            report_add(c->report, tree_line(c->tree, "devices[%u].name", i),
                       c->d->devices[i].name, "no compartment owns the device");
            report_mend(c->report, "list it under 'devices' of a compartment, or remove it");
        }
    }
}

void check_names(const struct checker *c) {
    if (!value_name(c->d->system)) {
        report_add(c->report, tree_line(c->tree, "system"), "system",
                   "'%s' can't be the name of a system", c->d->system);
        report_mend(c->report, "use at most 15 letters, digits, '-', '_' or '.', a letter first");
    }
    check_program_names(c);
    CHECK_LIST("devices", devices, "device");
    CHECK_LIST("regions", regions, "region");
    CHECK_LIST("channels", channels, "channel");
    CHECK_LIST("modes", modes, "mode");
    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        char section[48];
        snprintf(section, sizeof(section), "%s.regions", p->path);
        check_list(c, section, "region of the compartment",
                   p->base->regions_count > 0 ? &p->base->regions[0].name : NULL,
                   sizeof(p->base->regions[0]), p->base->regions_count);
    }
    check_devices_owned(c);
}
