/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom each compartment has to trust besides the kernel and the plan, computed from the plan: the
 * transitive closure of "can break it". Two questions, as they have different answers:
 *   memory    who may write memory that belongs to it, or has a device that no IOMMU holds
 *   service   who can stop what it offers: its servers (by links) and its supervisors
 */
#ifndef TOOLS_BULKHEAD_TRUST_H
#define TOOLS_BULKHEAD_TRUST_H

#include "system.h"

enum trust_kind { TRUST_MEMORY, TRUST_SERVICE, TRUST_KINDS };

struct trust {
    uint64_t of[TRUST_KINDS][BH_MAX_COMPARTMENTS];  /* bit n: it has to trust compartment n */
};

void trust_compute(const struct system *system, struct trust *trust);

#endif
