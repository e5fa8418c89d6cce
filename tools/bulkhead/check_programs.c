/* SPDX-License-Identifier: BSD-2-Clause */
/* Compartments: schedules, what supervisors may do, consoles, switches, virtual machines, modes. */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "firmware.h"
#include "controls.h"
#include "values.h"

#define MIN_PERIOD_US 100u
#define MAX_PERIOD_US 1000000u
#define USUAL_PERIOD_US 10000u
#define MIN_GUEST     (16ull << 20)
#define LARGE_PAGE    (2ull << 20)
#define MAX_VCPUS     16u

static uint32_t cores(const struct checker *c) {
    return c->d->cores != NULL ? *c->d->cores : c->d->machine.cores;
}

static void check_core(const struct checker *c, uint32_t core, const char *owner,
                       const char *path) {
    if (core >= cores(c)) {
        report_add(c->report, tree_line(c->tree, "%s.core", path), owner,
                   "core %u is out of range: the system has %u", core, cores(c));
        report_mend(c->report, "give 0 to %u", cores(c) - 1);
    }
}

static void check_priority(const struct checker *c, const uint32_t *priority, const char *owner,
                           const char *path) {
    if (priority != NULL && *priority >= BH_PRIORITIES) {
        report_add(c->report, tree_line(c->tree, "%s.priority", path), owner,
                   "priority %u is out of range", *priority);
        report_mend(c->report, "give 0 (lowest) to %u", BH_PRIORITIES - 1);
    }
}

static bool check_time(const struct checker *c, const char *text, uint32_t *value,
                       const char *field, const char *owner, const char *path) {
    if (text == NULL || value_time(text, value)) {
        return true;
    }
    report_add(c->report, tree_line(c->tree, "%s.%s", path, field), owner,
               "'%s' is '%s', which is no time", field, text);
    report_mend(c->report, "write it as 500us, 5ms or 1s");
    return false;
}

static void check_budget(const struct checker *c, const char *budget_text,
                         const char *period_text, const char *owner, const char *path) {
    uint32_t period = USUAL_PERIOD_US;
    uint32_t budget = 0;

    if (!check_time(c, period_text, &period, "period", owner, path)) {
        return;
    }
    budget = period;
    if (!check_time(c, budget_text, &budget, "budget", owner, path)) {
        return;
    }
    if (period < MIN_PERIOD_US || period > MAX_PERIOD_US) {
        report_add(c->report, tree_line(c->tree, "%s.period", path), owner,
                   "the period is out of range");
        report_mend(c->report, "give 100us to 1s");
    } else if (budget == 0 || budget > period) {
        report_add(c->report, tree_line(c->tree, "%s.budget", path), owner,
                   "the budget of %u us is %s", budget,
                   budget == 0 ? "no time at all" : "above its period");
        report_mend(c->report, "give at most the period, %uus", period);
    }
}

static void check_schedules(const struct checker *c, const struct program *p) {
    char path[64];

    for (uint32_t i = 0; i < program_threads(p); i++) {
        const struct description_schedule *s = program_schedule(p, i, path);
        check_core(c, s->core, p->base->name, path);
        check_priority(c, s->priority, p->base->name, path);
        check_budget(c, s->budget, s->period, p->base->name, path);
    }
}

static void check_words(const struct checker *c, char **words, uint32_t count,
                        const char *const *known, uint32_t known_count, const char *what,
                        const char *owner, const char *path) {
    for (uint32_t i = 0; i < count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < known_count; j++) {
            found = found || strcmp(words[i], known[j]) == 0;
        }
        if (!found) {
            report_add(c->report, tree_line(c->tree, "%s[%u]", path, i), owner,
                       "there is no %s called '%s'", what, words[i]);
            report_mend(c->report, "give '%s' or another of the names in docs/description.md",
                        known[0]);
        }
    }
}

static void check_supervision(const struct checker *c, const struct program *p) {
    char path[64];

    for (uint32_t i = 0; i < p->base->supervise_count; i++) {
        const struct description_supervise *s = &p->base->supervise[i];
        snprintf(path, sizeof(path), "%s.supervise[%u]", p->path, i);
        checker_compartment(c, s->compartment, p->base->name, path, "compartment");
        if (strcmp(s->compartment, p->base->name) == 0) {
            report_add(c->report, tree_line(c->tree, "%s.compartment", path), p->base->name,
                       "a compartment can't supervise itself");
            report_mend(c->report, "let another compartment supervise it");
        }
        snprintf(path, sizeof(path), "%s.supervise[%u].operations", p->path, i);
        check_words(c, s->operations, s->operations_count, compartment_operations,
                    COMPARTMENT_OPERATIONS, "operation", p->base->name, path);
    }
    snprintf(path, sizeof(path), "%s.machine", p->path);
    check_words(c, p->base->machine, p->base->machine_count, machine_operations,
                MACHINE_OPERATIONS, "operation", p->base->name, path);
}

