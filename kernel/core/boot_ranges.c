/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of ranges. All numbers come from the boot loader or the plan: nothing may overflow. */
#include "core/boot_ranges.h"

#include "abi/base.h"

/* The end of a range, at most that of the last page. */
static uint64_t end_of(uint64_t base, uint64_t size)
{
    uint64_t last = UINT64_MAX - BH_PAGE_SIZE + 1;

    return base > last || size > last - base ? last : base + size;
}

static uint64_t page_down(uint64_t value)
{
    return value - value % BH_PAGE_SIZE;
}

static uint64_t page_up(uint64_t value)
{
    return page_down(value + BH_PAGE_SIZE - 1);
}

static bool insert(struct ranges *ranges, uint32_t at, uint64_t base, uint64_t end)
{
    if (end <= base)
        return true;
    if (ranges->count == RANGES_MAX)
        return false;
    for (uint32_t i = ranges->count; i > at; i--)
        ranges->range[i] = ranges->range[i - 1];
    ranges->range[at] = (struct range){ base, end - base };
    ranges->count++;
    return true;
}

static void erase(struct ranges *ranges, uint32_t at)
{
    for (uint32_t i = at; i + 1 < ranges->count; i++)
        ranges->range[i] = ranges->range[i + 1];
    ranges->count--;
}

bool ranges_add(struct ranges *ranges, uint64_t base, uint64_t size)
{
    uint64_t first = page_up(end_of(base, 0)), end = page_down(end_of(base, size));
    uint32_t at = 0;

    if (end <= first)
        return true;
    if (ranges_touch(ranges, first, end - first))
        return false;
    while (at < ranges->count && ranges->range[at].base < first)
        at++;
    return insert(ranges, at, first, end);
}

bool ranges_remove(struct ranges *ranges, uint64_t base, uint64_t size)
{
    uint64_t first = page_down(base), end = page_up(end_of(base, size));

    for (uint32_t i = ranges->count; i-- > 0;) {
        struct range old = ranges->range[i];
        uint64_t old_end = old.base + old.size;
        if (old_end <= first || old.base >= end)
            continue;
        erase(ranges, i);
        if (old_end > end && !insert(ranges, i, end, old_end))
            return false;
        if (old.base < first && !insert(ranges, i, old.base, first))
            return false;
    }
    return true;
}

bool ranges_cut(struct ranges *ranges, uint64_t size, uint64_t alignment, uint64_t *base)
{
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

bool ranges_touch(const struct ranges *ranges, uint64_t base, uint64_t size)
{
    uint64_t end = end_of(base, size);

    for (uint32_t i = 0; i < ranges->count; i++) {
        const struct range *r = &ranges->range[i];
        if (r->base < end && base < r->base + r->size)
            return true;
    }
    return false;
}

uint64_t ranges_total(const struct ranges *ranges)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < ranges->count; i++)
        total += ranges->range[i].size;
    return total;
}
