/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks: multiplexers, their drivers, and the extents that VMs have of them. */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "values.h"

#define MAX_EXTENTS 4u      /* of one VM: as many as its monitor has disks (vmm/vm.h) */

static bool disk_exists(const struct checker *c, const char *name) {
    for (uint32_t i = 0; i < c->d->disks_count; i++) {
        if (strcmp(c->d->disks[i].base.name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_disk(const struct checker *c, uint32_t number) {
    const struct description_disk *disk = &c->d->disks[number];
    uint32_t driver = programs_find(c->programs, disk->driver);
    char path[32];

    snprintf(path, sizeof(path), "disks[%u]", number);
    checker_compartment(c, disk->driver, disk->base.name, path, "driver");
    if (driver != BH_NONE && !checker_owns_dma_device(c, &c->programs->program[driver])) {
        report_add(c->report, tree_line(c->tree, "%s.driver", path), disk->base.name,
                   "'%s' owns no device that may do DMA", disk->driver);
        report_mend(c->report, "name the compartment of a disk's driver");
    }
    for (uint32_t i = 0; i < number; i++) {
        if (strcmp(c->d->disks[i].driver, disk->driver) == 0) {
            report_add(c->report, tree_line(c->tree, "%s.driver", path), disk->base.name,
                       "'%s' serves '%s' already", disk->driver, c->d->disks[i].base.name);
            report_mend(c->report, "give each multiplexer its own driver");
        }
    }
}

static void check_model(const struct checker *c, const struct description_extent *e,
                        const char *owner, const char *path) {
    bool known = e->model == NULL || strcmp(e->model, "virtio") == 0
              || strcmp(e->model, "nvme") == 0 || strcmp(e->model, "ahci") == 0
              || strcmp(e->model, "ahci-cdrom") == 0;

    if (!known) {
        report_add(c->report, tree_line(c->tree, "%s.model", path), owner,
                   "there is no disk model called '%s'", e->model);
        report_mend(c->report, "give 'virtio', 'nvme', 'ahci' or 'ahci-cdrom'");
    }
}

static void check_zero_copy(const struct checker *c, const struct description_extent *e,
                            const char *owner, const char *path) {
    if (e->zero_copy && programs_extent_is_ahci(e)) {
        report_add(c->report, tree_line(c->tree, "%s", path), owner,
                   "'zero-copy' isn't for AHCI disks");
        report_mend(c->report, "leave out 'zero-copy', or give 'model: nvme' or 'virtio'");
    }
}

static void check_extent(const struct checker *c, const struct program *vm, uint32_t number) {
    const struct description_extent *e = &vm->vm->disks[number];
    const char *owner = vm->base->name;
    uint64_t size = 0;
    char path[64];

    snprintf(path, sizeof(path), "%s.disks[%u]", vm->path, number);
    if (!disk_exists(c, e->from)) {
        checker_unknown(c, "disk", e->from, owner, path, "from");
    }
    check_model(c, e, owner, path);
    check_zero_copy(c, e, owner, path);
    checker_size(c, e->first, BH_PAGE_SIZE, owner, path, "first");
    checker_size(c, e->size, BH_PAGE_SIZE, owner, path, "size");
    bool range = e->size != NULL || e->first != NULL;
    if ((range && e->partition != NULL) || (e->first != NULL && e->size == NULL)) {
        report_add(c->report, tree_line(c->tree, "%s", path), owner,
                   "the extent is neither a range nor a partition");
        report_mend(c->report, "give 'first' and 'size', or 'partition', or none: the whole disk");
    } else if (e->size != NULL && value_size(e->size, &size) && size == 0) {
        report_add(c->report, tree_line(c->tree, "%s.size", path), owner, "the extent is empty");
        report_mend(c->report, "give at least 4K");
    }
}

static bool is_whole(const struct description_extent *e) {
    return e->size == NULL && e->partition == NULL;
}

/* May two extents share blocks? Only if nobody writes them. */
static bool extents_clash(const struct description_extent *a, const struct description_extent *b) {
    uint64_t a_first = 0;
    uint64_t b_first = 0;
    uint64_t a_size = 0;
    uint64_t b_size = 0;

    if (strcmp(a->from, b->from) != 0
        || (programs_extent_is_readonly(a) && programs_extent_is_readonly(b))) {
        return false;
    }
    if (is_whole(a) || is_whole(b)) {
        return true;
    }
    if (a->partition != NULL || b->partition != NULL) {
        return a->partition != NULL && b->partition != NULL
            && strcmp(a->partition, b->partition) == 0;
    }
    bool known = value_size(a->size, &a_size) && value_size(b->size, &b_size)
              && (a->first == NULL || value_size(a->first, &a_first))
              && (b->first == NULL || value_size(b->first, &b_first));
    return known && a_first < b_first + b_size && b_first < a_first + a_size;
}

/* Reports the first extent before this one that it clashes with. */
static void check_clash(const struct checker *c, uint32_t program, uint32_t number) {
    const struct program *vm = &c->programs->program[program];

    for (uint32_t i = 0; i <= program; i++) {
        const struct program *other = &c->programs->program[i];
        uint32_t count = other->vm == NULL ? 0 : i < program ? other->vm->disks_count : number;
        for (uint32_t j = 0; j < count; j++) {
            if (extents_clash(&other->vm->disks[j], &vm->vm->disks[number])) {
                report_add(c->report, tree_line(c->tree, "%s.disks[%u]", vm->path, number),
                           vm->base->name, "the extent overlaps one of '%s'", other->base->name);
                report_mend(c->report, "move one of them, or make both 'readonly: true'");
                return;
            }
        }
    }
}

void check_disks(const struct checker *c) {
    for (uint32_t i = 0; i < c->d->disks_count; i++) {
        check_disk(c, i);
    }
    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        uint32_t count = p->vm != NULL ? p->vm->disks_count : 0;
        if (count > MAX_EXTENTS) {
            report_add(c->report, tree_line(c->tree, "%s.disks", p->path), p->base->name,
                       "the VM has %u disks", count);
            report_mend(c->report, "give it at most %u", MAX_EXTENTS);
        }
        for (uint32_t j = 0; j < count; j++) {
            check_extent(c, p, j);
            check_clash(c, i, j);
        }
    }
}
