/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four-level tables of 512 entries: map, unmap, look up. Entries are read and written through the
 * table format; physical memory through physical_at(). Written without recursion: a walk keeps the
 * tables of its way down in an array by level.
 */
#include "core/space_table.h"

#include "core/boot_memory.h"
#include "core/string.h"

#define ENTRIES 512u
#define TOP     3u

struct walk {
    uint64_t *entry[TOP + 1];          /* by level; null below where the walk ended */
    unsigned  level;                   /* of the last entry reached */
};

static uint64_t level_size(unsigned level) { return (uint64_t)BH_PAGE_SIZE << 9 * level; }

static uint64_t *entry_of(paddr_t table, uint64_t address, unsigned level) {
    uint64_t *entries = physical_at(table, BH_PAGE_SIZE);

    return &entries[address / level_size(level) % ENTRIES];
}

static void set_entry(const struct space_table *space, uint64_t *entry, uint64_t value) {
    *(volatile uint64_t *)entry = value;
    table_written(space->format, entry, sizeof *entry);
}

/* Down to the entry of `lowest`, or to a leaf or an absent entry above it. */
static struct walk walk_to(const struct space_table *space, uint64_t address, unsigned lowest) {
    struct walk w = { .level = TOP };
    paddr_t table = space->root;

    for (unsigned level = TOP;; level--) {
        uint64_t *entry = entry_of(table, address, level);
        w.entry[level] = entry;
        w.level = level;
        if (level == lowest || *entry == 0
            || table_entry_is_leaf(space->format, *entry, level))
            return w;
        table = table_entry_target(*entry);
    }
}

static bool take_pool_page(struct space_table *space, paddr_t *page) {
    for (uint32_t i = 0; i < space->pool_pages; i++) {
        if (space->pool_used & 1ull << i)
            continue;
        space->pool_used |= 1ull << i;
        *page = paddr_add(space->pool, (uint64_t)i * BH_PAGE_SIZE);
        memset(physical_at(*page, BH_PAGE_SIZE), 0, BH_PAGE_SIZE);
        return true;
    }
    return false;
}

static bool take_table(struct space_table *space, paddr_t *page) {
    if (!space->sealed)
        *page = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "a table of an address space");
    else if (!take_pool_page(space, page))
        return false;
    table_written(space->format, physical_at(*page, BH_PAGE_SIZE), BH_PAGE_SIZE);
    return true;
}

static bool in_pool(const struct space_table *space, paddr_t page) {
    return page.value >= space->pool.value
           && page.value - space->pool.value < (uint64_t)space->pool_pages * BH_PAGE_SIZE;
}

static bool table_is_empty(paddr_t table) {
    const uint64_t *entries = physical_at(table, BH_PAGE_SIZE);

    for (uint32_t i = 0; i < ENTRIES; i++)
        if (entries[i] != 0)
            return false;
    return true;
}

/* The largest leaf for what is left of an extent. */
static unsigned leaf_level(enum table_format format, uint64_t address, uint64_t target,
                           uint64_t size) {
    unsigned level = table_largest_leaf(format);

    while (level > 0 && ((address | target) % level_size(level) != 0 || size < level_size(level)))
        level--;
    return level;
}

static enum bh_status map_leaf(struct space_table *space, uint64_t address, unsigned lowest,
                               uint64_t leaf) {
    for (unsigned step = 0; step <= TOP; step++) {
        struct walk w = walk_to(space, address, lowest);
        uint64_t *entry = w.entry[w.level];
        paddr_t page;

        if (*entry != 0)
            return BH_E_ARGUMENT;
        if (w.level == lowest) {
            set_entry(space, entry, leaf);
            return BH_OK;
        }
        if (!take_table(space, &page))
            return BH_E_SPACE;
        set_entry(space, entry, table_entry_table(space->format, page, w.level));
    }
    return BH_E_ARGUMENT;
}

enum bh_status space_table_map(struct space_table *space, const struct extent *extent) {
    for (uint64_t done = 0; done < extent->size;) {
        uint64_t address = extent->address + done;
        paddr_t target = paddr_add(extent->target, done);
        unsigned level = leaf_level(space->format, address, target.value, extent->size - done);
        uint64_t leaf = table_entry_leaf(space->format, target, level, extent->rights,
                                         extent->cache);
        enum bh_status status = map_leaf(space, address, level, leaf);
        if (status != BH_OK)
            return status;
        done += level_size(level);
    }
    return BH_OK;
}

/* Gives back the tables on the walk's way that are of the pool and empty now. */
static void prune(struct space_table *space, const struct walk *w) {
    for (unsigned level = w->level + 1; level <= TOP; level++) {
        paddr_t table = table_entry_target(*w->entry[level]);
        if (!in_pool(space, table) || !table_is_empty(table))
            return;
        set_entry(space, w->entry[level], 0);
        space->pool_used &= ~(1ull << (table.value - space->pool.value) / BH_PAGE_SIZE);
    }
}

void space_table_unmap(struct space_table *space, uint64_t address, uint64_t size) {
    for (uint64_t done = 0; done < size;) {
        struct walk w = walk_to(space, address + done, 0);
        uint64_t step = level_size(w.level) - (address + done) % level_size(w.level);

        if (*w.entry[w.level] != 0)
            set_entry(space, w.entry[w.level], 0);
        prune(space, &w);
        done += step;
    }
}

bool space_table_touches(const struct space_table *space, uint64_t address, uint64_t size) {
    for (uint64_t done = 0; done < size;) {
        struct walk w = walk_to(space, address + done, 0);

        if (*w.entry[w.level] != 0)
            return true;
        done += level_size(w.level) - (address + done) % level_size(w.level);
    }
    return false;
}

void space_table_create(struct space_table *space, enum table_format format) {
    *space = (struct space_table){ .format = format };
    space->root = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "the root of an address space");
    table_root_prepare(format, physical_at(space->root, BH_PAGE_SIZE));
    table_written(format, physical_at(space->root, BH_PAGE_SIZE), BH_PAGE_SIZE);
}

void space_table_seal(struct space_table *space, uint32_t pool_pages) {
    space->pool_pages = pool_pages < SPACE_POOL_PAGES ? pool_pages : SPACE_POOL_PAGES;
    if (space->pool_pages > 0)
        space->pool = boot_memory_take((uint64_t)space->pool_pages * BH_PAGE_SIZE, BH_PAGE_SIZE,
                                       "table pages for guest_place");
    space->sealed = true;
}
