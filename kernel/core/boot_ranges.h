/* SPDX-License-Identifier: BSD-2-Clause */
/* Disjoint, page-aligned ranges of numbers, in no order; some may be empty. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RANGES_MAX 256u

struct range { uint64_t base, size; };

struct ranges {
    struct range range[RANGES_MAX];
    uint32_t count;
};

/* Adds the whole pages of [base, base + size); they touch no range so far (else, or when the
 * list is full: false). */
bool ranges_add(struct ranges *ranges, uint64_t base, uint64_t size);

/* Takes out every page that [base, base + size) touches. False: the list is full. */
bool ranges_remove(struct ranges *ranges, uint64_t base, uint64_t size);

/* Cuts `size` bytes, aligned, from the first range where they fit. */
bool ranges_cut(struct ranges *ranges, uint64_t size, uint64_t alignment, uint64_t *base);

bool ranges_touch(const struct ranges *ranges, uint64_t base, uint64_t size);
uint64_t ranges_total(const struct ranges *ranges);
