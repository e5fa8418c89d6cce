/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions that the compiler itself calls; contracts as in C11 7.24. */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
