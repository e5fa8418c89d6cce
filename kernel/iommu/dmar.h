/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMAR table (VT-d specification 3.3, chapter 8) as the VT-d driver uses it: which units there
 * are and whom they cover.
 */
#pragma once

#include "abi/base.h"

#include "core/address.h"

enum dmar_limits { DMAR_MAX_UNITS = 8, DMAR_MAX_SCOPES = 256 };
enum dmar_scope_type { DMAR_ENDPOINT = 1, DMAR_BRIDGE = 2, DMAR_IOAPIC = 3 };

struct dmar {
    bool     interrupt_remapping;     /* 8.1, flags */
    bool     include_all;             /* a unit covers whatever isn't named */
    uint32_t unit_count, scope_count;
    paddr_t  registers[DMAR_MAX_UNITS];
    struct dmar_scope {
        uint32_t type;                /* enum dmar_scope_type */
        uint32_t id;                  /* of an I/O APIC: its APIC id */
        bool     reserved;            /* of reserved memory (RMRR), not of a unit */
        uint32_t first, last;         /* requester ids */
    } scope[DMAR_MAX_SCOPES];
};

/* 0, or what is malformed or more than the kernel has room for. */
const char *dmar_parse(const void *table, uint32_t length, struct dmar *dmar);

/* Why this requester can't be confined; 0: it can. */
const char *dmar_refuses(const struct dmar *dmar, uint32_t requester_id);
/* BH_NONE: unknown. */
uint32_t dmar_ioapic_requester(const struct dmar *dmar, uint32_t ioapic_id);
