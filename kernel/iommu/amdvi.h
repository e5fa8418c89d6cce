/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of kernel/iommu only: AMD-Vi's registers, device table and commands, and the
 * interface of each part. Sections are those of the "AMD I/O Virtualization Technology (IOMMU)
 * Specification" 48882, 3.07.
 */
#pragma once

#include "iommu/unit.h"

enum amdvi_register {                 /* 3.4 */
    AMDVI_DEVICE_TABLE  = 0x0000,
    AMDVI_COMMAND_BASE  = 0x0008,
    AMDVI_EVENT_BASE    = 0x0010,
    AMDVI_CONTROL       = 0x0018,
    AMDVI_FEATURES      = 0x0030,
    AMDVI_COMMAND_HEAD  = 0x2000,
    AMDVI_COMMAND_TAIL  = 0x2008,
    AMDVI_EVENT_HEAD    = 0x2010,
    AMDVI_EVENT_TAIL    = 0x2018,
    AMDVI_STATUS        = 0x2020,
};

enum amdvi_control {
    AMDVI_ENABLE          = 1u << 0,
    AMDVI_EVENT_LOG       = 1u << 2,
    AMDVI_EVENT_INTERRUPT = 1u << 3,
    AMDVI_COHERENT        = 1u << 10,
    AMDVI_COMMANDS        = 1u << 12,
};

enum amdvi_status {
    AMDVI_EVENT_OVERFLOW  = 1u << 0,
    AMDVI_EVENT_HAPPENED  = 1u << 1,
    AMDVI_EVENT_RUNS      = 1u << 3,
};

#define AMDVI_FEATURE_INVALIDATE_ALL  (1ull << 6)
#define AMDVI_LENGTH(log2)            ((uint64_t)(log2) << 56)   /* of command buffer, event log */

/* 2.2.2.1. Words are written whole: the first alone tells whether and where to translate. */
struct amdvi_device { uint64_t translation, domain, interrupts, more; };
_Static_assert(sizeof(struct amdvi_device) == 32, "2.2.2.1");

#define AMDVI_DEVICE_VALID            (1ull << 0 | 1ull << 1)    /* V, TV */
#define AMDVI_DEVICE_4_LEVELS         (4ull << 9)
#define AMDVI_DEVICE_READ             (1ull << 61)
#define AMDVI_DEVICE_WRITE            (1ull << 62)
#define AMDVI_DEVICE_NO_FAULTS        (1ull << 34)               /* SA, second word */
#define AMDVI_DEVICE_REMAP            (1ull << 0)                /* IV, third word; see IntCtl */
#define AMDVI_DEVICE_256_INTERRUPTS   (8ull << 1)
#define AMDVI_DEVICE_NO_INT_FAULTS    (1ull << 5)                /* IG */
#define AMDVI_DEVICE_INT_TABLE        0x000fffffffffffc0ull
#define AMDVI_DEVICE_INT_BY_TABLE     (2ull << 60)               /* IntCtl; 0: all are denied */

/* amdvi.c: as in iommu.h */
extern volatile struct amdvi_device *amdvi_devices;   /* the device table, of all units: 65536 */
bool amdvi_install(const struct scopes *scopes);
bool amdvi_attach(uint32_t requester_id, uint32_t domain, paddr_t root);
bool amdvi_detach(uint32_t requester_id, uint32_t domain);
void amdvi_ignore_faults(uint32_t requester_id, bool ignore);
bool amdvi_interrupt_set(uint32_t entry, uint32_t requester_id, uint32_t vector, uint32_t apic_id);
bool amdvi_interrupt_clear(uint32_t entry);

/* 2.4 */
#define AMDVI_REQUEST(low, high)      ((struct iommu_request){ (low), (high) })
#define AMDVI_WAIT(at, ticket)        AMDVI_REQUEST(1ull << 60 | 1ull << 0 | (at).value, ticket)
#define AMDVI_FLUSH_DEVICE(id)        AMDVI_REQUEST(2ull << 60 | (uint64_t)(id), 0)
#define AMDVI_FLUSH_DOMAIN(domain)    AMDVI_REQUEST(3ull << 60 | (uint64_t)(domain) << 32, \
                                                    AMDVI_WHOLE_DOMAIN)
#define AMDVI_WHOLE_DOMAIN            0x7ffffffffffff003ull      /* address: all; S, PDE */
#define AMDVI_FLUSH_INTERRUPTS(id)    AMDVI_REQUEST(5ull << 60 | (uint64_t)(id), 0)
#define AMDVI_FLUSH_ALL               AMDVI_REQUEST(8ull << 60, 0)
