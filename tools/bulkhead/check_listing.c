/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A description against a listed machine: what its devices are really like. The rules are the
 * kernel's own, asked over the saved machine (saved_machine.h); here they get a line, a reason and
 * the choices that there are.
 */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "facts.h"
#include "saved_machine.h"
#include "values.h"

/* A device of the description and its function on the machine. */
struct place {
    const struct description_device *d;
    uint32_t number;                     /* in the description */
    uint32_t index;                      /* in the kernel's table; BH_NONE: isn't there */
    uint32_t requester_id;
};

static unsigned line_of(const struct checker *c, const struct place *p, const char *field) {
    return tree_line(c->tree, "devices[%u].%s", p->number, field);
}

static bool find_place(const struct checker *c, uint32_t number, struct place *p) {
    const struct description_device *d = &c->d->devices[number];

    *p = (struct place){ .d = d, .number = number, .index = BH_NONE };
    if (d->pci == NULL || d->platform || !value_pci(d->pci, &p->requester_id)) {
        return false;
    }
    p->index = pci_find(p->requester_id);
    return true;
}

static bool has_id(const struct pci_function *f, const char *id) {
    uint16_t vendor = 0;
    uint16_t device = 0;

    return value_id(id, &vendor, &device) && f->vendor == vendor && f->device == device;
}

/* Where else the machine has such a device. */
static uint32_t same_id_elsewhere(const struct description_device *d) {
    for (uint32_t i = 0; d->id != NULL && i < pci_count(); i++) {
        if (has_id(pci_function(i), d->id)) {
            return pci_function(i)->requester_id;
        }
    }
    return BH_NONE;
}

static void mend_place(const struct checker *c, const struct description_device *d) {
    uint32_t elsewhere = same_id_elsewhere(d);
    char address[8];

    if (elsewhere != BH_NONE) {
        report_mend(c->report, "correct the address: %s is at %s", d->id,
                    facts_address(elsewhere, address));
    } else {
        report_mend(c->report, "correct the address or the id, or list the machine again with "
                    "'bulkhead probe'");
    }
}

/* False: it isn't the device that is meant, so nothing else is said of it. */
static bool check_presence(const struct checker *c, const struct place *p) {
    const struct description_device *d = p->d;
    const struct pci_function *f = p->index != BH_NONE ? pci_function(p->index) : NULL;

    if (f == NULL) {
        report_add(c->report, line_of(c, p, "pci"), d->name,
                   "the listed machine has no device at %s", d->pci);
        mend_place(c, d);
    } else if (d->id != NULL && strcmp(d->id, "any") != 0 && !has_id(f, d->id)) {
        report_add(c->report, line_of(c, p, "id"), d->name,
                   "the listed machine's device at %s is %04x:%04x, not %s", d->pci, f->vendor,
                   f->device, d->id);
        mend_place(c, d);
    } else if (!f->endpoint) {
        report_add(c->report, line_of(c, p, "pci"), d->name,
                   "%s is a bridge on the listed machine: nobody may own it", d->pci);
        report_mend(c->report, "name a device behind it, or remove this one");
    } else {
        return true;
    }
    return false;
}

/* A machine whose IOMMU can't be used at all is reported once, by check_machine. */
static void check_confined(const struct checker *c, const struct place *p) {
    const char *why = saved_machine_unconfined(p->index);

    if (!checker_may_dma(c, p->number) || p->d->unsafe || why == NULL
        || saved_machine_iommu() != NULL) {
        return;
    }
    report_add(c->report, line_of(c, p, p->d->dma ? "dma" : "name"), p->d->name,
               "its DMA can't be confined on the listed machine: %s", why);
    report_mend(c->report, strstr(why, "reserved memory") != NULL
        ? "turn off in the firmware's setup what uses the device (USB legacy support, remote "
          "management), take another device, or mark it 'unsafe: true'"
        : "put it into a slot that a unit covers, take another device, or mark it 'unsafe: true'");
}

/* Another function's BAR, or another one of its own, within the pages; NULL: none. */
static const struct pci_function *bar_within(const struct pci_bar *own, uint64_t base,
                                             uint64_t size, uint32_t *which) {
    for (uint32_t i = 0; i < pci_count(); i++) {
        const struct pci_function *f = pci_function(i);
        for (*which = 0; *which < PCI_BARS; ++*which) {
            const struct pci_bar *bar = &f->bar[*which];
            bool memory = !bar->ports && bar->size > 0 && bar != own;
            if (memory && base < bar->base + bar->size && bar->base < base + size) {
                return f;
            }
        }
    }
    return NULL;
}

