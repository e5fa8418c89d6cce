/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of kernel/iommu only: VT-d's registers, entries and requests, and the interface
 * of each part.
 * Sections are those of the "Intel Virtualization Technology for Directed I/O" specification 3.3.
 */
#pragma once

#include "iommu/unit.h"

enum vtd_register {
    VTD_CAPABILITY     = 0x08,        /* 10.4.2 */
    VTD_EXTENDED       = 0x10,        /* 10.4.3 */
    VTD_COMMAND        = 0x18,        /* 10.4.4 */
    VTD_STATUS         = 0x1c,        /* 10.4.5 */
    VTD_ROOT_TABLE     = 0x20,        /* 10.4.6 */
    VTD_FAULT_STATUS   = 0x34,        /* 10.4.9 */
    VTD_FAULT_CONTROL  = 0x38,        /* 10.4.10 */
    VTD_FAULT_DATA     = 0x3c,        /* 10.4.11 */
    VTD_FAULT_ADDRESS  = 0x40,        /* 10.4.12 */
    VTD_FAULT_UPPER    = 0x44,        /* 10.4.13 */
    VTD_QUEUE_TAIL     = 0x88,        /* 10.4.22 */
    VTD_QUEUE_ADDRESS  = 0x90,        /* 10.4.23 */
    VTD_REMAP_TABLE    = 0xb8,        /* 10.4.29 */
};

/* 10.4.2 */
#define VTD_CAP_DOMAINS(cap)       ((cap) % 8)                    /* 2^(4 + 2n) domain ids */
#define VTD_CAP_WRITE_FLUSH        (1ull << 4)
#define VTD_CAP_3_LEVELS           (1ull << 9)                    /* SAGAW: 39 bits */
#define VTD_CAP_4_LEVELS           (1ull << 10)                   /* 48 bits */
#define VTD_CAP_FAULT_OFFSET(cap)  ((uint32_t)((cap) >> 24) % 1024 * 16)
#define VTD_CAP_2_MIB              (1ull << 34)
#define VTD_CAP_1_GIB              (1ull << 35)
#define VTD_CAP_FAULT_COUNT(cap)   ((uint32_t)((cap) >> 40) % 256 + 1)
/* 10.4.3 */
#define VTD_EXT_COHERENT           (1ull << 0)
#define VTD_EXT_QUEUED             (1ull << 1)
#define VTD_EXT_REMAPPING          (1ull << 3)
#define VTD_EXT_X2APIC             (1ull << 4)

enum vtd_command {                    /* 10.4.4, and the same bits of 10.4.5 */
    VTD_COMPATIBILITY  = 1u << 23,
    VTD_SET_REMAP      = 1u << 24,
    VTD_REMAPPING      = 1u << 25,
    VTD_QUEUE          = 1u << 26,
    VTD_SET_ROOT       = 1u << 30,
    VTD_TRANSLATION    = 1u << 31,
    VTD_ENABLES        = VTD_COMPATIBILITY | VTD_REMAPPING | VTD_QUEUE,
};

/* Of the root and context tables (9.1, 9.3) and of the interrupt remapping table (9.10). */
struct vtd_entry { uint64_t low, high; };
#define VTD_PRESENT                (1ull << 0)                    /* low word, of each */
#define VTD_NO_FAULTS              (1ull << 1)                    /* FPD; counts without P, too */

/* vtd.c: as in iommu.h */
bool vtd_install(void);
bool vtd_attach(uint32_t requester_id, uint32_t domain, paddr_t root);
bool vtd_detach(uint32_t requester_id, uint32_t domain);
void vtd_ignore_faults(uint32_t requester_id, bool ignore);
bool vtd_interrupt_set(uint32_t entry, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                       struct iommu_message *message);
bool vtd_interrupt_clear(uint32_t entry);

/* 6.5.2.1, 6.5.2.3, 6.5.2.7, 6.5.2.8. The TLB's drain what is in flight; a unit that can't ignores
 * that (10.4.8: DW, DR). */
#define VTD_REQUEST(low)            ((struct iommu_request){ (low), 0 })
#define VTD_FLUSH_CONTEXTS          VTD_REQUEST(1ull | 1ull << 4)
#define VTD_FLUSH_CONTEXT(domain, id) \
    VTD_REQUEST(1ull | 3ull << 4 | (uint64_t)(domain) << 16 | (uint64_t)(id) << 32)
#define VTD_DRAIN                   (3ull << 6)
#define VTD_FLUSH_TLB               VTD_REQUEST(2ull | 1ull << 4 | VTD_DRAIN)
#define VTD_FLUSH_DOMAIN(domain)    VTD_REQUEST(2ull | 2ull << 4 | VTD_DRAIN | \
                                                (uint64_t)(domain) << 16)
#define VTD_FLUSH_INTERRUPTS        VTD_REQUEST(4ull)
#define VTD_FLUSH_INTERRUPT(entry)  VTD_REQUEST(4ull | 1ull << 4 | (uint64_t)(entry) << 32)
#define VTD_WAIT(at, ticket) \
    ((struct iommu_request){ 5ull | 1ull << 5 | (uint64_t)(ticket) << 32, (at).value })

/* table.c: the second-stage table's features are those that all units have. */
void vtd_table_use(const struct iommu_unit *unit);
