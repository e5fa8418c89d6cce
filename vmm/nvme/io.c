/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk's commands ("NVM Command Set"): each is a request to the backend, but for a
 * deallocation, which is one for each of its ranges or more, and a write that has to reach the
 * medium, which a flush follows.
 */
#include "vmm/nvme/parts.h"

/* ---- Requests ---- */

void nvme_forget(struct nvme *nvme) {
    backend_forget(&nvme->backend);
    nvme->in_work = nvme->flush_due = 0;
    nvme->shutdown_due = false;
    nvme->open = NVME_NO_REQUEST;
}

/* As many are in work as there are slots taken: whoever has a free slot finds one here. */
static uint32_t free_request(const struct nvme *nvme) {
    uint32_t free = ~nvme->in_work;
    return free == 0 ? 0 : (uint32_t)__builtin_ctz(free);
}

static struct nvme_request *open_request(struct nvme *nvme, uint32_t number, uint32_t sq,
                                         enum block_kind kind) {
    struct nvme_request *request = &nvme->request[number];
    nvme->in_work |= 1u << number;
    request->kind = kind;
    request->sq = (uint8_t)sq;
    request->pieces = 0;
    request->forced = request->failed = false;
    return request;
}

static void add_piece(struct nvme *nvme, uint32_t number, uint32_t tag) {
    nvme->request[number].pieces++;
    nvme->request_of[tag] = (uint8_t)number;
}

static void submit(struct nvme *nvme, uint32_t number, uint32_t tag, uint64_t sector,
                   uint32_t count) {
    add_piece(nvme, number, tag);
    backend_submit(&nvme->backend, tag, nvme->request[number].kind, sector, count);
}

/* A read or a write: its data is listed, or lies in the slot's area. */
static void submit_transfer(struct nvme *nvme, uint32_t number, uint32_t tag, uint64_t sector,
                            uint32_t count) {
    struct nvme_request *request = &nvme->request[number];
    uint32_t bytes = count * BLOCK_SECTOR;
    if (!backend_is_direct(&nvme->backend)) {
        if (request->kind == BLOCK_WRITE)
            nvme_gather(&request->pages, backend_data(&nvme->backend, tag), bytes);
        submit(nvme, number, tag, sector, count);
        return;
    }
    add_piece(nvme, number, tag);
    backend_list_pages(&nvme->backend, tag, request->pages.page, request->pages.first, bytes);
    backend_submit_listed(&nvme->backend, tag, request->kind, sector, count);
}

static void submit_flush(struct nvme *nvme, uint32_t tag) {
    uint32_t number = (uint32_t)__builtin_ctz(nvme->flush_due);
    nvme->flush_due &= nvme->flush_due - 1;
    nvme->request[number].kind = BLOCK_FLUSH;
    submit(nvme, number, tag, 0, 0);
}

/* The driver's farewell is over when what it wrote is on the medium ("Shutdown"). */
static void submit_shutdown(struct nvme *nvme, uint32_t tag) {
    uint32_t number = free_request(nvme);
    nvme->shutdown_due = false;
    open_request(nvme, number, NVME_SHUTDOWN, BLOCK_FLUSH);
    submit(nvme, number, tag, 0, 0);
}

static void end_shutdown(struct nvme *nvme) {
    nvme->status = (nvme->status & ~CSTS_SHST_BUSY) | CSTS_SHST_DONE;
}

/* The rest of a deallocation isn't asked for any more. */
static void close_request(struct nvme *nvme) {
    if (nvme->request[nvme->open].pieces == 0)
        nvme->in_work &= ~(1u << nvme->open);
    nvme->open = NVME_NO_REQUEST;
}

void nvme_disown(struct nvme *nvme, uint32_t sq) {
    for (uint32_t i = 0; i < BACKEND_SLOTS; i++) {
        if (!(nvme->in_work >> i & 1) || nvme->request[i].sq != sq)
            continue;
        nvme->request[i].sq = NVME_NOBODY;
        nvme_unclaim(nvme, sq);
        if (i == nvme->open)
            close_request(nvme);
    }
}

bool nvme_reaches_nobodys(const struct nvme *nvme) {
    if (!backend_is_direct(&nvme->backend))
        return false;
    for (uint32_t left = nvme->in_work; left != 0; left &= left - 1)
        if (nvme->request[__builtin_ctz(left)].sq == NVME_NOBODY)
            return true;
    return false;
}

/* ---- Deallocation ---- */

/* Empty ranges are none. */
static void find_range(struct nvme *nvme) {
    nvme->range_asked = 0;
    while (nvme->range_next < nvme->ranges && nvme->range[nvme->range_next].sectors == 0)
        nvme->range_next++;
    if (nvme->range_next == nvme->ranges)
        nvme->open = NVME_NO_REQUEST;
}

