/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of ranges. All numbers come from the boot loader or the plan: nothing may overflow. */
#include "core/boot_ranges.h"

#include "abi/base.h"

/* The end of a range, at most that of the last page. */
static uint64_t end_of(uint64_t base, uint64_t size) {
    uint64_t last = UINT64_MAX - BH_PAGE_SIZE + 1;

    return base > last || size > last - base ? last : base + size;
}

static uint64_t page_down(uint64_t value) { return value - value % BH_PAGE_SIZE; }

static uint64_t page_up(uint64_t value) { return page_down(value + BH_PAGE_SIZE - 1); }

static bool append(struct ranges *ranges, uint64_t base, uint64_t end) {
    if (end <= base)
        return true;
    if (ranges->count == RANGES_MAX)
        return false;
    ranges->range[ranges->count++] = (struct range){ base, end - base };
    return true;
}

bool ranges_add(struct ranges *ranges, uint64_t base, uint64_t size) {
    uint64_t first = page_up(end_of(base, 0)), end = page_down(end_of(base, size));

    return end <= first || (!ranges_touch(ranges, first, end - first)
                            && append(ranges, first, end));
}

bool ranges_remove(struct ranges *ranges, uint64_t base, uint64_t size) {
    uint64_t first = page_down(base), end = page_up(end_of(base, size));
    uint32_t count = ranges->count;    /* what is appended lies outside */

    for (uint32_t i = 0; i < count; i++) {
        struct range *r = &ranges->range[i];
        uint64_t r_end = r->base + r->size;
        if (r_end <= first || r->base >= end)
            continue;
        if (r->base >= first)
            *r = r_end > end ? (struct range){ end, r_end - end } : (struct range){ end, 0 };
        else if (append(ranges, end, r_end))
            r->size = first - r->base;
        else
            return false;
    }
    return true;
}

bool ranges_cut(struct ranges *ranges, uint64_t size, uint64_t alignment, uint64_t *base) {
    for (uint32_t i = 0; i < ranges->count; i++) {
        struct range r = ranges->range[i];
        uint64_t skip = (alignment - r.base % alignment) % alignment;
        if (skip > r.size || size > r.size - skip)
            continue;
        *base = r.base + skip;
        return ranges_remove(ranges, *base, size);
    }
    return false;
}

bool ranges_touch(const struct ranges *ranges, uint64_t base, uint64_t size) {
    uint64_t end = end_of(base, size);

    for (uint32_t i = 0; i < ranges->count; i++) {
        const struct range *r = &ranges->range[i];
        if (r->base < end && base < r->base + r->size)
            return true;
    }
    return false;
}

uint64_t ranges_total(const struct ranges *ranges) {
    uint64_t total = 0;

    for (uint32_t i = 0; i < ranges->count; i++)
        total += ranges->range[i].size;
    return total;
}
