/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting an NVMe controller (NVMe 3.5.1, 5.15): reset, admin queues, identify; then its I/O
 * queues, for each life of the client. Touches its registers and rings; believes no answer further
 * than it was checked.
 */
#include "drivers/nvme/queue.h"
#include "lib/mmio/mmio.h"

enum {
    QUEUE_IO     = 1,
    MESSAGE_IO   = 1,              /* MSI-X entry */
    SMALLEST_BLOCK = 9,            /* powers of two: 512 bytes */
    LARGEST_BLOCK  = 12,
    /* Identify, figures 245 and 247 */
    ID_CNTLID    = 78,
    ID_OACS      = 256,
    ID_ONCS      = 520,
    ID_NSZE      = 0,
    ID_FLBAS     = 26,
    ID_LBAF      = 128,
};

static uint32_t get(struct nvme *nvme, uint32_t which) {
    return mmio_read32(nvme->registers, which);
}

static void set(struct nvme *nvme, uint32_t which, uint32_t value) {
    mmio_write32(nvme->registers, which, value);
}

static void set_address(struct nvme *nvme, uint32_t which, size_t offset) {
    uint64_t iova = nvme->rings_iova + offset;

    set(nvme, which, (uint32_t)iova);
    set(nvme, which + 4, (uint32_t)(iova >> 32));
}

static void clear_rings(struct nvme *nvme) {
    volatile uint8_t *bytes = (volatile uint8_t *)nvme->rings;

    for (size_t i = 0; i < sizeof(struct nvme_rings); i++)
        bytes[i] = 0;
    nvme->admin_next = 0;
    nvme->queues = nvme->running = nvme->known = false;
}

static bool enable(struct nvme *nvme, nvme_pause *pause) {
    uint32_t entries = NVME_ADMIN_DEPTH - 1;

    set(nvme, NVME_CC, 0);
    if (!nvme_await_ready(nvme, 0, pause))
        return false;
    clear_rings(nvme);
    nvme->stride = 4u << (get(nvme, NVME_CAP_HIGH) & CAP_STRIDE);
    if (NVME_DOORBELLS + 4 * nvme->stride > NVME_BAR_SIZE ||
        (get(nvme, NVME_CAP_LOW) & CAP_MQES) < NVME_DEPTH - 1)
        return false;
    set(nvme, NVME_AQA, entries | entries << 16);
    set_address(nvme, NVME_ASQ, offsetof(struct nvme_rings, admin));
    set_address(nvme, NVME_ACQ, offsetof(struct nvme_rings, admin_done));
    set(nvme, NVME_CC, CC_ENABLE | CC_ENTRIES);
    return nvme_await_ready(nvme, CSTS_READY, pause);
}

/* A size that doesn't fit 48 bits of sectors is cut, not believed. */
static bool learn_size(struct nvme *nvme) {
    uint32_t format = (uint32_t)nvme_identified(nvme, ID_FLBAS, 1) & 0xf;
    uint32_t shift = (uint32_t)nvme_identified(nvme, ID_LBAF + 4 * format + 2, 1);
    uint64_t blocks = nvme_identified(nvme, ID_NSZE, 8);
    uint64_t most;

    if (shift < SMALLEST_BLOCK || shift > LARGEST_BLOCK)
        return false;
    nvme->sectors_per_block = 1u << (shift - SMALLEST_BLOCK);
    most = BLOCK_LBA_MASK / nvme->sectors_per_block;
    nvme->sectors = (blocks < most ? blocks : most) * nvme->sectors_per_block;
    return true;
}

/* Without what it takes the virtual functions stay as the reset left them, offline; the disk is
 * ours all the same. */
static bool learn_functions(struct nvme *nvme, nvme_pause *pause) {
    uint32_t needed = OACS_NAMESPACES | OACS_VIRTUAL;
    bool able = (nvme_identified(nvme, ID_OACS, 2) & needed) == needed;

    nvme->functions.own = (uint16_t)nvme_identified(nvme, ID_CNTLID, 2);
    if (nvme->functions.count > 0 && able)
        nvme_start_functions(nvme, pause);
    return nvme->ready;
}

static bool learn(struct nvme *nvme, nvme_pause *pause) {
    if (!nvme_identify(nvme, 0, IDENTIFY_CONTROLLER, pause))
        return false;
    nvme->discards = (nvme_identified(nvme, ID_ONCS, 1) & ONCS_DATASET) != 0;
    return learn_functions(nvme, pause);
}

static bool learn_space(struct nvme *nvme, nvme_pause *pause) {
    return nvme_identify(nvme, NVME_OWN_SPACE, IDENTIFY_NAMESPACE, pause) && learn_size(nvme);
}

static bool create_queues(struct nvme *nvme, nvme_pause *pause) {
    uint32_t size = QUEUE_IO | (NVME_DEPTH - 1) << 16;
    struct nvme_command *command = nvme_next_admin(nvme, ADMIN_CREATE_CQ);

    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, done);
    command->dword10 = size;
    command->dword11 = QUEUE_CONTIGUOUS | QUEUE_INTERRUPTS | MESSAGE_IO << 16;
    if (!nvme_run_admin(nvme, pause))
        return false;
    command = nvme_next_admin(nvme, ADMIN_CREATE_SQ);
    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, command);
    command->dword10 = size;
    command->dword11 = QUEUE_CONTIGUOUS | QUEUE_IO << 16;
    return nvme_run_admin(nvme, pause);
}

/* The submission queue first: when it is gone, so is all that was under way (NVMe 5.6). */
static bool delete_queues(struct nvme *nvme, nvme_pause *pause) {
    nvme_next_admin(nvme, ADMIN_DELETE_SQ)->dword10 = QUEUE_IO;
    if (!nvme_run_admin(nvme, pause))
        return false;
    nvme_next_admin(nvme, ADMIN_DELETE_CQ)->dword10 = QUEUE_IO;
    return nvme_run_admin(nvme, pause);
}

static void clear_queues(struct nvme *nvme) {
    for (uint32_t i = 0; i < NVME_DEPTH; i++) {
        nvme->rings->done[i] = (struct nvme_completion){ 0 };
        nvme->busy[i] = false;
    }
    nvme->tail = 0;
    nvme->head = 0;
    nvme->free_count = 0;
    for (uint32_t id = 0; id < NVME_DEPTH - 1; id++)
        nvme->free[nvme->free_count++] = (uint16_t)id;
}

bool nvme_start(struct nvme *nvme, nvme_pause *pause) {
    nvme->ready = enable(nvme, pause);
    nvme->ready = nvme->ready && learn(nvme, pause);
    return nvme->ready;
}

/* What can't be read may have been taken from us since the start. */
bool nvme_measure(struct nvme *nvme, nvme_pause *pause) {
    nvme->known = learn_space(nvme, pause) ||
                  (nvme_take_space(nvme, pause) && learn_space(nvme, pause));
    return nvme->known;
}

bool nvme_open(struct nvme *nvme, nvme_pause *pause) {
    bool gone = !nvme->queues || delete_queues(nvme, pause);

    nvme->running = false;
    if (gone)
        clear_queues(nvme);
    nvme->queues = gone && create_queues(nvme, pause);
    nvme->running = nvme->ready = nvme->queues;
    return nvme->running;
}
