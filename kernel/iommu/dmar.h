/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMAR table (VT-d specification 3.3, chapter 8) as the VT-d driver uses it: which units there
 * are and whom each covers.
 */
#ifndef KERNEL_IOMMU_DMAR_H
#define KERNEL_IOMMU_DMAR_H

#include "abi/base.h"

#include "core/address.h"

enum dmar_limits { DMAR_MAX_UNITS = 8, DMAR_MAX_SCOPES = 256 };

struct dmar {
    bool     interrupt_remapping;     /* 8.1, flags */
    bool     x2apic_opt_out;
    uint32_t unit_count;
    paddr_t  registers[DMAR_MAX_UNITS];
    bool     include_all[DMAR_MAX_UNITS];
    uint32_t scope_count;
    struct dmar_scope {
        uint32_t unit;                /* DMAR_RESERVED_MEMORY: of an RMRR, not of a unit */
        uint32_t type;                /* enum dmar_scope_type */
        uint32_t id;                  /* enumeration id: of an I/O APIC its APIC id */
        uint32_t first, last;         /* requester ids */
    } scope[DMAR_MAX_SCOPES];
};

enum { DMAR_RESERVED_MEMORY = DMAR_MAX_UNITS };

enum dmar_scope_type { DMAR_ENDPOINT = 1, DMAR_BRIDGE = 2, DMAR_IOAPIC = 3, DMAR_HPET = 4 };

/* False: malformed, or more than the kernel has room for; *why says what. */
bool dmar_parse(const void *table, uint32_t length, struct dmar *dmar, const char **why);

bool dmar_covers(const struct dmar *dmar, uint32_t requester_id);
bool dmar_has_reserved_memory(const struct dmar *dmar, uint32_t requester_id);
uint32_t dmar_ioapic_requester(const struct dmar *dmar, uint32_t ioapic_id);   /* BH_NONE: unknown */

#endif
