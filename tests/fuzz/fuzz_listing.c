/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a hardware listing: reading, the kernel's discovery over it, what follows from it for
 * every function, and writing it again.
 */
#include <stdio.h>
#include <string.h>

#include "facts.h"
#include "listing.h"
#include "saved_machine.h"

/* Included, so that each input begins with an empty table. */
#include "kernel/pci/enumerate.c"

static void look(const struct listing *l, struct tree *tree, struct report *report) {
    static FILE *nowhere;

    if (nowhere == NULL) {
        nowhere = fopen("/dev/null", "w");
    }
    listing_verify(l, tree, report);
    listing_write(l, nowhere);
    for (uint32_t i = 0; i < pci_count(); i++) {
        for (uint32_t bar = 0; bar < PCI_BARS; bar++) {
            saved_machine_maps(i, bar, 0, pci_function(i)->bar[bar].size);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct report *report = report_new("input.yaml");
    struct tree *tree = tree_parse(data, size, report);
    struct listing l = { 0 };
    const char *why = NULL;

    memset(functions, 0, sizeof(functions));
    function_count = 0;
    if (tree != NULL && listing_read(&l, tree, report)) {
        if (saved_machine_open(&l, &why)) {
            look(&l, tree, report);
        }
        saved_machine_close();
    }
    listing_free(&l);
    tree_free(tree);
    report_free(report);
    return 0;
}