/* The kernel refuses to map the range: why, and what can be done. */
static void report_range(const struct checker *c, const struct place *p, uint32_t number,
                         uint64_t offset, uint64_t size) {
    const struct pci_function *f = pci_function(p->index);
    const struct description_bar *b = &p->d->bars[number];
    const struct pci_bar *bar = &f->bar[b->bar];
    uint32_t which = 0;
    uint64_t page = (bar->base + offset) / BH_PAGE_SIZE * BH_PAGE_SIZE;
    const struct pci_function *other = bar_within(bar, page, size, &which);
    const char *platform = saved_machine_platform(bar->base + offset, size);
    char address[8];

    char field[24];
    snprintf(field, sizeof(field), "bars[%u].bar", number);
    unsigned line = line_of(c, p, field);
    if (other != NULL) {
        report_add(c->report, line, p->d->name, "BAR %u shares a page with BAR %u of %s", b->bar,
                   which, facts_address(other->requester_id, address));
        report_mend(c->report, "leave this BAR out, move one of the two to another bus, or let the "
                    "firmware place BARs in pages of their own, and list the machine again");
    } else if (bar->base % BH_PAGE_SIZE != 0) {
        report_add(c->report, line, p->d->name, "BAR %u doesn't begin with a page (0x%llx)", b->bar,
                   (unsigned long long)bar->base);
        report_mend(c->report, "leave this BAR out, or let the firmware place it at a page");
    } else if (pci_msix_touches(f, b->bar, offset, size)) {
        report_add(c->report, line, p->d->name,
                   "these pages of BAR %u hold its MSI-X table (BAR %u at 0x%llx) or pending bits "
                   "(BAR %u at 0x%llx)", b->bar, f->msix_table.bar,
                   (unsigned long long)f->msix_table.offset, f->msix_pending.bar,
                   (unsigned long long)f->msix_pending.offset);
        report_mend(c->report, "give 'offset' and 'size' of the pages before or behind them");
    } else {
        report_add(c->report, line, p->d->name, "BAR %u lies in %s", b->bar,
                   platform != NULL ? platform : "the platform's registers");
        report_mend(c->report, "leave this BAR out");
    }
}

