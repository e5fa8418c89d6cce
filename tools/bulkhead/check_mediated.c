/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drivers whose device's DMA would be held by base registers that the kernel alone sets. No device
 * that has a driver here permits it (docs/hardware.md), so whoever asks for it is told why.
 */
#include <string.h>

#include "checker.h"

static const struct { const char *id, *why; } known[] = {
    { "8086:10d3", "each of its descriptors holds an address, in memory that its driver writes" },
    { "8086:10c9", "each of its descriptors holds an address, in memory that its driver writes" },
    { "8086:10ca", "each of its descriptors holds an address, in memory that its driver writes" },
    { "1b36:0010", "each of its commands holds addresses, in memory that its driver writes" },
    { "8086:2922", "each of its commands holds addresses, in memory that its driver writes" },
    { "1234:11e8", "its address register lies in one page with those that its driver needs" },
    { "10ec:8139", "its address registers lie in one page with those that its driver needs" },
    { "1b36:0007", "its address register lies in one page with those that its driver needs" },
};

static const char *reason(const struct description_device *d) {
    for (unsigned i = 0; d->id != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(d->id, known[i].id) == 0) {
            return known[i].why;
        }
    }
    return "it isn't known that a few registers of its own hold all addresses";
}

void check_mediated(const struct checker *c) {
    for (uint32_t i = 0; i < c->d->devices_count; i++) {
        const struct description_device *d = &c->d->devices[i];
        bool dma = checker_may_dma(c, i);
        if (!d->mediated) {
            continue;
        }
        report_add(c->report, tree_line(c->tree, "devices[%u].mediated", i), d->name,
                   "it can't be mediated: %s", dma ? reason(d) : "it does no DMA");
        report_mend(c->report, dma ? "drop 'mediated' and give the machine an IOMMU, or mark the "
                    "device 'unsafe: true'" : "drop 'mediated'");
    }
}
