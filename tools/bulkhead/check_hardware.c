/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine and its devices: addresses, what the machine has, isolation groups, the IOMMU. */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "values.h"

static void find(const struct checker *c, const char *path, const char *field, const char *owner,
                 const char *what) {
    report_add(c->report, tree_line(c->tree, "%s.%s", path, field), owner, "%s", what);
}

static void check_machine(const struct checker *c) {
    const struct description_machine *m = &c->d->machine;

    checker_size(c, m->memory, 1u << 20, "machine", "machine", "memory");
    if (m->cores == 0 || m->cores > BH_MAX_CORES) {
        find(c, "machine", "cores", "machine", "the number of cores is out of range");
        report_mend(c->report, "give 1 to %u", (unsigned)BH_MAX_CORES);
    }
    if (c->d->cores != NULL && (*c->d->cores == 0 || *c->d->cores > m->cores)) {
        report_add(c->report, tree_line(c->tree, "cores"), "system",
                   "the system uses %u cores, the machine has %u", *c->d->cores, m->cores);
        report_mend(c->report, "give 1 to %u", m->cores);
    }
    bool serial = c->d->log_port == 0x3f8 || c->d->log_port == 0x2f8 || c->d->log_port == 0x3e8
               || c->d->log_port == 0x2e8 || c->d->log_port == 0;
    if (!serial) {
        report_add(c->report, tree_line(c->tree, "log-port"), "system",
                   "the log port 0x%x is no serial port's", c->d->log_port);
        report_mend(c->report, "give 0x3f8, 0x2f8, 0x3e8 or 0x2e8");
    }
}

static void check_one_hardware(const struct checker *c, uint32_t number) {
    const struct description_hardware *h = &c->d->machine.devices[number];
    uint32_t requester = 0;
    uint16_t vendor = 0;
    uint16_t device = 0;
    char path[48];

    snprintf(path, sizeof(path), "machine.devices[%u]", number);
    if (!value_pci(h->address, &requester)) {
        find(c, path, "address", "machine", "the address isn't one of a PCI function");
        report_mend(c->report, "write bus, device and function as 00:02.0");
    }
    if (h->behind != NULL && !value_pci(h->behind, &requester)) {
        find(c, path, "behind", "machine", "the address isn't one of a PCI bridge");
        report_mend(c->report, "write bus, device and function as 00:02.0");
    }
    if (!value_id(h->id, &vendor, &device)) {
        find(c, path, "id", "machine", "the id isn't vendor and device");
        report_mend(c->report, "write them as 8086:10d3");
    }
    if (h->disk != NULL && h->namespaces_count != 0) {
        find(c, path, "namespaces", "machine", "the disk has an image, and others for namespaces");
        report_mend(c->report, "remove 'disk', and list its image first under 'namespaces'");
    }
    for (uint32_t i = 0; i < number; i++) {
        if (strcmp(c->d->machine.devices[i].address, h->address) == 0) {
            find(c, path, "address", "machine", "two devices have the same address");
            report_mend(c->report, "move one of them");
        }
    }
}

static const struct description_hardware *hardware_at(const struct checker *c,
                                                      const char *address) {
    for (uint32_t i = 0; i < c->d->machine.devices_count; i++) {
        if (strcmp(c->d->machine.devices[i].address, address) == 0) {
            return &c->d->machine.devices[i];
        }
    }
    return NULL;
}

/* Does the machine have the device that the description wants to give away? A listing of what it
 * really has is asked in check_listing.c. */
static void check_presence(const struct checker *c, const struct description_device *d,
                           const char *path) {
    const struct description_hardware *h = hardware_at(c, d->pci);

    if (c->listing != NULL) {
        return;
    }
    if (h == NULL) {
        report_add(c->report, tree_line(c->tree, "%s.pci", path), d->name,
                   "the machine has no device at %s", d->pci);
        report_mend(c->report, "list it under 'machine: devices:', or correct the address");
    } else if (d->id != NULL && strcmp(d->id, "any") != 0 && strcmp(d->id, h->id) != 0) {
        report_add(c->report, tree_line(c->tree, "%s.id", path), d->name,
                   "the machine's device at %s is %s, not %s", d->pci, h->id, d->id);
        report_mend(c->report, "correct the address or the id");
    }
}

static void check_pci_address(const struct checker *c, const struct description_device *d,
                              const char *path) {
    uint32_t requester = 0;
    uint16_t vendor = 0;
    uint16_t device = 0;

    if (!value_pci(d->pci, &requester)) {
        find(c, path, "pci", d->name, "the address isn't one of a PCI function");
        report_mend(c->report, "write bus, device and function as 00:02.0");
        return;
    }
    if (requester == 0) {
        find(c, path, "pci", d->name, "the host bridge is the kernel's");
        report_mend(c->report, "remove the device");
        return;
    }
    if (d->id != NULL && !value_id(d->id, &vendor, &device)) {
        find(c, path, "id", d->name, "the id isn't vendor and device");
        report_mend(c->report, "write them as 8086:10d3");
        return;
    }
    check_presence(c, d, path);
}