static void submit_range(struct nvme *nvme, uint32_t tag) {
    struct nvme_range *range = &nvme->range[nvme->range_next];
    uint32_t left = range->sectors - nvme->range_asked;
    uint32_t count = left < BLOCK_DISCARD_MOST ? left : BLOCK_DISCARD_MOST;
    submit(nvme, nvme->open, tag, range->sector + nvme->range_asked, count);
    nvme->range_asked += count;
    if (count < left)
        return;
    nvme->range_next++;
    find_range(nvme);
}

static bool ranges_are_good(const struct nvme *nvme) {
    for (uint32_t i = 0; i < nvme->ranges; i++)
        if (!block_within(nvme->range[i].sector, nvme->range[i].sectors, nvme->backend.sectors))
            return false;
    return true;
}

/* Of the other attributes, which are hints, we take none. *over: there is nothing to do. */
__attribute__((noinline))
static enum nvme_status begin_dataset(struct nvme *nvme, uint32_t number, uint32_t sq,
                                      const struct nvme_entry *entry, bool *over) {
    uint32_t ranges = (entry->dword10 & DATASET_RANGES) + 1;
    struct nvme_pages pages;
    if (!nvme->backend.discards)
        return NVME_BAD_OPCODE;
    if (nvme->backend.readonly)
        return NVME_WRITE_PROTECTED;
    enum nvme_status status = nvme_find_pages(nvme, entry, ranges * sizeof(struct nvme_range),
                                              &pages);
    if (status != NVME_OK)
        return status;
    nvme_gather(&pages, nvme->range, ranges * sizeof(struct nvme_range));
    nvme->ranges = ranges;
    nvme->range_next = 0;
    if (!ranges_are_good(nvme))
        return NVME_LBA_RANGE;
    nvme->open = number;
    find_range(nvme);
    *over = nvme->open == NVME_NO_REQUEST || !(entry->dword11 & DATASET_DEALLOCATE);
    if (*over)
        nvme->open = NVME_NO_REQUEST;
    else
        open_request(nvme, number, sq, BLOCK_DISCARD)->id = (uint16_t)(entry->control >>
                                                                       CONTROL_ID_SHIFT);
    return NVME_OK;
}

/* ---- Commands ---- */

static bool writes_through(const struct nvme *nvme, const struct nvme_entry *entry) {
    return (entry->dword12 & IO_FORCED) || nvme->feature[FEATURE_CACHE] == 0;
}

static enum nvme_status begin_transfer(struct nvme *nvme, uint32_t number, uint32_t sq,
                                       uint32_t tag, const struct nvme_entry *entry,
                                       enum block_kind kind) {
    uint64_t sector = entry->dword10 | (uint64_t)entry->dword11 << 32;
    uint32_t count = (entry->dword12 & IO_COUNT) + 1;
    struct nvme_request *request = &nvme->request[number];
    if (!nvme_count_good(count))
        return NVME_BAD_FIELD;
    if (!block_within(sector, count, nvme->backend.sectors))
        return NVME_LBA_RANGE;
    if (kind == BLOCK_WRITE && nvme->backend.readonly)
        return NVME_WRITE_PROTECTED;
    enum nvme_status status = nvme_find_pages(nvme, entry, count * BLOCK_SECTOR, &request->pages);
    if (status != NVME_OK)
        return status;
    open_request(nvme, number, sq, kind);
    request->id = (uint16_t)(entry->control >> CONTROL_ID_SHIFT);
    request->forced = kind == BLOCK_WRITE && writes_through(nvme, entry);
    submit_transfer(nvme, number, tag, sector, count);
    return NVME_OK;
}

static enum nvme_status begin_flush(struct nvme *nvme, uint32_t number, uint32_t sq, uint32_t tag,
                                    const struct nvme_entry *entry) {
    open_request(nvme, number, sq, BLOCK_FLUSH)->id = (uint16_t)(entry->control >>
                                                                 CONTROL_ID_SHIFT);
    submit(nvme, number, tag, 0, 0);
    return NVME_OK;
}

static bool names_namespace(const struct nvme_entry *entry) {
    bool all = entry->namespace == UINT32_MAX &&
               (entry->control & CONTROL_OPCODE) == IO_FLUSH;
    return entry->namespace == 1 || all;
}

