/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Submission and completion queues. Of what the guest stores there, each entry and each index is
 * read once.
 *
 * An event index that the driver's index passes makes it write to the register, too ("Controller
 * Architecture", "Doorbell Buffer"). Indexes stay below their queue's size, so one that lies just
 * before what we know of the driver's index is never passed: it would have to go round the queue,
 * beyond us.
 */
#include "vmm/nvme/parts.h"

typedef uint64_t guest_word __attribute__((may_alias));

static uint32_t load(const uint32_t *at) {
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *at, uint32_t value) {
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

static uint32_t after(uint32_t index, uint32_t size) {
    return index + 1 == size ? 0 : index + 1;
}

static uint32_t before(uint32_t index, uint32_t size) {
    return index == 0 ? size - 1 : index - 1;
}

static uint32_t distance(uint32_t from, uint32_t to, uint32_t size) {
    return to >= from ? to - from : to + size - from;
}

/* ---- Their life ---- */

/* What the registers say goes on in memory, unless the driver has begun there: Linux does, when it
 * resets the controller. The admin queues' doorbells stay where they are: drivers don't store them
 * anywhere else. */
static void begin_doorbell(uint32_t *doorbell, uint32_t value) {
    if (load(doorbell) == 0)
        store(doorbell, value);
}

static void use_doorbells(struct nvme *nvme, uint32_t number) {
    struct nvme_sq *sq = &nvme->sq[number];
    struct nvme_cq *cq = &nvme->cq[number];
    if (number == 0 || !nvme->doorbells)
        return;
    uint32_t *doorbell = (uint32_t *)(void *)nvme->doorbells + 2 * number;
    uint32_t *event = (uint32_t *)(void *)nvme->event_indexes + 2 * number;
    if (sq->entries && !sq->doorbell) {
        begin_doorbell(doorbell, sq->tail);
        store(event, sq->head);
        sq->doorbell = doorbell;
        sq->event = event;
    }
    if (cq->entries && !cq->doorbell) {
        begin_doorbell(doorbell + 1, cq->written);
        store(event + 1, before(cq->head, cq->size));
        cq->doorbell = doorbell + 1;
        cq->event = event + 1;
    }
}

/* A new queue begins at its beginning. `doorbell`: as they are counted in the registers. */
static void clear_doorbell(const struct nvme *nvme, uint32_t doorbell) {
    if (doorbell > 1 && nvme->doorbells)
        store((uint32_t *)(void *)nvme->doorbells + doorbell, 0);
}

bool nvme_open_sq(struct nvme *nvme, uint32_t number, uint64_t at, uint32_t size, uint32_t cq) {
    const uint8_t *entries = guest_range(nvme->memory, (struct gpa){ at }, size * SQ_ENTRY);
    if (!entries)
        return false;
    nvme->sq[number] = (struct nvme_sq){ .entries = entries, .size = size, .cq = cq };
    nvme->queues |= 1u << number;
    clear_doorbell(nvme, 2 * number);
    use_doorbells(nvme, number);
    return true;
}

bool nvme_open_cq(struct nvme *nvme, uint32_t number, uint64_t at, uint32_t size) {
    uint8_t *entries = guest_range(nvme->memory, (struct gpa){ at }, size * CQ_ENTRY);
    if (!entries)
        return false;
    nvme->cq[number] = (struct nvme_cq){ .entries = entries, .size = size, .phase = true };
    clear_doorbell(nvme, 2 * number + 1);
    use_doorbells(nvme, number);
    return true;
}

void nvme_use_doorbells(struct nvme *nvme, uint8_t *doorbells, uint8_t *event_indexes) {
    nvme->doorbells = doorbells;
    nvme->event_indexes = event_indexes;
    for (uint32_t i = 1; i < NVME_QUEUES; i++) {
        nvme->sq[i].doorbell = nvme->cq[i].doorbell = NULL;
        use_doorbells(nvme, i);
    }
}

/* ---- Completions ---- */

/* How far the driver has come: not beyond what it was given. */
static bool is_head(const struct nvme_cq *cq, uint32_t head) {
    return nvme_index_good(head, cq->size) &&
           distance(cq->head, head, cq->size) <= distance(cq->head, cq->tail, cq->size);
}

/* Looks at the driver's index, as seldom as can be. */
static bool find_room(struct nvme *nvme, struct nvme_cq *cq) {
    uint32_t head = cq->doorbell ? load(cq->doorbell) : cq->written;
    if (head == cq->head)
        return false;
    if (!is_head(cq, head)) {
        nvme->events |= EVENT_BAD_VALUE;
        return false;
    }
    cq->claimed -= distance(cq->head, head, cq->size);
    cq->head = head;
    if (cq->event)
        store(cq->event, before(head, cq->size));
    return true;
}

static bool is_full(const struct nvme_cq *cq) {
    return cq->claimed == cq->size - 1;
}

static bool has_room(struct nvme *nvme, struct nvme_cq *cq) {
    return !is_full(cq) || find_room(nvme, cq);
}

bool nvme_claim(struct nvme *nvme, uint32_t number) {
    struct nvme_cq *cq = &nvme->cq[nvme->sq[number].cq];
    if (!has_room(nvme, cq))
        return false;
    cq->claimed++;
    return true;
}

void nvme_unclaim(struct nvme *nvme, uint32_t number) {
    nvme->cq[nvme->sq[number].cq].claimed--;
}

/* The half with the phase last: whoever sees it finds the other. */
void nvme_post(struct nvme *nvme, uint32_t number, uint16_t id, enum nvme_status status,
               uint32_t result) {
    const struct nvme_sq *sq = &nvme->sq[number];
    struct nvme_cq *cq = &nvme->cq[sq->cq];
    guest_word *entry = (guest_word *)(void *)(cq->entries + CQ_ENTRY * cq->tail);
    uint64_t tells = (uint64_t)number << DONE_QUEUE_SHIFT | sq->head;
    tells |= ((uint64_t)id | (cq->phase ? DONE_PHASE : 0) |
              (uint64_t)status << DONE_STATUS_SHIFT) << 32;
    __atomic_store_n(&entry[0], result, __ATOMIC_RELAXED);
    __atomic_store_n(&entry[1], tells, __ATOMIC_RELEASE);
    cq->tail = after(cq->tail, cq->size);
    cq->phase ^= cq->tail == 0;
    nvme->done |= 1u << sq->cq;
}

/* ---- Commands ---- */

static void break_queue(struct nvme *nvme, struct nvme_sq *sq) {
    sq->broken = true;
    nvme->events |= EVENT_BAD_VALUE;
}

bool nvme_has_command(struct nvme *nvme, uint32_t number) {
    struct nvme_sq *sq = &nvme->sq[number];
    uint32_t tail = sq->doorbell ? load(sq->doorbell) : sq->tail;
    if (tail == sq->head || sq->broken)
        return false;
    if (!nvme_index_good(tail, sq->size)) {
        break_queue(nvme, sq);
        return false;
    }
    return has_room(nvme, &nvme->cq[sq->cq]);
}

void nvme_fetch(struct nvme *nvme, uint32_t number, struct nvme_entry *entry) {
    struct nvme_sq *sq = &nvme->sq[number];
    const guest_word *from = (const guest_word *)(const void *)(sq->entries + SQ_ENTRY * sq->head);
    uint64_t control = __atomic_load_n(&from[WORD_CONTROL], __ATOMIC_RELAXED);
    uint64_t low = __atomic_load_n(&from[WORD_10], __ATOMIC_RELAXED);
    uint64_t high = __atomic_load_n(&from[WORD_12], __ATOMIC_RELAXED);
    *entry = (struct nvme_entry){
        .control = (uint32_t)control, .namespace = (uint32_t)(control >> 32),
        .prp1 = __atomic_load_n(&from[WORD_PRP1], __ATOMIC_RELAXED),
        .prp2 = __atomic_load_n(&from[WORD_PRP2], __ATOMIC_RELAXED),
        .dword10 = (uint32_t)low, .dword11 = (uint32_t)(low >> 32),
        .dword12 = (uint32_t)high, .dword13 = (uint32_t)(high >> 32),
    };
    if (sq->event)
        store(sq->event, sq->head);
    sq->head = after(sq->head, sq->size);
    nvme->cq[sq->cq].claimed++;
}

/* ---- Doorbells ----
 *
 * Of those in memory the register only says that something is there: the kernel takes such writes,
 * without their values (cpu/hints.c). */

static bool ring_sq(struct nvme *nvme, struct nvme_sq *sq, uint32_t value) {
    if (sq->doorbell)
        return true;
    if (nvme_index_good(value, sq->size))
        sq->tail = value;
    else
        nvme->events |= EVENT_BAD_VALUE;
    return true;
}

/* Only where a command waits for room there is something to do. */
static bool ring_cq(struct nvme *nvme, struct nvme_cq *cq, uint32_t value) {
    if (cq->doorbell)
        return is_full(cq);
    if (!is_head(cq, value)) {
        nvme->events |= EVENT_BAD_VALUE;
        return true;
    }
    cq->written = value;
    return is_full(cq);
}

bool nvme_ring(struct nvme *nvme, uint32_t doorbell, uint32_t value) {
    uint32_t number = doorbell / 2;
    bool completion = doorbell % 2 != 0;
    bool there = nvme_number_good(number) &&
                 (completion ? nvme->cq[number].entries != NULL : nvme->queues >> number & 1);
    if (!(nvme->status & CSTS_RDY))
        return false;
    if (!there) {
        nvme->events |= EVENT_BAD_REGISTER;
        return true;
    }
    return completion ? ring_cq(nvme, &nvme->cq[number], value)
                      : ring_sq(nvme, &nvme->sq[number], value);
}

/* Where there is no room, the completion queue has to wake us, too. */
static void arm(struct nvme *nvme, struct nvme_sq *sq) {
    struct nvme_cq *cq = &nvme->cq[sq->cq];
    if (sq->event)
        store(sq->event, sq->head);
    if (cq->event && !has_room(nvme, cq))
        store(cq->event, cq->head);
}

bool nvme_arm(struct nvme *nvme) {
    for (uint32_t i = 1; i < NVME_QUEUES; i++)
        if (nvme->queues >> i & 1)
            arm(nvme, &nvme->sq[i]);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (uint32_t i = 1; i < NVME_QUEUES; i++)
        if ((nvme->queues >> i & 1) && nvme_has_command(nvme, i))
            return false;
    nvme->armed = !nvme->deleting && nvme->flush_due == 0;
    return true;
}
