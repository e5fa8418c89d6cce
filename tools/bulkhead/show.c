/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may reach what, as a text: read from the finished plan, so what it says is what the kernel
 * enforces. See show.h. Trusts the checked plan. */
#include "show.h"

#include <string.h>

#include "trust.h"

static const char *size_text(uint64_t size, char text[24]) {
    if (size % (1u << 20) == 0 && size > 0) {
        snprintf(text, 24, "%lluM", (unsigned long long)(size >> 20));
    } else {
        snprintf(text, 24, "%lluK", (unsigned long long)(size >> 10));
    }
    return text;
}

static const char *rights_text(uint32_t rights, char text[4]) {
    snprintf(text, 4, "%s%s%s", (rights & BH_READ) != 0 ? "r" : "",
             (rights & BH_WRITE) != 0 ? "w" : "", (rights & BH_EXECUTE) != 0 ? "x" : "");
    return text;
}

static const char *name_of(const struct plan_view *p, uint32_t compartment) {
    return p->compartment[compartment].name;
}

static void show_threads(const struct plan_view *p, uint32_t c, FILE *out) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_PLACEMENT]; i++) {
        const struct bh_plan_placement *l = &p->placement[i];
        if (l->mode != p->header->first_mode || p->thread[l->thread].compartment != c) {
            continue;
        }
        fprintf(out, "  thread    %-18s core %u, priority %u", p->thread[l->thread].name, l->core,
                l->priority);
        if (l->budget_us < l->period_us) {
            fprintf(out, ", %u of every %u us", l->budget_us, l->period_us);
        }
        fputs("\n", out);
    }
}

/* Everybody else who maps the region; the counters are most's. */
static void show_others(const struct plan_view *p, uint32_t c, uint32_t region, FILE *out) {
    const char *between = "; also ";
    bool counters = p->region[region].kind == BH_REGION_COUNTERS;
    char rights[4];

    for (uint32_t i = 0; i < p->count[BH_TABLE_MAPPING] && !counters; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        uint32_t owner = p->space[m->space].owner;
        if (m->region == region && owner != c) {
            fprintf(out, "%s%s %s", between, p->space[m->space].name,
                    rights_text(m->rights, rights));
            between = ", ";
        }
    }
}

static void show_space(const struct plan_view *p, uint32_t space, const char *title, FILE *out) {
    char rights[4];
    char size[24];

    for (uint32_t i = 0; i < p->count[BH_TABLE_MAPPING]; i++) {
        const struct bh_plan_mapping *m = &p->mapping[i];
        if (m->space != space) {
            continue;
        }
        fprintf(out, "  %-9s %-3s %-24s %7s at 0x%llx", title, rights_text(m->rights, rights),
                p->region[m->region].name, size_text(m->size, size),
                (unsigned long long)m->address);
        show_others(p, p->space[space].owner, m->region, out);
        fputs("\n", out);
    }
}

/* May the owner move registers of the device about in its guest? */
static bool is_passed_through(const struct plan_view *p, uint32_t device) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_SLOT]; i++) {
        const struct bh_plan_slot *s = &p->slot[i];
        if (s->kind == BH_SLOT_PLACE && p->region[s->object].kind == BH_REGION_BAR
            && p->region[s->object].device == device) {
            return true;
        }
    }
    return false;
}

static void show_devices(const struct plan_view *p, uint32_t c, FILE *out) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_DEVICE]; i++) {
        const struct bh_plan_device *d = &p->device[i];
        if (d->owner != c) {
            continue;
        }
        if (d->kind == BH_DEVICE_PCI) {
            fprintf(out, "  device    %s %s %02x:%02x.%u, id %04x:%04x%s%s\n", d->name,
                    d->virtual != 0 ? "a virtual function of" : "at", d->requester_id >> 8,
                    d->requester_id >> 3 & 31, d->requester_id & 7, d->vendor_id, d->device_id,
                    is_passed_through(p, i) ? ", driven by its guest" : "",
                    (d->flags & BH_DEVICE_UNSAFE) != 0 ? ", UNSAFE without an IOMMU" : "");
        } else {
            fprintf(out, "  device    %s of the platform\n", d->name);
        }
        if (d->space != BH_NONE) {
            show_space(p, d->space, "  reaches", out);
        }
    }
}

