/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk model's link to the block multiplexer.
 */
#include "vmm/backend.h"

#include "vmm/peers.h"

static uint64_t *list_of(const struct backend *backend, uint32_t tag) {
    return backend->lists + tag * (BLOCK_LIST / sizeof(*backend->lists));
}

/* What was listed is the guest's again: a server that names the list once more gets nothing. */
static void take_back(const struct backend *backend, uint32_t tag) {
    __atomic_store_n(list_of(backend, tag), UINT64_MAX, __ATOMIC_RELEASE);
}

void backend_create(struct backend *backend) {
    for (uint32_t tag = 0; backend_is_direct(backend) && tag < BACKEND_SLOTS; tag++)
        take_back(backend, tag);
    uint64_t slots = backend->link.out_size / BACKEND_SLOT;
    backend->slots = slots < BACKEND_SLOTS ? (uint32_t)slots : BACKEND_SLOTS;
    backend_forget(backend);
}

void backend_forget(struct backend *backend) {
    for (unsigned i = 0; i < BACKEND_SLOTS; i++)
        backend->request[i].abandoned = true;
}

bool backend_quiet(const struct backend *backend) {
    for (unsigned i = 0; i < backend->slots; i++)
        if (backend_under_way(backend, i) && backend->request[i].abandoned)
            return false;
    return true;
}

/* A new server knows nothing of what was under way. */
void backend_check(struct backend *backend) {
    enum ring_event event = ring_check(&backend->link);
    backend->armed = false;
    ring_disarm(&backend->link);
    if (event != RING_NEW)
        return;
    for (unsigned i = 0; i < backend->slots; i++)
        if (backend_under_way(backend, i) && ring_space(&backend->link) > 0)
            ring_put(&backend->link, backend->request[i].message);
}

static uint32_t free_slot(const struct backend *backend) {
    uint32_t free = ~backend->under_way;
    uint32_t first = free == 0 ? BACKEND_SLOTS : (uint32_t)__builtin_ctz(free);
    return first < backend->slots ? first : BACKEND_SLOTS;
}

uint32_t backend_free(struct backend *backend) {
    return ring_has_space(&backend->link) ? free_slot(backend) : BACKEND_SLOTS;
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Pages but for the beginning of the first and the end of the last one (NVMe 4.3). So a slot's size
 * has no more of them than a list. After the last one stands that nothing follows: what an older
 * list named there is the guest's again. */
bool backend_list(const struct backend *backend, uint32_t tag, const struct guest_buffer *buffer,
                  uint32_t skip, uint32_t size) {
    uint64_t *list = list_of(backend, tag);
    uint64_t odd = sizeof(uint32_t) - 1;
    for (; skip >= buffer->size; buffer++)
        skip -= buffer->size;
    for (; size > 0; buffer++) {
        uint32_t part = least(buffer->size - skip, size);
        uint64_t at = guest_offset(backend->memory, buffer->bytes + skip);
        uint64_t end = at + part;
        size -= part;
        if ((at & odd) || (size > 0 && end % BLOCK_PAGE != 0)) {
            take_back(backend, tag);
            return false;
        }
        for (; at < end; at = (at | (BLOCK_PAGE - 1)) + 1)
            *list++ = at;
        skip = 0;
        odd = BLOCK_PAGE - 1;
    }
    *list = UINT64_MAX;
    return true;
}

void backend_list_pages(const struct backend *backend, uint32_t tag, uint8_t *const *page,
                        uint32_t first, uint32_t size) {
    const struct guest_memory memory = *backend->memory;
    uint64_t *list = list_of(backend, tag);
    uint32_t further = size <= first ? 0 : (size - first + BLOCK_PAGE - 1) / BLOCK_PAGE;
    for (uint32_t i = 0; i <= further; i++)
        list[i] = guest_offset(&memory, page[i]);
    list[further + 1] = UINT64_MAX;
}

static void submit(struct backend *backend, uint32_t tag, struct ring_descriptor message) {
    backend->request[tag] = (struct backend_request){ .message = message };
    backend->under_way |= 1u << tag;
    ring_put(&backend->link, message);
}

void backend_submit(struct backend *backend, uint32_t tag, enum block_kind kind, uint64_t sector,
                    uint32_t count) {
    submit(backend, tag, (struct ring_descriptor){
        .kind = (uint8_t)kind, .offset = tag * BACKEND_SLOT, .length = (uint16_t)count,
        .extra = block_extra(sector, tag) });
}

void backend_submit_listed(struct backend *backend, uint32_t tag, enum block_kind kind,
                           uint64_t sector, uint32_t count) {
    submit(backend, tag, (struct ring_descriptor){
        .kind = (uint8_t)kind, .port = BLOCK_LISTED, .offset = tag * BLOCK_LIST,
        .length = (uint16_t)count, .extra = block_extra(sector, tag) });
}

static void learn(struct backend *backend, struct ring_descriptor info) {
    backend->sectors = info.extra & BLOCK_LBA_MASK;
    backend->readonly |= (info.length & BLOCK_INFO_READONLY) != 0;
    backend->discards = (info.length & BLOCK_INFO_DISCARD) != 0;
    backend->known = true;
}

/* A tag that isn't under way, or a kind that isn't known, is the server's mistake and changes
 * nothing. */
bool backend_take(struct backend *backend, struct backend_answer *answer) {
    if (!ring_has_more(&backend->link))
        return false;
    struct ring_descriptor message = ring_get(&backend->link);
    uint32_t tag = block_tag(message);
    ring_done(&backend->link, 1);
    *answer = (struct backend_answer){ .tag = tag, .good = message.offset == BLOCK_OK };
    if (message.kind == BLOCK_INFO) {
        learn(backend, message);
        answer->event = BACKEND_CHANGED;
    } else if (peers_answer_good(backend, message)) {
        backend->under_way &= ~(1u << tag % BACKEND_SLOTS);
        if (backend_listed(backend, tag))
            take_back(backend, tag);
        answer->event = backend->request[tag].abandoned ? BACKEND_NOTHING : BACKEND_DONE;
    }
    return true;
}

/* An honest server has no more to say than an answer for each slot, and what disk there is. */
bool backend_stop(struct backend *backend) {
    struct backend_answer answer;
    unsigned budget = 2 * BACKEND_SLOTS;
    if (!backend_is_direct(backend))
        return true;
    do {
        backend_check(backend);
        while (budget > 0 && backend_take(backend, &answer))
            budget--;
        ring_flush(&backend->link);
    } while (!backend_settle(backend, false) && budget > 0);
    return backend->known && backend->under_way == 0;
}

void backend_flush(struct backend *backend, uint32_t *last) {
    ring_flush_messages(&backend->link, last);
}

/* Without a free slot the next answer wakes us; without room in the ring, the next release. */
bool backend_settle(struct backend *backend, bool has_requests) {
    if (!backend->armed)
        backend->armed = ring_sleep(&backend->link);
    if (!has_requests || !ring_up(&backend->link) || free_slot(backend) == BACKEND_SLOTS)
        return backend->armed;
    return backend->armed && ring_space(&backend->link) == 0 && ring_await_space(&backend->link);
}
