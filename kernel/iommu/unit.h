/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A remapping unit, of VT-d and AMD-Vi alike: its registers, and its queue of invalidation
 * requests.
 */
#pragma once

#include "iommu/iommu.h"
#include "iommu/scope.h"

struct iommu_unit {
    paddr_t  base;
    volatile uint8_t *registers;      /* UNIT_SIZE */
    uint64_t *queue;                  /* 256 requests in a ring */
    paddr_t  queue_base;
    uint32_t tail;                    /* next free entry */
    uint32_t ticket;                  /* last wait's value */
    volatile uint32_t *done;          /* written by the unit for a wait request */
    paddr_t  done_base;
    bool     dead;                    /* didn't confirm an invalidation in time: never again used */
    uint64_t capability, extended;    /* VT-d's registers of these names */
    uint64_t *events;                 /* AMD-Vi's log: 256 of two words */
    uint32_t next_event;              /* the first that wasn't read yet */
};

extern struct iommu_unit iommu_units[SCOPE_MAX_UNITS];
extern uint32_t iommu_unit_count;

/* A register as an lvalue. */
#define UNIT_32(unit, offset)  (*(volatile uint32_t *)((unit)->registers + (offset)))
#define UNIT_64(unit, offset)  (*(volatile uint64_t *)((unit)->registers + (offset)))

void units_install(const struct scopes *scopes);      /* their registers and empty queues */

/* One request, until the unit, or every unit, confirmed it; false: it didn't within its bounded
 * time. */
struct iommu_request { uint64_t low, high; };
bool unit_request(struct iommu_unit *unit, struct iommu_request request);
bool units_request(struct iommu_request request);
/* A requester's entry changed: no unit may hold the old one, nor translations by it. */
bool units_forget(struct iommu_request entry, struct iommu_request domain);

/* fault.c: where a unit's faults go, and its message. */
void vtd_fault_install(const struct iommu_unit *unit);
void amdvi_fault_install(struct iommu_unit *unit, uint32_t unit_id);
