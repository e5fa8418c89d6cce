/* SPDX-License-Identifier: BSD-2-Clause */
/* What remains to say who may do what: channels described one by one, supervision, power, counters,
 * settings; the monitor of the console; modes with their placements. Trusts check.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/call.h"
#include "abi/info.h"

#include "controls.h"
#include "lower.h"
#include "memory.h"
#include "values.h"

#define DEFAULT_PERIOD_US 10000u
#define ALL_COMPARTMENT_OPERATIONS ((1u << (BH_COMPARTMENT_RESET + 1)) - 1)
#define ALL_MACHINE_OPERATIONS     ((1u << (BH_MACHINE_POWEROFF + 1)) - 1)

static void lower_channel_described(struct model *m, const struct description_channel *d,
                                    struct origin origin) {
    uint32_t from = model_find_compartment(m, d->from);
    uint32_t to = model_find_compartment(m, d->to);
    uint64_t bits = 0;
    uint32_t channel = lower_channel(m, d->name, to, d->thread,
                                     model_find_compartment(m, d->life_of), &bits, origin);

    if (from != BH_NONE) {
        uint32_t slot = lower_slot(m, from, BH_SLOT_CHANNEL, channel, 0, origin);
        struct bh_manifest_entry *e = model_add_entry(m, from, BH_ENTRY_CHANNEL, "%s",
                                                      d->as != NULL ? d->as : d->name);
        e->slot = slot;
    }
    struct bh_manifest_entry *e = model_add_entry(m, to, BH_ENTRY_EVENT, "%s",
                                                  d->event != NULL ? d->event : d->name);
    e->thread = d->thread;
    e->bits = bits;
}

static uint32_t operations(char **names, uint32_t count, const char *const *known,
                           uint32_t known_count, uint32_t all) {
    uint32_t rights = 0;

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < known_count; j++) {
            rights |= strcmp(names[i], known[j]) == 0 ? 1u << j : 0;
        }
    }
    return count == 0 ? all : rights;
}

void lower_supervise(struct model *m, uint32_t compartment, uint32_t other, uint32_t rights,
                     struct origin origin) {
    uint32_t slot = lower_slot(m, compartment, BH_SLOT_COMPARTMENT, other, rights, origin);
    struct bh_manifest_entry *e = model_add_entry(m, compartment, BH_ENTRY_COMPARTMENT, "%s",
                                                  m->compartment[other].name);

    e->slot = slot;
    e->index = other;
}

static void plain_entry(struct model *m, uint32_t compartment, enum bh_manifest_kind entry,
                        const char *name, enum bh_slot_kind kind, uint32_t object,
                        uint32_t rights, struct origin origin) {
    uint32_t slot = lower_slot(m, compartment, kind, object, rights, origin);

    model_add_entry(m, compartment, entry, "%s", name)->slot = slot;
}

static void all_modes(struct model *m, uint32_t compartment, struct origin origin) {
    for (uint32_t i = 0; i < m->mode_count; i++) {
        plain_entry(m, compartment, BH_ENTRY_MODE, m->mode[i].name, BH_SLOT_MODE, i, 0, origin);
    }
}

/* The kernel's counters: one region for all. */
static void lower_counters(struct model *m, uint32_t compartment, struct origin origin) {
    uint32_t index = 0;

    while (index < m->region_count && m->region[index].kind != BH_REGION_COUNTERS) {
        index++;
    }
    if (index == m->region_count) {
        struct bh_plan_region region = {
            .kind = BH_REGION_COUNTERS, .rights = BH_READ, .owner = BH_NONE,
            .size = sizeof(struct bh_counters),
        };
        model_name(region.name, "kernel.counters");
        index = model_add_region(m, region, NO_CONTENT, origin);
    }
    uint64_t address = model_map_process(m, compartment, index, BH_READ, origin);
    struct bh_manifest_entry *e = model_add_entry(m, compartment, BH_ENTRY_COUNTERS, "counters");
    e->address = address;
    e->size = m->region[index].size;
}

