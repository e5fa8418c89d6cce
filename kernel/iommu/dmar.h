/* SPDX-License-Identifier: BSD-2-Clause */
/* The DMAR table (VT-d specification 3.3, chapter 8). */
#pragma once

#include "iommu/scope.h"

/* 0, or what is malformed, missing or more than the kernel has room for. */
const char *dmar_parse(const void *table, uint32_t length, struct scopes *scopes);