static enum nvme_status begin(struct nvme *nvme, uint32_t sq, uint32_t tag,
                              const struct nvme_entry *entry, bool *over) {
    uint32_t number = free_request(nvme);
    if (entry->control & CONTROL_RULES)
        return NVME_BAD_FIELD;
    if (!names_namespace(entry))
        return NVME_BAD_NAMESPACE;
    switch (entry->control & CONTROL_OPCODE) {
    case IO_READ: return begin_transfer(nvme, number, sq, tag, entry, BLOCK_READ);
    case IO_WRITE: return begin_transfer(nvme, number, sq, tag, entry, BLOCK_WRITE);
    case IO_FLUSH: return begin_flush(nvme, number, sq, tag, entry);
    case IO_DATASET: return begin_dataset(nvme, number, sq, entry, over);
    default: return NVME_BAD_OPCODE;
    }
}

/* The first queue of these with a command; 0: none. */
static uint32_t first_queue(struct nvme *nvme, uint32_t queues) {
    for (; queues != 0; queues &= queues - 1) {
        uint32_t number = (uint32_t)__builtin_ctz(queues);
        if (nvme_has_command(nvme, number))
            return number;
    }
    return 0;
}

/* The next one in turn: one after the other, each as long as it has some; 0: none. */
static uint32_t next_queue(struct nvme *nvme) {
    uint32_t all = nvme->queues & ~1u;
    uint32_t later = all & ~0u << nvme->turn;
    uint32_t number = first_queue(nvme, later);
    if (number == 0)
        number = first_queue(nvme, all & ~later);
    nvme->turn = number;
    return number;
}

static bool take_command(struct nvme *nvme, uint32_t tag) {
    uint32_t sq = next_queue(nvme);
    struct nvme_entry entry;
    bool over = false;
    if (sq == 0)
        return false;
    nvme_fetch(nvme, sq, &entry);
    enum nvme_status status = begin(nvme, sq, tag, &entry, &over);
    if (status != NVME_OK || over)
        nvme_post(nvme, sq, (uint16_t)(entry.control >> CONTROL_ID_SHIFT), status, 0);
    return true;
}

bool nvme_take_commands(struct nvme *nvme, unsigned budget) {
    nvme->turn = (nvme->turn + 1) % NVME_QUEUES;
    for (unsigned i = 0; i < budget; i++) {
        uint32_t tag = backend_free(&nvme->backend);
        if (tag == BACKEND_SLOTS)
            return false;
        if (nvme->flush_due != 0)
            submit_flush(nvme, tag);
        else if (nvme->open != NVME_NO_REQUEST)
            submit_range(nvme, tag);
        else if (nvme->shutdown_due)
            submit_shutdown(nvme, tag);
        else if (!take_command(nvme, tag))
            return false;
    }
    return true;
}

/* ---- Answers ---- */

static void end_request(struct nvme *nvme, uint32_t number) {
    struct nvme_request *request = &nvme->request[number];
    enum nvme_status failure = request->kind == BLOCK_READ ? NVME_READ_ERROR : NVME_WRITE_FAULT;
    nvme->in_work &= ~(1u << number);
    if (request->sq < NVME_QUEUES)
        nvme_post(nvme, request->sq, request->id, request->failed ? failure : NVME_OK, 0);
    else if (request->sq == NVME_SHUTDOWN)
        end_shutdown(nvme);
}

/* What comes while the driver may not be served (`ready`) is lost. */
static void complete(struct nvme *nvme, uint32_t tag, bool good, bool ready) {
    uint32_t number = nvme->request_of[tag];
    struct nvme_request *request = &nvme->request[number];
    if (!ready && request->sq < NVME_QUEUES) {
        nvme_unclaim(nvme, request->sq);
        request->sq = NVME_NOBODY;
    }
    request->pieces--;
    request->failed |= !good;
    if (request->kind == BLOCK_READ && good && request->sq < NVME_QUEUES &&
        !backend_listed(&nvme->backend, tag))
        nvme_scatter(&request->pages, backend_data(&nvme->backend, tag),
                     backend_count(&nvme->backend, tag) * BLOCK_SECTOR);
    if (request->pieces != 0 || number == nvme->open)
        return;
    if (request->forced && !request->failed) {
        request->forced = nvme->armed = false;
        nvme->flush_due |= 1u << number;
        return;
    }
    end_request(nvme, number);
}

/* A driver that knows the disk's size is told of another one. */
static void learn(struct nvme *nvme) {
    if (nvme->told_sectors == 0 || nvme->told_sectors == nvme->backend.sectors)
        return;
    nvme->changed = true;
    nvme->events |= EVENT_NAMESPACE;
}

bool nvme_take_answers(struct nvme *nvme, unsigned budget, bool ready) {
    struct backend_answer answer;
    for (unsigned i = 0; i < budget; i++) {
        if (!backend_take(&nvme->backend, &answer))
            return false;
        if (answer.event == BACKEND_DONE)
            complete(nvme, answer.tag, answer.good, ready);
        else if (answer.event == BACKEND_CHANGED)
            learn(nvme);
    }
    return true;
}