static void lower_program_rights(struct model *m, const struct programs *programs, uint32_t i) {
    const struct program *p = &programs->program[i];
    const struct description_program *d = p->base;
    struct origin origin = lower_origin(p);

    for (uint32_t j = 0; j < d->settings_count; j++) {
        struct bh_manifest_entry *e = model_add_entry(m, i, BH_ENTRY_SETTING, "%s",
                                                      d->settings[j].name);
        snprintf(e->value, sizeof(e->value), "%s", d->settings[j].value);
    }
    for (uint32_t j = 0; j < d->supervise_count; j++) {
        lower_supervise(m, i, model_find_compartment(m, d->supervise[j].compartment),
                  operations(d->supervise[j].operations, d->supervise[j].operations_count,
                             compartment_operations, COMPARTMENT_OPERATIONS,
                             ALL_COMPARTMENT_OPERATIONS), origin);
    }
    if (d->machine_count > 0) {
        plain_entry(m, i, BH_ENTRY_MACHINE, "machine", BH_SLOT_MACHINE, 0,
                    operations(d->machine, d->machine_count, machine_operations,
                               MACHINE_OPERATIONS, 0), origin);
    }
    if (!d->no_counters) {
        lower_counters(m, i, origin);
    }
    if (d->modes) {
        all_modes(m, i, origin);
    }
}

/* The kernel's log and the plan, which the monitor reads. */
static void lower_monitor_memory(struct model *m, uint32_t console, struct origin origin) {
    static const struct { const char *name; enum bh_region_kind kind; uint64_t size; } parts[] = {
        { "plan", BH_REGION_PLAN, 0 }, { "log", BH_REGION_LOG, BH_LOG_REGION_SIZE },
    };

    for (unsigned i = 0; i < 2; i++) {
        struct bh_plan_region region = {
            .kind = parts[i].kind, .rights = BH_READ, .owner = BH_NONE, .size = parts[i].size,
        };
        model_name(region.name, "monitor.%s", parts[i].name);
        uint32_t index = model_add_region(m, region, NO_CONTENT, origin);
        uint64_t address = model_map_process(m, console, index, BH_READ, origin);
        struct bh_manifest_entry *e = model_add_entry(m, console, BH_ENTRY_REGION, "%s",
                                                      parts[i].name);
        e->address = address;
        e->size = parts[i].size;
    }
}

/* What the console's monitor may: read plan and log, supervise everybody, power, modes. */
static void lower_monitor(struct model *m, const struct programs *programs, uint32_t console) {
    const struct program *p = &programs->program[console];
    struct origin origin = lower_origin(p);
    uint64_t bits = 0;

    lower_monitor_memory(m, console, origin);
    m->header.log_channel = lower_channel(m, "kernel-log", console, 0, BH_NONE, &bits, origin);
    model_add_entry(m, console, BH_ENTRY_EVENT, "kernel-log")->bits = bits;
    for (uint32_t i = 0; i < programs->count; i++) {
        if (i != console) {
            lower_supervise(m, console, i, ALL_COMPARTMENT_OPERATIONS, origin);
        }
    }
    if (p->base->machine_count == 0) {
        plain_entry(m, console, BH_ENTRY_MACHINE, "machine", BH_SLOT_MACHINE, 0,
                    ALL_MACHINE_OPERATIONS, origin);
    }
    if (!p->base->modes) {
        all_modes(m, console, origin);
    }
}

static uint32_t controls(const struct description *d) {
    uint32_t flags = 0;

    for (uint32_t i = 0; i < d->controls_count; i++) {
        for (uint32_t j = 0; j < CONTROLS; j++) {
            flags |= strcmp(d->controls[i], control_names[j]) == 0 ? 1u << j : 0;
        }
    }
    return flags;
}

