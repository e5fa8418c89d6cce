/* SPDX-License-Identifier: BSD-2-Clause */
/* The fault side of VT-d, for tests that don't look at it. */
#include "iommu/vtd.h"

void vtd_fault_install(const struct vtd_unit *unit) {
    (void)unit;
}
