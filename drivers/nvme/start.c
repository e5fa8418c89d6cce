/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting an NVMe controller (NVMe 3.5.1, 5.15): reset, admin queues, identify, I/O queues. Admin
 * commands are polled for a bounded time. Touches its registers and rings; believes no answer
 * further than it was checked.
 */
#include "drivers/nvme/nvme.h"
#include "drivers/nvme/queue.h"
#include "lib/mmio/mmio.h"

enum {
    POLLS        = 20000,          /* looks at the device, a pause between them */
    QUEUE_ADMIN  = 0,
    QUEUE_IO     = 1,
    MESSAGE_IO   = 1,              /* MSI-X entry */
    SMALLEST_BLOCK = 9,            /* powers of two: 512 bytes */
    LARGEST_BLOCK  = 12,
    /* Identify, figures 245 and 247 */
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

void nvme_clear_command(volatile struct nvme_command *command, uint8_t opcode, uint32_t id) {
    *command = (struct nvme_command){ .opcode = opcode, .id = (uint16_t)id };
}

void nvme_ring_submission(struct nvme *nvme, uint32_t queue, uint32_t index) {
    mmio_publish();
    set(nvme, NVME_DOORBELLS + 2 * queue * nvme->stride, index);
}

void nvme_ring_completion(struct nvme *nvme, uint32_t queue, uint32_t index) {
    set(nvme, NVME_DOORBELLS + (2 * queue + 1) * nvme->stride, index);
}

static bool await_ready(struct nvme *nvme, uint32_t wanted, nvme_pause *pause) {
    for (unsigned i = 0; i < POLLS; i++) {
        uint32_t status = get(nvme, NVME_CSTS);

        if ((status & CSTS_FATAL) != 0)
            return false;
        if ((status & CSTS_READY) == wanted)
            return true;
        pause();
    }
    return false;
}

static void clear_state(struct nvme *nvme) {
    volatile uint8_t *bytes = (volatile uint8_t *)nvme->rings;

    for (size_t i = 0; i < sizeof(struct nvme_rings); i++)
        bytes[i] = 0;
    nvme->admin_next = 0;
    nvme->tail = 0;
    nvme->head = 0;
    nvme->free_count = 0;
    for (uint32_t id = 0; id < NVME_DEPTH; id++)
        nvme->busy[id] = false;
    for (uint32_t id = 0; id < NVME_DEPTH - 1; id++)
        nvme->free[nvme->free_count++] = (uint16_t)id;
}

static bool enable(struct nvme *nvme, nvme_pause *pause) {
    uint32_t entries = NVME_ADMIN_DEPTH - 1;

    set(nvme, NVME_CC, 0);
    if (!await_ready(nvme, 0, pause))
        return false;
    clear_state(nvme);
    nvme->stride = 4u << (get(nvme, NVME_CAP_HIGH) & CAP_STRIDE);
    if (NVME_DOORBELLS + 4 * nvme->stride > NVME_BAR_SIZE ||
        (get(nvme, NVME_CAP_LOW) & CAP_MQES) < NVME_DEPTH - 1)
        return false;
    set(nvme, NVME_AQA, entries | entries << 16);
    set_address(nvme, NVME_ASQ, offsetof(struct nvme_rings, admin));
    set_address(nvme, NVME_ACQ, offsetof(struct nvme_rings, admin_done));
    set(nvme, NVME_CC, CC_ENABLE | CC_ENTRIES);
    return await_ready(nvme, CSTS_READY, pause);
}

/* Fills the next admin entry; the caller adds to it, then calls run_admin. */
static volatile struct nvme_command *next_admin(struct nvme *nvme, uint8_t opcode) {
    volatile struct nvme_command *command = &nvme->rings->admin[nvme->admin_next];

    nvme_clear_command(command, opcode, nvme->admin_next);
    return command;
}

/* Fewer commands than the queue has entries are run in a life: the phase stays 1. */
static bool run_admin(struct nvme *nvme, nvme_pause *pause) {
    volatile struct nvme_completion *done = &nvme->rings->admin_done[nvme->admin_next];

    nvme->admin_next++;
    nvme_ring_submission(nvme, QUEUE_ADMIN, nvme->admin_next);
    for (unsigned i = 0; i < POLLS; i++) {
        uint16_t status = done->status;

        if ((status & 1) != 0) {
            nvme_ring_completion(nvme, QUEUE_ADMIN, nvme->admin_next);
            return status >> 1 == 0;
        }
        pause();
    }
    return false;
}

static bool identify(struct nvme *nvme, uint32_t space, uint32_t what, nvme_pause *pause) {
    volatile struct nvme_command *command = next_admin(nvme, ADMIN_IDENTIFY);

    command->space = space;
    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, identify);
    command->dword10 = what;
    return run_admin(nvme, pause);
}

static uint64_t identified(const struct nvme *nvme, uint32_t offset, uint32_t bytes) {
    uint64_t value = 0;

    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)nvme->rings->identify[offset + i] << 8 * i;
    return value;
}

/* A size that doesn't fit 48 bits of sectors is cut, not believed. */
static bool learn_size(struct nvme *nvme) {
    uint32_t format = (uint32_t)identified(nvme, ID_FLBAS, 1) & 0xf;
    uint32_t shift = (uint32_t)identified(nvme, ID_LBAF + 4 * format + 2, 1);
    uint64_t blocks = identified(nvme, ID_NSZE, 8);
    uint64_t most;

    if (shift < SMALLEST_BLOCK || shift > LARGEST_BLOCK)
        return false;
    nvme->sectors_per_block = 1u << (shift - SMALLEST_BLOCK);
    most = BLOCK_LBA_MASK / nvme->sectors_per_block;
    nvme->sectors = (blocks < most ? blocks : most) * nvme->sectors_per_block;
    return true;
}

static bool learn(struct nvme *nvme, nvme_pause *pause) {
    if (!identify(nvme, 0, IDENTIFY_CONTROLLER, pause))
        return false;
    nvme->discards = (identified(nvme, ID_ONCS, 1) & ONCS_DATASET) != 0;
    return identify(nvme, 1, IDENTIFY_NAMESPACE, pause) && learn_size(nvme);
}

static bool create_queues(struct nvme *nvme, nvme_pause *pause) {
    uint32_t size = QUEUE_IO | (NVME_DEPTH - 1) << 16;
    volatile struct nvme_command *command = next_admin(nvme, ADMIN_CREATE_CQ);

    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, done);
    command->dword10 = size;
    command->dword11 = QUEUE_CONTIGUOUS | QUEUE_INTERRUPTS | MESSAGE_IO << 16;
    if (!run_admin(nvme, pause))
        return false;
    command = next_admin(nvme, ADMIN_CREATE_SQ);
    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, command);
    command->dword10 = size;
    command->dword11 = QUEUE_CONTIGUOUS | QUEUE_IO << 16;
    return run_admin(nvme, pause);
}

bool nvme_start(struct nvme *nvme, nvme_pause *pause) {
    nvme->running = enable(nvme, pause) && learn(nvme, pause) && create_queues(nvme, pause);
    return nvme->running;
}
