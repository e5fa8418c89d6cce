/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the description's check only: what all of them look at. */
#ifndef TOOLS_BULKHEAD_CHECKER_H
#define TOOLS_BULKHEAD_CHECKER_H

#include "check.h"

struct checker {
    const struct description *d;
    struct tree              *tree;
    const struct programs    *programs;
    const char               *build;
    const char               *folder;
    const struct listing     *listing;       /* of the machine's hardware; NULL: none */
    struct report            *report;
};

void check_names(const struct checker *c);       /* check_names.c: names, and who refers to whom */
void check_virtual(const struct checker *c, uint32_t device);   /* check_virtual.c: one device */
void check_programs(const struct checker *c);    /* check_programs.c: schedules, VMs, rights */
void check_hardware(const struct checker *c);    /* check_hardware.c: machine, devices, groups */
void check_listing(const struct checker *c);     /* check_listing.c: what the machine really has */
void check_mediated(const struct checker *c);    /* check_mediated.c: why it can't be */
void check_objects(const struct checker *c);     /* check_objects.c: regions, mappings, .. */

void check_passthrough(const struct checker *c); /* check_passthrough.c: what guests drive */

void check_disks(const struct checker *c);       /* check_disks.c: disks and their extents */

void check_seat(const struct checker *c);        /* check_seat.c: the seat and who has a screen */

void check_files(const struct checker *c);       /* check_files.c: programs and images exist */

/* The device of that name, BH_NONE: none. */
uint32_t checker_device(const struct checker *c, const char *name);

/* The compartment (number) that lists the device; BH_NONE: none. */
uint32_t checker_owner(const struct checker *c, const char *device);

/* May the device do DMA: it says so, or is passed through to a guest? */
bool checker_may_dma(const struct checker *c, uint32_t device);

/* Does the program own a device that may do DMA? */
bool checker_owns_dma_device(const struct checker *c, const struct program *program);

/* Reports a text that isn't a size in whole units, unless it is NULL. */
void checker_size(const struct checker *c, const char *text, uint64_t unit, const char *owner,
                  const char *path, const char *field);

/* Reports a text that isn't a set of rights ("none" is allowed if `none`), unless it is NULL. */
void checker_rights(const struct checker *c, const char *text, bool none, const char *owner,
                    const char *path, const char *field);

/* Reports that a field names something unknown. */
void checker_unknown(const struct checker *c, const char *what, const char *name,
                     const char *owner, const char *path, const char *field);

/* The field's text names a compartment, or is reported. */
void checker_compartment(const struct checker *c, const char *name, const char *owner,
                         const char *path, const char *field);

#endif