static void show_ports(const struct plan_view *p, uint32_t c, FILE *out) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_PORT_RANGE]; i++) {
        const struct bh_plan_port_range *r = &p->port_range[i];
        if (p->device[r->device].owner == c) {
            fprintf(out, "  ports     0x%x-0x%x\n", r->first, r->first + r->count - 1);
        }
    }
}

static void show_guest(const struct plan_view *p, uint32_t c, FILE *out) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_SPACE]; i++) {
        if (p->space[i].kind == BH_SPACE_GUEST && p->space[i].owner == c) {
            show_space(p, i, "guest", out);
        }
    }
}

static void show_slot(const struct plan_view *p, const struct bh_plan_slot *s, FILE *out) {
    uint32_t target = 0;

    switch (s->kind) {
    case BH_SLOT_CHANNEL:
        target = p->thread[p->channel[s->object].thread].compartment;
        if (target != s->compartment) {
            fprintf(out, "  signals   %s (%s)\n", name_of(p, target), p->channel[s->object].name);
        }
        break;
    case BH_SLOT_COMPARTMENT:
        fprintf(out, "  may %s %s\n", s->rights > 1 ? "stop and restart" : "watch",
                name_of(p, s->object));
        break;
    case BH_SLOT_MACHINE:
        fputs("  may reboot or power off the machine\n", out);
        break;
    case BH_SLOT_PLACE:
        fprintf(out, "  may move  %s in its guest\n", p->region[s->object].name);
        break;
    case BH_SLOT_MODE:
        fprintf(out, "  may enter mode %s\n", p->mode[s->object].name);
        break;
    default:
        break;
    }
}

static void show_slots(const struct plan_view *p, uint32_t c, FILE *out) {
    for (uint32_t i = 0; i < p->count[BH_TABLE_SLOT]; i++) {
        if (p->slot[i].compartment == c) {
            show_slot(p, &p->slot[i], out);
        }
    }
}

static void show_set(const struct plan_view *p, const char *title, uint64_t set, FILE *out) {
    const char *between = "kernel, plan, ";

    fprintf(out, "  %s", title);
    for (uint32_t i = 0; i < p->count[BH_TABLE_COMPARTMENT]; i++) {
        if ((set >> i & 1) != 0) {
            fprintf(out, "%s%s", between, name_of(p, i));
            between = ", ";
        }
    }
    fputs(set == 0 ? "kernel, plan\n" : "\n", out);
}

static void show_compartment(const struct plan_view *p, const struct trust *trust, uint32_t c,
                             FILE *out) {
    fprintf(out, "\ncompartment %s%s\n", name_of(p, c),
            (p->compartment[c].flags & BH_COMPARTMENT_START) != 0 ? "" : " (not started at boot)");
    show_threads(p, c, out);
    show_space(p, p->compartment[c].space, "memory", out);
    show_guest(p, c, out);
    show_devices(p, c, out);
    show_ports(p, c, out);
    show_slots(p, c, out);
    show_set(p, "its memory trusts   ", trust->of[TRUST_MEMORY][c], out);
    show_set(p, "its service needs   ", trust->of[TRUST_SERVICE][c], out);
}

void show_summary(const struct system *system, const char *file, FILE *out) {
    const struct plan_view *p = &system->plan.view;

    fprintf(out, "%s: nothing is wrong: %u compartments, %u vCPUs, %u devices, %lluM of RAM\n",
            file, p->count[BH_TABLE_COMPARTMENT], p->count[BH_TABLE_VCPU],
            p->count[BH_TABLE_DEVICE], (unsigned long long)(model_ram(system->model) >> 20) + 1);
}

void show_system(const struct system *system, FILE *out) {
    const struct plan_view *p = &system->plan.view;
    struct trust trust;
    char size[24];

    trust_compute(system, &trust);
    fprintf(out, "system %s: %u cores, %s of RAM for regions, %u compartments\n", p->header->name,
            p->header->cores, size_text(model_ram(system->model), size),
            p->count[BH_TABLE_COMPARTMENT]);
    if (p->header->flags != 0) {
        fputs("TEST CONTROLS ARE ON: a protection is switched off\n", out);
    }
    for (uint32_t c = 0; c < p->count[BH_TABLE_COMPARTMENT]; c++) {
        show_compartment(p, &trust, c, out);
    }
}
