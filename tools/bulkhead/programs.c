/* SPDX-License-Identifier: BSD-2-Clause */
/* All compartments of a description in one list. See programs.h. */
#include "programs.h"

#include <stdio.h>
#include <string.h>

static struct program *add(struct programs *list, enum program_role role,
                           const struct description_program *base) {
    list->described++;
    struct program *p = &list->program[list->count < BH_MAX_COMPARTMENTS ? list->count++ : 0];
    *p = (struct program){ .base = base, .role = role };
    return p;
}

static void place(struct program *p, struct tree *tree, const char *section, uint32_t index) {
    snprintf(p->path, sizeof(p->path), "%s[%u]", section, index);
    p->line = tree_line(tree, "%s", p->path);
}

void programs_list(const struct description *d, struct tree *tree, struct programs *list) {
    memset(list, 0, sizeof(*list));
    for (uint32_t i = 0; i < d->compartments_count; i++) {
        place(add(list, ROLE_PLAIN, &d->compartments[i]), tree, "compartments", i);
    }
    if (d->console != NULL) {
        struct program *p = add(list, ROLE_CONSOLE, &d->console->base);
        snprintf(p->path, sizeof(p->path), "console");
        p->line = tree_line(tree, "console");
    }
    for (uint32_t i = 0; i < d->switches_count; i++) {
        struct program *p = add(list, ROLE_SWITCH, &d->switches[i].base);
        p->netswitch = &d->switches[i];
        place(p, tree, "switches", i);
    }
    for (uint32_t i = 0; i < d->disks_count; i++) {
        struct program *p = add(list, ROLE_DISK, &d->disks[i].base);
        p->disk = &d->disks[i];
        place(p, tree, "disks", i);
    }
    if (d->seat != NULL) {
        struct program *p = add(list, ROLE_SEAT, &d->seat->base);
        snprintf(p->path, sizeof(p->path), "seat");
        p->line = tree_line(tree, "seat");
    }
    for (uint32_t i = 0; i < d->vms_count; i++) {
        struct program *p = add(list, ROLE_VM, &d->vms[i].base);
        p->vm = &d->vms[i];
        place(p, tree, "vms", i);
    }
}

const char *program_image(const struct program *program) {
    static const char *const usual[] = {
        [ROLE_CONSOLE] = "console", [ROLE_SWITCH] = "netswitch", [ROLE_DISK] = "blockmux",
        [ROLE_SEAT] = "seat", [ROLE_VM] = "vmm",
    };

    return program->base->program != NULL ? program->base->program
         : program->role == ROLE_PLAIN ? program->base->name : usual[program->role];
}

uint32_t program_threads(const struct program *program) {
    uint32_t vcpus = program->vm != NULL ? program->vm->vcpus_count : 0;

    return 1 + vcpus + program->base->threads_count;
}

const struct description_schedule *program_schedule(const struct program *program,
                                                    uint32_t thread, char path[64]) {
    uint32_t vcpus = program->vm != NULL ? program->vm->vcpus_count : 0;

    if (thread == 0) {
        snprintf(path, 64, "%s", program->path);
        return &program->base->schedule;
    }
    if (thread <= vcpus) {
        snprintf(path, 64, "%s.vcpus[%u]", program->path, thread - 1);
        return &program->vm->vcpus[thread - 1];
    }
    snprintf(path, 64, "%s.threads[%u]", program->path, thread - 1 - vcpus);
    return &program->base->threads[thread - 1 - vcpus];
}

static uint32_t find_text(char *const *list, uint32_t count, const char *text) {
    for (uint32_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(list[i], text) == 0) {
            return i;
        }
    }
    return BH_NONE;
}

uint32_t program_passed(const struct program *program, const char *device) {
    return program->vm == NULL ? BH_NONE
         : find_text(program->vm->passthrough, program->vm->passthrough_count, device);
}

uint32_t programs_owner(const struct programs *programs, const char *device) {
    for (uint32_t i = 0; i < programs->count; i++) {
        const struct program *p = &programs->program[i];
        if (find_text(p->base->devices, p->base->devices_count, device) != BH_NONE
            || program_passed(p, device) != BH_NONE) {
            return i;
        }
    }
    return BH_NONE;
}

uint32_t programs_find(const struct programs *programs, const char *name) {
    for (uint32_t i = 0; name != NULL && i < programs->count; i++) {
        if (strcmp(programs->program[i].base->name, name) == 0) {
            return i;
        }
    }
    return BH_NONE;
}

bool programs_extent_is_virtio(const struct description_extent *extent) {
    return extent->model == NULL || strcmp(extent->model, "virtio") == 0;
}

bool programs_extent_is_ahci(const struct description_extent *extent) {
    return extent->model != NULL && strncmp(extent->model, "ahci", strlen("ahci")) == 0;
}

bool programs_extent_is_readonly(const struct description_extent *extent) {
    return extent->readonly
        || (extent->model != NULL && strcmp(extent->model, "ahci-cdrom") == 0);
}
