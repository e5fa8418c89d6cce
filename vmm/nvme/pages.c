/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of a command's data ("Physical Region Page Entry and List"): from what the guest wrote
 * to memory that may be used.
 */
#include "vmm/nvme/parts.h"

#include "lib/c/string.h"

static enum nvme_status add_page(const struct guest_memory *memory, uint8_t **page, uint64_t at) {
    *page = guest_page(memory, (struct gpa){ at });
    if (*page)
        return NVME_OK;
    return at % NVME_PAGE != 0 ? NVME_PRP_OFFSET : NVME_TRANSFER;
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* The entries at `list`: `count`, as many as are there. What memory there is is copied, as it can't
 * change on the way then. */
static enum nvme_status add_pages(const struct nvme *nvme, uint8_t **page, const uint64_t *list,
                                  uint32_t count) {
    const struct guest_memory memory = *nvme->memory;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = __atomic_load_n(&list[i], __ATOMIC_RELAXED);
        enum nvme_status status = add_page(&memory, &page[i], at);
        if (status != NVME_OK)
            return status;
    }
    return NVME_OK;
}

/* A list ends with its page, and the last entry there leads to the next one, if not all was told
 * yet. That one begins with its page, and holds all the rest. */
static enum nvme_status add_list(const struct nvme *nvme, uint8_t **page, uint64_t at,
                                 uint32_t entries) {
    if (at % sizeof(uint64_t) != 0)
        return NVME_PRP_OFFSET;
    uint32_t here = (uint32_t)((NVME_PAGE - at % NVME_PAGE) / sizeof(uint64_t));
    uint32_t first = entries <= here ? entries : here - 1;
    const uint64_t *list = (const void *)guest_range(nvme->memory, (struct gpa){ at },
                                                     least(entries, here) * sizeof(uint64_t));
    if (!list)
        return NVME_TRANSFER;
    enum nvme_status status = add_pages(nvme, page, list, first);
    if (first == entries)
        return status;
    uint64_t next = __atomic_load_n(&list[first], __ATOMIC_RELAXED);
    if (status != NVME_OK || next % NVME_PAGE != 0)
        return status != NVME_OK ? status : NVME_PRP_OFFSET;
    list = (const void *)guest_range(nvme->memory, (struct gpa){ next },
                                     (entries - first) * sizeof(uint64_t));
    return list ? add_pages(nvme, page + first, list, entries - first) : NVME_TRANSFER;
}
_Static_assert(NVME_PAGES * sizeof(uint64_t) <= NVME_PAGE, "a list has at most one more");

enum nvme_status nvme_find_pages(const struct nvme *nvme, const struct nvme_entry *entry,
                                 uint32_t bytes, struct nvme_pages *pages) {
    uint32_t room = NVME_PAGE - entry->prp1 % NVME_PAGE;
    uint32_t first = least(bytes, room);
    if (entry->prp1 % sizeof(uint32_t) != 0)
        return NVME_PRP_OFFSET;
    pages->first = first;
    pages->page[0] = guest_range(nvme->memory, (struct gpa){ entry->prp1 }, first);
    if (!pages->page[0])
        return NVME_TRANSFER;
    if (first == bytes)
        return NVME_OK;
    uint32_t further = (bytes - first + NVME_PAGE - 1) / NVME_PAGE;
    return further == 1 ? add_page(nvme->memory, &pages->page[1], entry->prp2)
                        : add_list(nvme, &pages->page[1], entry->prp2, further);
}

void nvme_gather(const struct nvme_pages *pages, void *to, uint32_t bytes) {
    uint32_t part = least(bytes, pages->first);
    uint8_t *at = to;
    for (uint32_t i = 0; bytes != 0; i++) {
        memcpy(at, pages->page[i], part);
        at += part;
        bytes -= part;
        part = least(bytes, NVME_PAGE);
    }
}

void nvme_scatter(const struct nvme_pages *pages, const void *from, uint32_t bytes) {
    uint32_t part = least(bytes, pages->first);
    const uint8_t *at = from;
    for (uint32_t i = 0; bytes != 0; i++) {
        memcpy(pages->page[i], at, part);
        at += part;
        bytes -= part;
        part = least(bytes, NVME_PAGE);
    }
}
