/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All compartments of a description in one list, whichever section they are in: compartments,
 * console, switches, disks, seat, vms. The number in this list is the compartment's index in the plan.
 */
#ifndef TOOLS_BULKHEAD_PROGRAMS_H
#define TOOLS_BULKHEAD_PROGRAMS_H

#include "abi/plan.h"

#include "description.h"

enum program_role { ROLE_PLAIN, ROLE_CONSOLE, ROLE_SWITCH, ROLE_DISK, ROLE_SEAT, ROLE_VM };

struct program {
    const struct description_program *base;
    const struct description_vm *vm;                /* ROLE_VM */
    const struct description_switch *netswitch;     /* ROLE_SWITCH */
    const struct description_disk *disk;            /* ROLE_DISK */
    enum program_role role;
    unsigned line;
    char path[32];                                  /* in the tree: "vms[1]" */
};

struct programs {
    uint32_t count;
    struct program program[BH_MAX_COMPARTMENTS];
    uint32_t described;                             /* may be more than fit */
};

void programs_list(const struct description *description, struct tree *tree,
                   struct programs *programs);

/* The program's image name: as given, or the section's own. */
const char *program_image(const struct program *program);

/* Threads: those given, and one for each vCPU of a VM. */
uint32_t program_threads(const struct program *program);

/* How the thread of that number is scheduled; *path gets the tree's path of it. */
const struct description_schedule *program_schedule(const struct program *program,
                                                    uint32_t thread, char path[64]);

/* The compartment (number) that lists the device, for itself or for its guest; BH_NONE: none. */
uint32_t programs_owner(const struct programs *programs, const char *device);

/* The device's number among those that the program passes through to its guest; BH_NONE: it isn't
 * one of them. */
uint32_t program_passed(const struct program *program, const char *device);

uint32_t programs_find(const struct programs *programs, const char *name);

/* Which device a VM sees for its share of a disk, and whether it only reads it, as any CD-ROM. */
bool programs_extent_is_virtio(const struct description_extent *extent);
bool programs_extent_is_ahci(const struct description_extent *extent);
bool programs_extent_is_readonly(const struct description_extent *extent);

#endif
