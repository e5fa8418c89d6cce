/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that a VM passes through to its guest: what the VMM can give to it. */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "values.h"

#define MAX_PASSED     8u       /* these three as in vmm/vm.h, vmm/passthrough/passthrough.h */
#define MAX_PIECES     12u
#define MAX_INTERRUPTS 32u

static void find(const struct checker *c, const struct program *p, uint32_t number,
                 const char *what) {
    report_add(c->report, tree_line(c->tree, "%s.passthrough[%u]", p->path, number),
               p->vm->passthrough[number], "%s", what);
}

/* false: one of them isn't a size, which is reported elsewhere. */
static bool piece(const struct description_bar *bar, uint64_t *offset, uint64_t *size) {
    *offset = 0;
    return value_size(bar->size, size) && (bar->offset == NULL || value_size(bar->offset, offset));
}

static bool pieces_meet(const struct description_bar *a, const struct description_bar *b) {
    uint64_t offset[2];
    uint64_t size[2];

    return a->bar == b->bar && piece(a, &offset[0], &size[0]) && piece(b, &offset[1], &size[1])
        && offset[0] < offset[1] + size[1] && offset[1] < offset[0] + size[0];
}

/* Each part of its BARs is mapped by itself. */
static void check_pieces(const struct checker *c, uint32_t device) {
    const struct description_device *d = &c->d->devices[device];

    for (uint32_t i = 0; i < d->bars_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (pieces_meet(&d->bars[i], &d->bars[j])) {
                report_add(c->report, tree_line(c->tree, "devices[%u].bars[%u]", device, i),
                           d->name, "this part of BAR %u overlaps another one", d->bars[i].bar);
                report_mend(c->report, "give each byte of a BAR once");
            }
        }
    }
}

static void check_device(const struct checker *c, const struct program *p, uint32_t number,
                         uint32_t device) {
    const struct description_device *d = &c->d->devices[device];

    if (d->platform) {
        find(c, p, number, "only a PCI function can be passed through");
        report_mend(c->report, "list it under 'devices' of its driver's compartment");
        return;
    }
    if (d->unsafe && c->d->machine.iommu == IOMMU_NONE) {
        find(c, p, number, "a guest tells its device guest-physical addresses, and no IOMMU translates");
        report_mend(c->report, "give the machine an IOMMU, or the device to a native driver, marked "
                    "'unsafe: true'");
    }
    if (d->ports_count > 0) {
        find(c, p, number, "the I/O ports of a device can't be passed through");
        report_mend(c->report, "drop 'ports' from the device: the guest doesn't see its I/O BARs");
    }
    if (d->bars_count == 0 || d->bars_count > MAX_PIECES) {
        find(c, p, number, d->bars_count == 0 ? "the guest would see none of its registers"
                                              : "the device has too many parts of BARs");
        report_mend(c->report, "list its memory BARs under 'bars', in at most %u parts, without "
                    "the pages of the MSI-X table", MAX_PIECES);
    }
    if (d->msix > MAX_INTERRUPTS) {
        find(c, p, number, "the device has too many MSI-X entries");
        report_mend(c->report, "give 'msix: %u' or less: drivers do with fewer", MAX_INTERRUPTS);
    }
    check_pieces(c, device);
}

/* Whether the VM lists the device before, or as its monitor's own. */
static bool is_listed_before(const struct program *p, uint32_t number) {
    const char *name = p->vm->passthrough[number];

    for (uint32_t i = 0; i < p->base->devices_count; i++) {
        if (strcmp(p->base->devices[i], name) == 0) {
            return true;
        }
    }
    return program_passed(p, name) < number;
}

static void check_vm(const struct checker *c, const struct program *p) {
    for (uint32_t i = 0; i < p->vm->passthrough_count; i++) {
        uint32_t device = checker_device(c, p->vm->passthrough[i]);
        if (is_listed_before(p, i)) {
            find(c, p, i, "the VM lists the device twice");
            report_mend(c->report, "leave it under 'passthrough' only, and once");
        } else if (device != BH_NONE) {
            check_device(c, p, i, device);
        }
    }
    if (p->vm->passthrough_count > MAX_PASSED) {
        find(c, p, MAX_PASSED, "the VM has too many devices");
        report_mend(c->report, "pass at most %u through", MAX_PASSED);
    }
}

void check_passthrough(const struct checker *c) {
    for (uint32_t i = 0; i < c->programs->count; i++) {
        if (c->programs->program[i].vm != NULL) {
            check_vm(c, &c->programs->program[i]);
        }
    }
}