static void check_bar(const struct checker *c, const struct place *p, uint32_t number) {
    const struct description_bar *b = &p->d->bars[number];
    const struct pci_bar *bar = b->bar < PCI_BARS ? &pci_function(p->index)->bar[b->bar] : NULL;
    uint64_t whole = bar != NULL ? (bar->size + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE : 0;
    uint64_t offset = 0;
    uint64_t size = 0;
    char field[24];

    if (bar == NULL || (b->offset != NULL && !value_size(b->offset, &offset))
        || !value_size(b->size, &size)) {
        return;
    }
    snprintf(field, sizeof(field), "bars[%u].size", number);
    if (bar->size == 0 || bar->ports) {
        report_add(c->report, line_of(c, p, field), p->d->name,
                   "the listed machine's device has no memory BAR %u", b->bar);
        report_mend(c->report, bar->size != 0 ? "it is one of ports: use 'ports'" : "leave it out");
    } else if (offset > whole || size > whole - offset) {
        report_add(c->report, line_of(c, p, field), p->d->name,
                   "BAR %u has only %lluK on the listed machine", b->bar,
                   (unsigned long long)whole >> 10);
        report_mend(c->report, "give a smaller size or offset");
    } else if (!saved_machine_maps(p->index, b->bar, offset, size)) {
        report_range(c, p, number, offset, size);
    }
}

static void check_messages(const struct checker *c, const struct place *p) {
    const struct description_device *d = p->d;
    const struct pci_function *f = pci_function(p->index);
    const struct listing_function *raw = listing_find(c->listing, p->requester_id);
    char others[200];

    facts_line_sharers(c->listing, p->requester_id, others, sizeof(others));
    bool line = (d->msix > 0 || d->msi) && f->msix == 0 && f->msi == 0 && facts_pin(raw) != 0;
    if (line) {
        report_add(c->report, line_of(c, p, d->msi ? "msi" : "msix"), d->name,
                   "it has no message interrupts on the listed machine, only line %u%s%s",
                   raw->line, others[0] != 0 ? ", which it shares with" : "", others);
        report_mend(c->report, "take another device, or let its driver ask the device from time to "
                    "time: lines of PCI devices stay off, as one who shares them can block them");
    } else if (d->msix > f->msix_entries) {
        report_add(c->report, line_of(c, p, "msix"), d->name,
                   "it has %u MSI-X entries on the listed machine, not %u", f->msix_entries,
                   d->msix);
        report_mend(c->report, f->msix_entries > 0 ? "give %u" : "use 'msi', or leave it out",
                    f->msix_entries);
    } else if (d->msix > 0 && !pci_msix_map(p->index)) {
        report_add(c->report, line_of(c, p, "msix"), d->name,
                   "its MSI-X table lies outside its BARs on the listed machine");
        report_mend(c->report, "use 'msi', or take another device");
    } else if (d->msi && f->msi == 0) {
        report_add(c->report, line_of(c, p, "msi"), d->name, "it has no MSI on the listed machine");
        report_mend(c->report, f->msix_entries > 0 ? "use 'msix'" : "leave it out");
    }
}

static void check_reset(const struct checker *c, const struct place *p) {
    if (p->d->no_reset || strcmp(pci_reset_method(p->index), "none") != 0) {
        return;
    }
    report_add(c->report, line_of(c, p, "pci"), p->d->name,
               "nothing can reset it on the listed machine (no function-level reset, not alone "
               "behind a bridge, no power state that resets): when its owner restarts, it is "
               "quarantined");
    report_mend(c->report, "put it alone behind a port, take another device, or accept that with "
                "'no-reset: true'");
}

/* Of a virtual function only its physical one is known. */
static void check_listed_virtual(const struct checker *c, uint32_t number) {
    const struct description_device *d = &c->d->devices[number];
    uint32_t of = checker_device(c, d->virtual_of);
    uint32_t wanted = d->virtual_number != NULL ? *d->virtual_number : 0;
    struct place physical;

    if (of == BH_NONE || !find_place(c, of, &physical) || physical.index == BH_NONE) {
        return;
    }
    const struct pci_function *f = pci_function(physical.index);
    uint32_t total = facts_virtual(f);
    if (wanted < total && f->parent != BH_NONE) {
        return;
    }
    report_add(c->report, tree_line(c->tree, "devices[%u].virtual-of", number), d->name,
               "'%s' has %u virtual functions on the listed machine%s", d->virtual_of, total,
               f->parent == BH_NONE ? ", and no port above to give them room" : "");
    report_mend(c->report, total > wanted ? "put the card behind a port" :
                "use fewer, or another card");
}

static void check_pair(const struct checker *c, const struct place *a, const struct place *b) {
    const struct pci_function *f = pci_function(a->index);
    const struct pci_function *g = pci_function(b->index);
    uint32_t owner = checker_owner(c, a->d->name);
    uint32_t other = checker_owner(c, b->d->name);
    uint32_t alias = pci_alias(a->index);
    bool one_id = alias != BH_NONE && alias == pci_alias(b->index);

    if (f->group != g->group || owner == BH_NONE || other == BH_NONE
        || (owner == other && !one_id)) {
        return;
    }
    report_add(c->report, line_of(c, b, "pci"), b->d->name,
               "it and '%s' (%s) can't be kept apart on the listed machine: %s", a->d->name,
               a->d->pci, g->group_reason != NULL ? g->group_reason : f->group_reason);
    report_mend(c->report, one_id
        ? "leave one of the two out, or move one to a bus of its own"
        : "give both to one compartment, leave one out, or put one behind a port that has ACS");
}

static void check_device(const struct checker *c, uint32_t number) {
    struct place p;
    struct place before;

    if (c->d->devices[number].virtual_of != NULL) {
        check_listed_virtual(c, number);
        return;
    }
    if (!find_place(c, number, &p) || !check_presence(c, &p)) {
        return;
    }
    check_confined(c, &p);
    check_messages(c, &p);
    check_reset(c, &p);
    for (uint32_t i = 0; i < p.d->bars_count; i++) {
        check_bar(c, &p, i);
    }
    for (uint32_t i = 0; i < number; i++) {
        if (find_place(c, i, &before) && before.index != BH_NONE && before.index != p.index) {
            check_pair(c, &before, &p);
        }
    }
}

static void check_machine(const struct checker *c) {
    uint64_t needed = 0;
    uint64_t there = 0;

    for (uint32_t i = 0; i < c->listing->rams; i++) {
        there += c->listing->ram[i].last - c->listing->ram[i].first + 1;
    }
    if (c->d->machine.iommu != IOMMU_NONE && saved_machine_iommu() != NULL) {
        report_add(c->report, tree_line(c->tree, "machine.iommu"), "machine",
                   "the listed machine's IOMMU can't be used: %s", saved_machine_iommu());
        report_mend(c->report, "turn it on in the firmware's setup and list the machine again, or "
                    "say 'iommu: none' and mark devices with DMA 'unsafe: true'");
    }
    /* Firmware takes up to a 32nd of what is built in. */
    if (there > 0 && value_size(c->d->machine.memory, &needed) && there < needed - needed / 32) {
        report_add(c->report, tree_line(c->tree, "machine.memory"), "machine",
                   "the listed machine has %lluM of RAM, not %s", (unsigned long long)there >> 20,
                   c->d->machine.memory);
        report_mend(c->report, "give at most %lluM", (unsigned long long)there >> 20);
    }
}

void check_listing(const struct checker *c) {
    if (c->listing == NULL) {
        return;
    }
    check_machine(c);
    for (uint32_t i = 0; i < c->d->devices_count; i++) {
        check_device(c, i);
    }
}
