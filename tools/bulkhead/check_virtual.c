/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual functions (SR-IOV): of which device, which one, and what its owner is told by whom. */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "values.h"

enum { VIRTUAL_MOST = 256, VLAN_MOST = 4094 };      /* PCIe 9.3.3.5 has more; the plan hasn't */
enum { NVME_FUNCTIONS = 127, NAMESPACE_FIRST = 2 }; /* drivers/nvme/functions.h */
#define NAMESPACE_LAST 0xfffffffeu                  /* NVMe 6.1 */

static unsigned line_of(const struct checker *c, uint32_t device, const char *field) {
    return tree_line(c->tree, "devices[%u].%s", device, field);
}

static const struct description_device *physical_of(const struct checker *c,
                                                    const struct description_device *d) {
    uint32_t physical = checker_device(c, d->virtual_of);

    return physical == BH_NONE ? NULL : &c->d->devices[physical];
}

static bool same_function(const struct description_device *a, const struct description_device *b) {
    return b->virtual_of != NULL && b->virtual_number != NULL
        && strcmp(a->virtual_of, b->virtual_of) == 0 && *a->virtual_number == *b->virtual_number;
}

static void check_number(const struct checker *c, uint32_t device) {
    const struct description_device *d = &c->d->devices[device];

    if (d->virtual_number == NULL || *d->virtual_number >= VIRTUAL_MOST) {
        report_add(c->report, line_of(c, device, "vf-of"), d->name,
                   "which virtual function of '%s' isn't said", d->virtual_of);
        report_mend(c->report, "give 'vf: 0' or the number of another one");
        return;
    }
    for (uint32_t i = 0; i < device; i++) {
        if (same_function(d, &c->d->devices[i])) {
            report_add(c->report, line_of(c, device, "vf"), d->name,
                       "'%s' is the same virtual function", c->d->devices[i].name);
            report_mend(c->report, "describe it once");
        }
    }
}

/* Whoever has the physical function has all others' traffic: a driver here, never a guest. */
static void check_physical(const struct checker *c, uint32_t device) {
    const struct description_device *d = &c->d->devices[device];
    const struct description_device *physical = physical_of(c, d);

    if (physical == NULL) {
        char path[32];
        snprintf(path, sizeof(path), "devices[%u]", device);
        checker_unknown(c, "device", d->virtual_of, d->name, path, "vf-of");
        return;
    }
    if (physical->pci == NULL) {
        report_add(c->report, line_of(c, device, "vf-of"), d->name,
                   "'%s' is no physical PCI function", d->virtual_of);
        report_mend(c->report, "name a device with 'pci: ADDRESS' that has SR-IOV");
    }
    uint32_t owner = checker_owner(c, physical->name);
    if (owner != BH_NONE && c->programs->program[owner].vm != NULL) {
        report_add(c->report, line_of(c, device, "vf-of"), d->name,
                   "its physical function '%s' belongs to a VM", physical->name);
        report_mend(c->report, "give '%s' to its driver in a compartment", physical->name);
    }
}

static void check_address(const struct checker *c, uint32_t device) {
    const struct description_device *d = &c->d->devices[device];
    uint8_t mac[6] = { 0 };
    uint8_t other[6];

    if (d->mac == NULL) {
        return;
    }
    if (!value_mac(d->mac, mac) || mac[0] % 2 != 0) {
        report_add(c->report, line_of(c, device, "mac"), d->name,
                   "'%s' is no MAC address of one device", d->mac);
        report_mend(c->report, "write it as 52:54:00:12:34:56");
        return;
    }
    for (uint32_t i = 0; i < device; i++) {
        const struct description_device *o = &c->d->devices[i];
        if (o->mac != NULL && value_mac(o->mac, other) && memcmp(mac, other, sizeof(mac)) == 0) {
            report_add(c->report, line_of(c, device, "mac"), d->name,
                       "'%s' has the same MAC address", o->name);
            report_mend(c->report, "give each its own");
        }
    }
}

/* A namespace has one owner; the first is what the disk's driver serves to others itself. */
static void check_namespace(const struct checker *c, uint32_t device) {
    const struct description_device *d = &c->d->devices[device];
    unsigned line = line_of(c, device, "namespace");

    if (d->space == NULL) {
        return;
    }
    if (d->mac != NULL || d->vlan != 0) {
        report_add(c->report, line, d->name, "no device has an address or a VLAN and a namespace");
        report_mend(c->report, "keep 'namespace' if it is a disk's virtual function");
    }
    if (*d->space < NAMESPACE_FIRST || *d->space > NAMESPACE_LAST) {
        report_add(c->report, line, d->name, "namespace %u is no virtual function's", *d->space);
        report_mend(c->report, "give 2 or more: 1 is what the driver of '%s' serves",
                    d->virtual_of);
    }
    if (d->virtual_number != NULL && *d->virtual_number >= NVME_FUNCTIONS) {
        report_add(c->report, line, d->name, "a disk has no virtual function %u",
                   *d->virtual_number);
        report_mend(c->report, "give 'vf: 0' to 'vf: %u'", NVME_FUNCTIONS - 1u);
    }
    for (uint32_t i = 0; i < device; i++) {
        const struct description_device *o = &c->d->devices[i];
        if (o->space != NULL && *o->space == *d->space && o->virtual_of != NULL
            && strcmp(o->virtual_of, d->virtual_of) == 0) {
            report_add(c->report, line, d->name, "'%s' has the same namespace", o->name);
            report_mend(c->report, "give each its own");
        }
    }
}

void check_virtual(const struct checker *c, uint32_t device) {
    const struct description_device *d = &c->d->devices[device];
    bool more = d->virtual_number != NULL || d->mac != NULL || d->vlan != 0 || d->space != NULL;

    if (d->virtual_of == NULL) {
        if (more) {
            report_add(c->report, line_of(c, device, "name"), d->name,
                       "'vf', 'mac', 'vlan' and 'namespace' are for virtual functions");
            report_mend(c->report, "say of which device it is one: 'vf-of: DEVICE'");
        }
        return;
    }
    check_number(c, device);
    check_physical(c, device);
    check_address(c, device);
    check_namespace(c, device);
    if (d->vlan > VLAN_MOST) {
        report_add(c->report, line_of(c, device, "vlan"), d->name, "there is no VLAN %u", d->vlan);
        report_mend(c->report, "give 1 to %u", (unsigned)VLAN_MOST);
    }
}
