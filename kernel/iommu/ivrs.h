/* SPDX-License-Identifier: BSD-2-Clause */
/* The IVRS table (AMD I/O Virtualization Technology specification 48882, 3.07, section 5.2). */
#pragma once

#include "iommu/scope.h"

/* 0, or what is malformed, missing or more than the kernel has room for. */
const char *ivrs_parse(const void *table, uint32_t length, struct scopes *scopes);