void lower_rights(struct model *m, const struct programs *programs) {
    const struct description *d = m->description;

    m->header.flags = controls(d);
    for (uint32_t i = 0; i < d->channels_count; i++) {
        struct origin origin = { tree_line(m->tree, "channels[%u]", i), d->channels[i].name };
        lower_channel_described(m, &d->channels[i], origin);
    }
    for (uint32_t i = 0; i < programs->count; i++) {
        lower_program_rights(m, programs, i);
        if (programs->program[i].role == ROLE_CONSOLE && !d->console->no_monitor) {
            lower_monitor(m, programs, i);
        }
    }
}

static uint32_t usual_priority(const struct program *program, uint32_t thread) {
    static const uint32_t usual[] = {
        [ROLE_PLAIN] = 20, [ROLE_CONSOLE] = 12, [ROLE_SWITCH] = 18, [ROLE_DISK] = 18,
        [ROLE_VM] = 14,
    };
    bool vcpu = program->vm != NULL && thread > 0 && thread <= program->vm->vcpus_count;

    return vcpu ? 8 : usual[program->role];
}

static struct bh_plan_placement usual_placement(const struct program *program, uint32_t thread) {
    char path[64];
    const struct description_schedule *s = program_schedule(program, thread, path);
    struct bh_plan_placement placement = {
        .core = s->core,
        .priority = s->priority != NULL ? *s->priority : usual_priority(program, thread),
        .period_us = DEFAULT_PERIOD_US,
    };

    if (s->period != NULL) {
        value_time(s->period, &placement.period_us);
    }
    placement.budget_us = placement.period_us;
    if (s->budget != NULL) {
        value_time(s->budget, &placement.budget_us);
    }
    return placement;
}

/* Applies a mode's changes to a placement; false: the thread doesn't run in this mode. */
static bool apply_changes(const struct description_mode *mode, const char *name, uint32_t thread,
                          struct bh_plan_placement *placement) {
    bool runs = true;

    for (uint32_t i = 0; mode != NULL && i < mode->changes_count; i++) {
        const struct description_change *c = &mode->changes[i];
        bool mine = strcmp(c->compartment, name) == 0
                 && (c->thread == NULL || *c->thread == thread);
        if (!mine) {
            continue;
        }
        runs = !c->off;
        placement->core = c->core != NULL ? *c->core : placement->core;
        placement->priority = c->priority != NULL ? *c->priority : placement->priority;
        if (c->period != NULL) {
            value_time(c->period, &placement->period_us);
            placement->budget_us = placement->period_us;
        }
        if (c->budget != NULL) {
            value_time(c->budget, &placement->budget_us);
        }
    }
    return runs;
}

static void lower_mode(struct model *m, const struct programs *programs, uint32_t mode,
                       const struct description_mode *changes) {
    for (uint32_t i = 0; i < programs->count; i++) {
        const struct program *p = &programs->program[i];
        for (uint32_t t = 0; t < program_threads(p); t++) {
            struct bh_plan_placement placement = usual_placement(p, t);
            placement.mode = mode;
            placement.thread = model_thread(m, i, t);
            if (apply_changes(changes, p->base->name, t, &placement)) {
                model_add_placement(m, placement, lower_origin(p));
            }
        }
    }
}

/* Before lower_rights: slots name the modes. */
void lower_mode_names(struct model *m) {
    const struct description *d = m->description;
    struct bh_plan_mode mode = { .name = "" };

    for (uint32_t i = 0; i < d->modes_count; i++) {
        model_name(mode.name, "%s", d->modes[i].name);
        model_add_mode(m, mode, (struct origin){ tree_line(m->tree, "modes[%u]", i),
                                                 d->modes[i].name });
    }
    if (d->modes_count == 0) {
        model_name(mode.name, "normal");
        model_add_mode(m, mode, (struct origin){ 1, d->system });
    }
}

void lower_modes(struct model *m, const struct programs *programs) {
    const struct description *d = m->description;

    for (uint32_t i = 0; i < m->mode_count; i++) {
        lower_mode(m, programs, i, i < d->modes_count ? &d->modes[i] : NULL);
    }
}