static void check_threads(const struct checker *c, const struct program *p) {
    if (program_threads(p) > 64) {
        report_add(c->report, p->line, p->base->name, "it has %u threads", program_threads(p));
        report_mend(c->report, "give it at most 64");
    }
    checker_size(c, p->base->stack, BH_PAGE_SIZE, p->base->name, p->path, "stack");
}

bool checker_owns_dma_device(const struct checker *c, const struct program *p) {
    for (uint32_t i = 0; i < c->d->devices_count; i++) {
        uint32_t owner = checker_owner(c, c->d->devices[i].name);
        if (owner != BH_NONE && &c->programs->program[owner] == p && checker_may_dma(c, i)) {
            return true;
        }
    }
    return false;
}

/* A VM as uplink is a driver domain: it bridges its own network card to its port at the switch. */
static void check_driver_domain(const struct checker *c, const struct program *p,
                                const struct program *vm) {
    bool on_it = vm->vm->nic != NULL && strcmp(vm->vm->nic->netswitch, p->base->name) == 0;

    if (!on_it) {
        report_add(c->report, tree_line(c->tree, "%s.uplink", p->path), p->base->name,
                   "'%s' has no port at this switch", vm->base->name);
        report_mend(c->report, "give '%s' a 'nic' at '%s', or name the compartment of a network "
                    "driver", vm->base->name, p->base->name);
    }
}

static void check_switch(const struct checker *c, const struct program *p) {
    const struct description_switch *s = p->netswitch;
    uint32_t driver = programs_find(c->programs, s->uplink);

    checker_compartment(c, s->uplink, p->base->name, p->path, "uplink");
    checker_size(c, s->pool, BH_PAGE_SIZE, p->base->name, p->path, "pool");
    if (driver != BH_NONE && !checker_owns_dma_device(c, &c->programs->program[driver])) {
        report_add(c->report, tree_line(c->tree, "%s.uplink", p->path), p->base->name,
                   "'%s' owns no device that may do DMA", s->uplink);
        report_mend(c->report, "name the compartment of a network driver");
    }
    if (driver != BH_NONE && c->programs->program[driver].vm != NULL) {
        check_driver_domain(c, p, &c->programs->program[driver]);
    }
    for (uint32_t i = 0; s->uplink != NULL && i < c->d->switches_count; i++) {
        const struct description_switch *o = &c->d->switches[i];
        if (o < s && o->uplink != NULL && strcmp(o->uplink, s->uplink) == 0) {
            report_add(c->report, tree_line(c->tree, "%s.uplink", p->path), p->base->name,
                       "'%s' is the uplink of '%s' already", s->uplink, o->base.name);
            report_mend(c->report, "give each switch its own uplink");
        }
    }
}

