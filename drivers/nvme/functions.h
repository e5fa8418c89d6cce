/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual functions of an NVMe disk (NVMe 8.5): each is a secondary controller, which works once
 * the primary one, ours, gave it queues and interrupts and brought it online. Each has a namespace
 * of its own, and nobody else has that; one without stays offline, and so has none. Trusts no
 * device: what it lists is bounded, and whatever fails leaves virtual functions offline.
 *
 * A virtual function stays online over a reset of its own; a reset of ours takes all offline.
 */
#ifndef BULKHEAD_DRIVERS_NVME_FUNCTIONS_H
#define BULKHEAD_DRIVERS_NVME_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NVME_FUNCTIONS  = 127,         /* as many as a controller lists (5.15, CNS 15h) */
    NVME_OWN_SPACE  = 1,           /* the namespace that we serve */
    NVME_LAST_SPACE = 0xfffffffe,  /* 6.1 */
};

struct nvme_function {
    uint32_t space;                /* its namespace; zero: it has none */
    uint32_t queues, interrupts;   /* what it was given */
    uint16_t controller;           /* its controller's id ... */
    bool     listed;               /* ... if there is such a controller */
    bool     online;
};

struct nvme_functions {
    struct nvme_function function[NVME_FUNCTIONS];   /* by their numbers, from 0 */
    uint32_t count;                /* those with a namespace */
    uint16_t own;                  /* our controller's id */
    bool     wants_reset;          /* what we held is free after a function-level reset of ours */
};

/* The rule: is the namespace this controller's? (spaces.c) */
bool nvme_space_is_for(const struct nvme_functions *functions, uint16_t controller, uint32_t space);

/* The virtual function whose controller it is, or NULL. */
const struct nvme_function *nvme_function_of(const struct nvme_functions *functions,
                                             uint16_t controller);

#endif
