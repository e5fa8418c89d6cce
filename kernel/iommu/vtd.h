/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the VT-d driver only: register layout and the interface of each part.
 * Sections are those of the "Intel Virtualization Technology for Directed I/O" specification 3.3.
 */
#pragma once

#include "iommu/iommu.h"
#include "iommu/queue.h"
#include "iommu/scope.h"

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
#define VTD_CAP_DRAIN_WRITE        (1ull << 54)
#define VTD_CAP_DRAIN_READ         (1ull << 55)
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

struct vtd_unit {
    volatile uint8_t *registers;
    paddr_t  base;
    uint64_t capability;
    uint64_t extended;
    struct iommu_queue queue;
};

/* A register as an lvalue. */
#define VTD_32(unit, offset)  (*(volatile uint32_t *)((unit)->registers + (offset)))
#define VTD_64(unit, offset)  (*(volatile uint64_t *)((unit)->registers + (offset)))

/* vtd.c: as in iommu.h */
extern struct vtd_unit vtd_units[SCOPE_MAX_UNITS];
extern uint32_t vtd_unit_count;
bool vtd_install(const struct scopes *scopes);
bool vtd_attach(uint32_t requester_id, uint32_t domain, paddr_t root);
bool vtd_detach(uint32_t requester_id, uint32_t domain);
void vtd_ignore_faults(uint32_t requester_id, bool ignore);
/* One-shot and enable bits of the command register; false: the unit didn't follow in time. */
bool vtd_set_command(const struct vtd_unit *unit, uint32_t bit);

/* One of these requests (6.5.2.1, 6.5.2.3, 6.5.2.7), until the unit confirmed it. */
#define VTD_FLUSH_CONTEXTS          (1ull | 1ull << 4)
#define VTD_FLUSH_CONTEXT(domain, id) \
    (1ull | 3ull << 4 | (uint64_t)(domain) << 16 | (uint64_t)(id) << 32)
#define VTD_FLUSH_TLB               (2ull | 1ull << 4)
#define VTD_FLUSH_DOMAIN(domain)    (2ull | 2ull << 4 | (uint64_t)(domain) << 16)
#define VTD_FLUSH_INTERRUPTS        (4ull)
#define VTD_FLUSH_INTERRUPT(entry)  (4ull | 1ull << 4 | (uint64_t)(entry) << 32)
#define VTD_FLUSHES_TLB(request)    ((request) % 16 == 2)
bool vtd_request(struct vtd_unit *unit, uint64_t request);

/* vtd_interrupt.c */
void vtd_interrupt_tables(void);                      /* once, before the units are set up */
bool vtd_interrupt_install(struct vtd_unit *unit);
bool vtd_interrupt_set(uint32_t entry, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                       struct iommu_message *message);
bool vtd_interrupt_clear(uint32_t entry);

/* vtd_fault.c */
void vtd_fault_install(const struct vtd_unit *unit);
void vtd_fault_interrupt(void);

/* table.c: the second-stage table's features are those that all units have. */
void vtd_table_use(const struct vtd_unit *unit);