static bool switch_exists(const struct checker *c, const char *name) {
    for (uint32_t i = 0; i < c->d->switches_count; i++) {
        if (strcmp(c->d->switches[i].base.name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_mac(const struct checker *c, const struct program *p) {
    uint8_t mac[6] = { 0 };
    uint8_t other[6];
    unsigned line = tree_line(c->tree, "%s.nic.mac", p->path);

    if (!value_mac(p->vm->nic->mac, mac)) {
        report_add(c->report, line, p->base->name, "'%s' is no MAC address", p->vm->nic->mac);
        report_mend(c->report, "write it as 52:54:00:12:34:56");
        return;
    }
    if (mac[0] % 2 != 0) {
        report_add(c->report, line, p->base->name, "the MAC address is a group's");
        report_mend(c->report, "make its first byte even, as 52");
    }
    for (const struct description_vm *vm = c->d->vms; vm < p->vm; vm++) {
        if (vm->nic != NULL && value_mac(vm->nic->mac, other)
            && memcmp(mac, other, sizeof(mac)) == 0) {
            report_add(c->report, line, p->base->name, "'%s' has the same MAC address",
                       vm->base.name);
            report_mend(c->report, "give each its own");
            return;
        }
    }
}

static void check_nic_model(const struct checker *c, const struct program *p) {
    const char *model = p->vm->nic->model;

    if (model != NULL && strcmp(model, "virtio") != 0 && strcmp(model, "e1000") != 0) {
        report_add(c->report, tree_line(c->tree, "%s.nic.model", p->path), p->base->name,
                   "there is no network card model called '%s'", model);
        report_mend(c->report, "give 'virtio' or 'e1000'");
    }
}

static void check_guest_memory(const struct checker *c, const struct program *p) {
    uint64_t bytes = 0;

    checker_size(c, p->vm->memory, LARGE_PAGE, p->base->name, p->path, "memory");
    if (value_size(p->vm->memory, &bytes) && bytes < MIN_GUEST) {
        report_add(c->report, tree_line(c->tree, "%s.memory", p->path), p->base->name,
                   "%s is too little memory for a guest", p->vm->memory);
        report_mend(c->report, "give at least 16M");
    }
}

static void check_without_kernel(const struct checker *c, const struct program *p,
                                 const char *field, const char *value) {
    if (value != NULL) {
        report_add(c->report, tree_line(c->tree, "%s.%s", p->path, field), p->base->name,
                   "a VM with firmware takes no '%s'", field);
        report_mend(c->report, "drop '%s', or 'firmware'", field);
    }
}

/* A VM starts with a kernel, or with firmware. */
static void check_start(const struct checker *c, const struct program *p) {
    const struct description_vm *vm = p->vm;

    if (vm->firmware == NULL && vm->kernel == NULL) {
        report_add(c->report, p->line, p->base->name, "nothing says what the VM starts");
        report_mend(c->report, "give 'kernel', or 'firmware'");
    }
    if (vm->firmware == NULL) {
        return;
    }
    if (firmware_file(vm->firmware) == NULL) {
        report_add(c->report, tree_line(c->tree, "%s.firmware", p->path), p->base->name,
                   "there is no firmware called '%s'", vm->firmware);
        report_mend(c->report, "give 'seabios', 'ovmf' or an image file");
    }
    check_without_kernel(c, p, "kernel", vm->kernel);
    check_without_kernel(c, p, "initrd", vm->initrd);
    check_without_kernel(c, p, "cmdline", vm->cmdline);
}

static void check_vm(const struct checker *c, const struct program *p) {
    check_start(c, p);
    check_guest_memory(c, p);
    if (p->vm->vcpus_count == 0 || p->vm->vcpus_count > MAX_VCPUS) {
        report_add(c->report, tree_line(c->tree, "%s.vcpus", p->path), p->base->name,
                   "the VM has %u vCPUs", p->vm->vcpus_count);
        report_mend(c->report, "list 1 to %u under 'vcpus'", MAX_VCPUS);
    }
    if (p->vm->nic == NULL) {
        return;
    }
    if (!switch_exists(c, p->vm->nic->netswitch)) {
        checker_unknown(c, "switch", p->vm->nic->netswitch, p->base->name, p->path, "nic.switch");
    }
    check_mac(c, p);
    check_nic_model(c, p);
}

static void check_console(const struct checker *c) {
    const struct description_console *console = c->d->console;

    if (console != NULL) {
        checker_compartment(c, console->driver, console->base.name, "console", "driver");
    }
}

static void check_change(const struct checker *c, const struct description_change *change,
                         const char *mode, const char *path) {
    uint32_t program = programs_find(c->programs, change->compartment);

    checker_compartment(c, change->compartment, mode, path, "compartment");
    if (change->core != NULL) {
        check_core(c, *change->core, mode, path);
    }
    check_priority(c, change->priority, mode, path);
    check_budget(c, change->budget, change->period, mode, path);
    if (program != BH_NONE && change->thread != NULL
        && *change->thread >= program_threads(&c->programs->program[program])) {
        report_add(c->report, tree_line(c->tree, "%s.thread", path), mode,
                   "'%s' has no thread %u", change->compartment, *change->thread);
        report_mend(c->report, "give 0 to %u",
                    program_threads(&c->programs->program[program]) - 1);
    }
}

static void check_modes(const struct checker *c) {
    char path[64];

    for (uint32_t i = 0; i < c->d->modes_count; i++) {
        for (uint32_t j = 0; j < c->d->modes[i].changes_count; j++) {
            snprintf(path, sizeof(path), "modes[%u].changes[%u]", i, j);
            check_change(c, &c->d->modes[i].changes[j], c->d->modes[i].name, path);
        }
    }
}

void check_programs(const struct checker *c) {
    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        check_threads(c, p);
        check_schedules(c, p);
        check_supervision(c, p);
        if (p->role == ROLE_SWITCH) {
            check_switch(c, p);
        } else if (p->role == ROLE_VM) {
            check_vm(c, p);
        }
    }
    check_console(c);
    check_modes(c);
    check_words(c, c->d->controls, c->d->controls_count, control_names, CONTROLS, "control",
                "system", "controls");
}
