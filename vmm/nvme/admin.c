/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin queue's commands ("Admin Command Set"), but for those that have files of their own.
 */
#include "vmm/nvme/parts.h"

/* Its completion comes some time, not now. */
#define HELD ((enum nvme_status)0xffff)

/* ---- Queues ---- */

enum { QUEUE_ID = 0xffff, SIZE_SHIFT = 16, OTHER_SHIFT = 16 };

static uint32_t queue_of(const struct nvme_entry *entry) {
    return entry->dword10 & QUEUE_ID;
}

static bool is_io_queue(uint32_t number) {
    return number != 0 && nvme_number_good(number);
}

static bool has_sq(const struct nvme *nvme, uint32_t number) {
    return is_io_queue(number) && nvme->sq[number].entries;
}

static bool has_cq(const struct nvme *nvme, uint32_t number) {
    return is_io_queue(number) && nvme->cq[number].entries;
}

static uint32_t size_of(const struct nvme_entry *entry) {
    return (entry->dword10 >> SIZE_SHIFT) + 1;
}

/* What both kinds of queue need. */
static enum nvme_status check_queue(const struct nvme_entry *entry) {
    if (!is_io_queue(queue_of(entry)))
        return NVME_BAD_QUEUE;
    if (size_of(entry) < 2 || size_of(entry) > NVME_QUEUE_SIZE)
        return NVME_BAD_QUEUE_SIZE;
    if (!(entry->dword11 & CREATE_CONTIGUOUS))
        return NVME_BAD_FIELD;
    return entry->prp1 % NVME_PAGE == 0 ? NVME_OK : NVME_PRP_OFFSET;
}

static enum nvme_status create_cq(struct nvme *nvme, const struct nvme_entry *entry) {
    uint32_t number = queue_of(entry);
    uint32_t vector = entry->dword11 >> OTHER_SHIFT;
    enum nvme_status status = check_queue(entry);
    if (status != NVME_OK)
        return status;
    if (has_cq(nvme, number))
        return NVME_BAD_QUEUE;
    if (vector >= NVME_QUEUES)
        return NVME_BAD_VECTOR;
    if (!nvme_open_cq(nvme, number, entry->prp1, size_of(entry)))
        return NVME_TRANSFER;
    nvme->cq[number].vector = vector;
    nvme->cq[number].interrupts = (entry->dword11 & CREATE_INTERRUPTS) != 0;
    return NVME_OK;
}

static enum nvme_status create_sq(struct nvme *nvme, const struct nvme_entry *entry) {
    uint32_t number = queue_of(entry);
    uint32_t cq = entry->dword11 >> OTHER_SHIFT;
    enum nvme_status status = check_queue(entry);
    if (status != NVME_OK)
        return status;
    if (has_sq(nvme, number))
        return NVME_BAD_QUEUE;
    if (!has_cq(nvme, cq))
        return NVME_BAD_CQ;
    return nvme_open_sq(nvme, number, entry->prp1, size_of(entry), cq) ? NVME_OK : NVME_TRANSFER;
}

static enum nvme_status delete_sq(struct nvme *nvme, const struct nvme_entry *entry) {
    uint32_t number = queue_of(entry);
    if (!has_sq(nvme, number))
        return NVME_BAD_QUEUE;
    nvme_disown(nvme, number);
    nvme->sq[number] = (struct nvme_sq){ 0 };
    nvme->queues &= ~(1u << number);
    nvme->deleting = nvme_reaches_nobodys(nvme);
    nvme->deletion = (uint16_t)(entry->control >> CONTROL_ID_SHIFT);
    return nvme->deleting ? HELD : NVME_OK;
}

static enum nvme_status delete_cq(struct nvme *nvme, const struct nvme_entry *entry) {
    uint32_t number = queue_of(entry);
    if (!has_cq(nvme, number))
        return NVME_BAD_QUEUE;
    for (uint32_t i = 1; i < NVME_QUEUES; i++)
        if (has_sq(nvme, i) && nvme->sq[i].cq == number)
            return NVME_BAD_DELETION;
    nvme->cq[number] = (struct nvme_cq){ 0 };
    return NVME_OK;
}

/* ---- Others ---- */

/* Two pages, which keep the indexes and the event indexes of the I/O queues. */
static enum nvme_status use_doorbells(struct nvme *nvme, const struct nvme_entry *entry) {
    uint8_t *doorbells = guest_range(nvme->memory, (struct gpa){ entry->prp1 }, NVME_PAGE);
    uint8_t *events = guest_range(nvme->memory, (struct gpa){ entry->prp2 }, NVME_PAGE);
    if (entry->prp1 % NVME_PAGE != 0 || entry->prp2 % NVME_PAGE != 0)
        return NVME_PRP_OFFSET;
    if (!doorbells || !events)
        return NVME_TRANSFER;
    nvme_use_doorbells(nvme, doorbells, events);
    return NVME_OK;
}

/* It holds no room of its queue's while it waits. */
static enum nvme_status request_event(struct nvme *nvme, const struct nvme_entry *entry) {
    if (nvme->event_requests == NVME_EVENT_REQUESTS)
        return NVME_TOO_MANY_EVENTS;
    nvme->event_request[nvme->event_requests++] = (uint16_t)(entry->control >> CONTROL_ID_SHIFT);
    nvme_unclaim(nvme, 0);
    return HELD;
}

/* What is under way is the disk's: it isn't aborted. */
static enum nvme_status abort_command(uint32_t *result) {
    *result = 1;
    return NVME_OK;
}

static enum nvme_status begin(struct nvme *nvme, const struct nvme_entry *entry,
                              uint32_t *result) {
    if (entry->control & CONTROL_RULES)
        return NVME_BAD_FIELD;
    switch (entry->control & CONTROL_OPCODE) {
    case ADMIN_DELETE_SQ: return delete_sq(nvme, entry);
    case ADMIN_CREATE_SQ: return create_sq(nvme, entry);
    case ADMIN_GET_LOG: return nvme_get_log(nvme, entry);
    case ADMIN_DELETE_CQ: return delete_cq(nvme, entry);
    case ADMIN_CREATE_CQ: return create_cq(nvme, entry);
    case ADMIN_IDENTIFY: return nvme_identify(nvme, entry);
    case ADMIN_ABORT: return abort_command(result);
    case ADMIN_SET_FEATURES: return nvme_set_features(nvme, entry, result);
    case ADMIN_GET_FEATURES: return nvme_get_features(nvme, entry, result);
    case ADMIN_EVENT_REQUEST: return request_event(nvme, entry);
    case ADMIN_DOORBELL_BUFFER: return use_doorbells(nvme, entry);
    default: return NVME_BAD_OPCODE;
    }
}

/* Nothing else is begun before a deletion has ended. false: it hasn't. */
static bool end_deletion(struct nvme *nvme) {
    if (nvme_reaches_nobodys(nvme))
        return false;
    nvme->deleting = false;
    nvme_post(nvme, 0, nvme->deletion, NVME_OK, 0);
    return true;
}

__attribute__((noinline))              /* seldom */
bool nvme_run_admin(struct nvme *nvme, unsigned budget) {
    for (unsigned i = 0; i < budget; i++) {
        struct nvme_entry entry;
        uint32_t result = 0;
        if ((nvme->deleting && !end_deletion(nvme)) || !nvme_has_command(nvme, 0))
            return false;
        nvme_fetch(nvme, 0, &entry);
        enum nvme_status status = begin(nvme, &entry, &result);
        if (status != HELD)
            nvme_post(nvme, 0, (uint16_t)(entry.control >> CONTROL_ID_SHIFT), status, result);
    }
    return true;
}
