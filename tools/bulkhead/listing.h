/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hardware listing: what `bulkhead probe` found on a machine, as a YAML file. It carries each
 * function's configuration space as it is, the sizes of its BARs and the firmware's tables, so that
 * the kernel's own code can be run over it (saved_machine.c). What that code says of the machine
 * stands in the file too, for people (facts.c). A listing that is read may hold anything.
 */
#ifndef TOOLS_BULKHEAD_LISTING_H
#define TOOLS_BULKHEAD_LISTING_H

#include "pci/pci.h"
#include "tree.h"

enum listing_limits {
    LISTING_SIZES = 2 * PCI_BARS,   /* of a function's own BARs, then of its virtual functions' */
    LISTING_TABLES = 3,             /* DMAR, IVRS, MCFG */
    LISTING_TABLE_BYTES = 1 << 16,
};

struct listing_function {
    uint32_t requester_id;
    uint32_t line;                  /* of its interrupt pin, as Linux routed it; 0: none */
    uint64_t size[LISTING_SIZES];   /* bytes of BARs, a power of two; 0: none */
    uint32_t known;                 /* bytes of its configuration space that could be read */
    uint8_t  config[PCI_CONFIG_SIZE];
};

struct listing_table {              /* of ACPI */
    char     name[5];
    uint32_t size;
    uint8_t *bytes;
};

struct listing_ram {
    uint64_t first, last;
};

struct listing {
    struct listing_function *function;
    uint32_t functions;
    struct listing_table table[LISTING_TABLES];
    uint32_t tables;
    struct listing_ram *ram;
    uint32_t rams;
};

/* The tables that are wanted, in this order. */
extern const char *const listing_table_names[LISTING_TABLES];

struct listing_function *listing_add(struct listing *listing, uint32_t requester_id);
/* NULL: not there. */
struct listing_function *listing_find(const struct listing *listing, uint32_t requester_id);
const struct listing_table *listing_table(const struct listing *listing, const char *name);
void listing_add_ram(struct listing *listing, uint64_t first, uint64_t last);
void listing_free(struct listing *listing);

/* listing_read.c. False: the report says what is wrong. */
bool listing_read(struct listing *listing, struct tree *tree, struct report *report);

/* listing_verify.c: of the saved machine. False: what stands in the file isn't what follows. */
bool listing_verify(const struct listing *listing, struct tree *tree, struct report *report);

/* listing_write.c: of the saved machine, with the facts. */
void listing_write(const struct listing *listing, FILE *out);

#endif