static void check_pci(const struct checker *c, const struct description_device *d,
                      const char *path) {
    if (d->pci != NULL) {
        check_pci_address(c, d, path);
    }
    if (d->isa != 0) {
        find(c, path, "isa", d->name, "a PCI device can't have an ISA interrupt line");
        report_mend(c->report, "give it 'msix' or 'msi'");
    }
    if (d->msi && d->msix != 0) {
        find(c, path, "msi", d->name, "the device can't use MSI and MSI-X at once");
        report_mend(c->report, "keep 'msix'");
    }
    if (checker_may_dma(c, (uint32_t)(d - c->d->devices)) && c->d->machine.iommu == IOMMU_NONE
        && !d->unsafe) {
        find(c, path, d->dma ? "dma" : "name", d->name, "the device may write to all memory: there is no IOMMU");
        report_mend(c->report, "give the machine an IOMMU, or mark the device 'unsafe: true'");
    }
}

static void check_platform(const struct checker *c, const struct description_device *d,
                           const char *path) {
    bool plain = !d->dma && !d->unsafe && !d->msi && d->msix == 0 && d->bars_count == 0;

    if (!plain) {
        find(c, path, "platform", d->name,
             "a platform device has no DMA, BARs or message interrupts");
        report_mend(c->report, "use 'ports' and 'isa', or give its address as 'pci'");
    }
}

static void check_bars(const struct checker *c, const struct description_device *d,
                       const char *path) {
    char bar[96];

    for (uint32_t i = 0; i < d->bars_count; i++) {
        snprintf(bar, sizeof(bar), "%s.bars[%u]", path, i);
        checker_size(c, d->bars[i].size, BH_PAGE_SIZE, d->name, bar, "size");
        checker_size(c, d->bars[i].offset, BH_PAGE_SIZE, d->name, bar, "offset");
        if (d->bars[i].bar > 5) {
            find(c, bar, "bar", d->name, "there is no such BAR");
            report_mend(c->report, "give 0 to 5");
        }
    }
}

static void check_device(const struct checker *c, uint32_t number) {
    const struct description_device *d = &c->d->devices[number];
    char path[48];

    snprintf(path, sizeof(path), "devices[%u]", number);
    if ((d->pci != NULL) + (d->virtual_of != NULL) + d->platform != 1) {
        find(c, path, "name", d->name, "the device must be either on PCI or of the platform");
        report_mend(c->report, "give 'pci: ADDRESS', 'vf-of: DEVICE' or 'platform: true'");
    } else if (d->platform) {
        check_platform(c, d, path);
    } else {
        check_pci(c, d, path);
    }
    check_virtual(c, number);
    check_bars(c, d, path);
    for (uint32_t i = 0; d->pci != NULL && i < number; i++) {
        const struct description_device *o = &c->d->devices[i];
        if (o->pci != NULL && strcmp(o->pci, d->pci) == 0) {
            report_add(c->report, tree_line(c->tree, "%s.pci", path), d->name,
                       "'%s' has the same address", o->name);
            report_mend(c->report, "describe the function once");
        }
    }
}

/* Functions that no hardware keeps apart: those of one device, and all behind one bridge. */
static bool same_group(const struct checker *c, const char *a, const char *b) {
    const struct description_hardware *x = hardware_at(c, a);
    const struct description_hardware *y = hardware_at(c, b);
    uint32_t first = 0;
    uint32_t second = 0;

    if (!value_pci(a, &first) || !value_pci(b, &second) || x == NULL || y == NULL) {
        return false;
    }
    bool same_device = first / 8 == second / 8;
    bool same_bridge = x->behind != NULL && y->behind != NULL && strcmp(x->behind, y->behind) == 0;
    return same_device || same_bridge;
}

static void check_group(const struct checker *c, uint32_t first, uint32_t second) {
    const struct description_device *a = &c->d->devices[first];
    const struct description_device *b = &c->d->devices[second];
    uint32_t owner = checker_owner(c, a->name);
    uint32_t other = checker_owner(c, b->name);

    if (c->listing != NULL || a->pci == NULL || b->pci == NULL || owner == other || owner == BH_NONE
        || other == BH_NONE || strcmp(a->pci, b->pci) == 0 || !same_group(c, a->pci, b->pci)) {
        return;
    }
    report_add(c->report, tree_line(c->tree, "devices[%u].pci", second), b->name,
               "the isolation group of %s and %s is split between '%s' and '%s'", a->pci, b->pci,
               c->programs->program[owner].base->name, c->programs->program[other].base->name);
    report_mend(c->report, "give both devices to one compartment: nothing keeps them apart");
}

void check_hardware(const struct checker *c) {
    check_machine(c);
    for (uint32_t i = 0; i < c->d->machine.devices_count; i++) {
        check_one_hardware(c, i);
    }
    for (uint32_t i = 0; i < c->d->devices_count; i++) {
        check_device(c, i);
        for (uint32_t j = 0; j < i; j++) {
            check_group(c, j, i);
        }
    }
}
