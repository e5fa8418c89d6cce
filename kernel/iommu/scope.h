/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware's table says (DMAR of VT-d, IVRS of AMD-Vi), as the drivers of both use it:
 * which units there are and whom they cover.
 */
#pragma once

#include "abi/base.h"

#include "core/address.h"

enum scope_limits { SCOPE_MAX_UNITS = 16, SCOPE_MAX = 256 };
enum scope_kind { SCOPE_COVERED, SCOPE_RESERVED, SCOPE_IOAPIC };

struct scope {
    enum scope_kind kind;
    uint32_t first, last;             /* requester ids */
    uint32_t alias;                   /* under which they appear; BH_NONE: their own */
    uint32_t ioapic;                  /* of an I/O APIC: its APIC id */
};

struct scopes {
    bool     interrupt_remapping;
    bool     include_all;             /* a unit covers whatever isn't named */
    uint32_t unit_count, count;
    paddr_t  registers[SCOPE_MAX_UNITS];
    uint32_t unit_id[SCOPE_MAX_UNITS];    /* AMD-Vi: the unit's own requester id */
    struct scope scope[SCOPE_MAX];
};

/* What both parsers find. */
extern const char scope_too_long[], scope_too_many[], scope_bad_unit[];

bool scopes_add(struct scopes *scopes, const struct scope *scope);   /* false: no room */
bool scopes_add_unit(struct scopes *scopes, uint64_t registers, uint32_t segment, uint32_t id);

const char *scopes_lack(const struct scopes *scopes);   /* what must be there and isn't, or 0 */

/* Why this requester can't be confined; 0: it can. */
const char *scopes_refuse(const struct scopes *scopes, uint32_t requester_id);
/* BH_NONE: unknown. */
uint32_t scopes_ioapic_requester(const struct scopes *scopes, uint32_t ioapic_id);
bool scopes_own_registers(const struct scopes *scopes, uint64_t base, uint64_t size);

/* dmar.c, ivrs.c: what the table says; 0, or what is malformed, missing or beyond the kernel. */
const char *dmar_parse(const void *table, uint32_t length, struct scopes *scopes);
const char *ivrs_parse(const void *table, uint32_t length, struct scopes *scopes);
