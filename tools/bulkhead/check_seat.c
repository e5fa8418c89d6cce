/* SPDX-License-Identifier: BSD-2-Clause */
/* The seat: its drivers, and the VMs that have a screen. */
#include <string.h>

#include "checker.h"

#define MAX_SCREENS 9u      /* as many as its chords can show (services/seat/seat.h) */

typedef bool device_kind(const struct description_device *device);

static bool is_display(const struct description_device *device) {
    return device->pci != NULL && device->bars_count > 0;
}

static bool is_keyboard(const struct description_device *device) {
    return device->platform && device->isa != 0 && device->ports_count > 0;
}

static bool owns(const struct checker *c, const char *compartment, device_kind *kind) {
    const struct description_program *base =
        c->programs->program[programs_find(c->programs, compartment)].base;

    for (uint32_t i = 0; i < base->devices_count; i++) {
        uint32_t device = checker_device(c, base->devices[i]);
        if (device != BH_NONE && kind(&c->d->devices[device])) {
            return true;
        }
    }
    return false;
}

static void check_driver(const struct checker *c, const char *driver, device_kind *kind,
                         const char *field, const char *device, const char *whose) {
    const char *owner = c->d->seat->base.name;

    if (programs_find(c->programs, driver) == BH_NONE) {
        checker_unknown(c, "compartment", driver, owner, "seat", field);
    } else if (!owns(c, driver, kind)) {
        report_add(c->report, tree_line(c->tree, "seat.%s", field), owner, "'%s' owns no %s",
                   driver, device);
        report_mend(c->report, "name the compartment of a %s's driver", whose);
    }
}

static void check_drivers(const struct checker *c) {
    const struct description_seat *seat = c->d->seat;

    if (strcmp(seat->screen, seat->keyboard) == 0) {
        report_add(c->report, tree_line(c->tree, "seat.keyboard"), seat->base.name,
                   "'%s' can't drive the screen and the keyboard", seat->keyboard);
        report_mend(c->report, "give each its own compartment");
        return;
    }
    check_driver(c, seat->screen, is_display, "screen", "PCI device with BARs", "display");
    check_driver(c, seat->keyboard, is_keyboard, "keyboard",
                 "platform device with ports and an ISA interrupt", "keyboard");
}

static void check_screens(const struct checker *c) {
    uint32_t screens = 0;

    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        bool screen = p->vm != NULL && p->vm->screen;
        screens += screen;
        if (screen && c->d->seat == NULL) {
            report_add(c->report, tree_line(c->tree, "%s.screen", p->path), p->base->name,
                       "the system has no seat that could show the VM's screen");
            report_mend(c->report, "describe a 'seat', or drop 'screen'");
        } else if (screen && screens == MAX_SCREENS + 1) {
            report_add(c->report, tree_line(c->tree, "%s.screen", p->path), p->base->name,
                       "more than %u VMs have a screen", MAX_SCREENS);
            report_mend(c->report, "drop 'screen' of some: the keys F1 to F%u show them",
                        MAX_SCREENS);
        }
    }
}

void check_seat(const struct checker *c) {
    if (c->d->seat != NULL) {
        check_drivers(c);
    }
    check_screens(c);
}
