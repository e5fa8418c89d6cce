/* SPDX-License-Identifier: BSD-2-Clause */
/* A unit's queue of invalidation requests, of VT-d and AMD-Vi alike: two words each, in a ring. */
#pragma once

#include "core/address.h"

struct iommu_queue {
    paddr_t  unit;                    /* whose it is, for people */
    uint64_t *entries;                /* 256 */
    paddr_t  base;
    volatile uint32_t *done;          /* written by the unit for a wait request */
    paddr_t  done_base;
    uint32_t tail;                    /* next free entry */
    uint32_t ticket;                  /* last wait's value */
    bool     dead;                    /* didn't confirm an invalidation in time: never again used */
};

void queue_install(struct iommu_queue *queue, paddr_t unit);
void queue_put(struct iommu_queue *queue, uint64_t low, uint64_t high);
/* To be called with a wait request for the present ticket last in the queue: tells the unit by its
 * tail register, and returns when it confirmed; false: it didn't within its bounded time. */
bool queue_run(struct iommu_queue *queue, volatile uint64_t *tail_register);
