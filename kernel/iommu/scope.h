/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware's table says (DMAR of VT-d, IVRS of AMD-Vi), as the drivers of both use it:
 * which units there are and whom they cover.
 */
#pragma once

#include "abi/base.h"

#include "core/address.h"
#include "core/bytes.h"

enum scope_limits { SCOPE_MAX_UNITS = 16, SCOPE_MAX = 256 };
enum { UNIT_SIZE = 4 * BH_PAGE_SIZE };         /* of a unit's registers, at most */
enum scope_kind { SCOPE_COVERED, SCOPE_RESERVED, SCOPE_IOAPIC };

struct scope {
    enum scope_kind kind;
    uint32_t first, last;             /* requester ids */
    uint32_t alias;                   /* under which they appear; BH_NONE: their own */
    uint32_t ioapic;                  /* of an I/O APIC: its APIC id */
};

struct scopes {
    const char *wrong;                /* what is malformed or beyond the kernel; 0: nothing yet */
    bool     interrupt_remapping;
    bool     include_all;             /* a unit covers whatever isn't named */
    uint32_t unit_count, count;
    paddr_t  registers[SCOPE_MAX_UNITS];
    uint32_t unit_id[SCOPE_MAX_UNITS];    /* AMD-Vi: the unit's own requester id */
    struct scope scope[SCOPE_MAX];
};

/* For the parsers. */
void scopes_add(struct scopes *scopes, struct scope scope);
void scopes_add_unit(struct scopes *scopes, uint64_t registers, uint64_t segment, uint32_t id);
/* As bytes_next; false: there is no further one, or something is wrong. */
bool scopes_next(struct scopes *scopes, struct bytes all, uint32_t *offset, uint64_t length,
                 uint32_t shortest, struct bytes *part);
/* That, or what must be there and isn't; 0: all is right. */
const char *scopes_wrong(const struct scopes *scopes);

/* Why this requester can't be confined; 0: it can. */
const char *scopes_refuse(const struct scopes *scopes, uint32_t requester_id);
/* BH_NONE: unknown. */
uint32_t scopes_ioapic_requester(const struct scopes *scopes, uint32_t ioapic_id);
bool scopes_own_registers(const struct scopes *scopes, uint64_t base, uint64_t size);

/* dmar.c, ivrs.c: what the table says; 0, or what is malformed, missing or beyond the kernel. */
const char *dmar_parse(struct bytes table, struct scopes *scopes);
const char *ivrs_parse(struct bytes table, struct scopes *scopes);
