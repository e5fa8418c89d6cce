/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin queue (drivers/nvme/queue.h): one command at a time, polled for a bounded time. Touches
 * its doorbells and rings.
 */
#include "drivers/nvme/queue.h"
#include "lib/mmio/mmio.h"

enum {
    POLLS       = 20000,           /* looks at the device, a pause between them */
    QUEUE_ADMIN = 0,
};

void nvme_clear_command(struct nvme_command *command, uint8_t opcode, uint32_t id) {
    *command = (struct nvme_command){ .opcode = opcode, .id = (uint16_t)id };
}

void nvme_ring_submission(struct nvme *nvme, uint32_t queue, uint32_t index) {
    mmio_publish();
    mmio_write32(nvme->registers, NVME_DOORBELLS + 2 * queue * nvme->stride, index);
}

void nvme_ring_completion(struct nvme *nvme, uint32_t queue, uint32_t index) {
    mmio_write32(nvme->registers, NVME_DOORBELLS + (2 * queue + 1) * nvme->stride, index);
}

bool nvme_await_ready(struct nvme *nvme, uint32_t wanted, nvme_pause *pause) {
    for (unsigned i = 0; i < POLLS; i++) {
        uint32_t status = mmio_read32(nvme->registers, NVME_CSTS);

        if ((status & CSTS_FATAL) != 0)
            return false;
        if ((status & CSTS_READY) == wanted)
            return true;
        pause();
    }
    return false;
}

struct nvme_command *nvme_next_admin(struct nvme *nvme, uint8_t opcode) {
    uint32_t id = nvme->admin_next % NVME_ADMIN_DEPTH;
    struct nvme_command *command = &nvme->rings->admin[id];

    nvme_clear_command(command, opcode, id);
    return command;
}

/* The answer's status word, once its phase says that it is there; zero: it didn't come. */
static uint16_t await_answer(const volatile struct nvme_completion *done, uint16_t phase,
                             nvme_pause *pause) {
    for (unsigned i = 0; i < POLLS; i++) {
        uint16_t status = done->status;

        if ((status & 1) == phase) {
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
            return (uint16_t)(status | 1);
        }
        pause();
    }
    return 0;
}

bool nvme_run_admin(struct nvme *nvme, nvme_pause *pause) {
    uint32_t id = nvme->admin_next % NVME_ADMIN_DEPTH;
    uint16_t phase = (nvme->admin_next / NVME_ADMIN_DEPTH + 1) % 2;
    uint32_t next = ++nvme->admin_next % NVME_ADMIN_DEPTH;
    uint16_t status;

    if (!nvme->ready)
        return false;
    nvme_ring_submission(nvme, QUEUE_ADMIN, next);
    status = await_answer(&nvme->rings->admin_done[id], phase, pause);
    nvme->ready = status != 0 && nvme->rings->admin_done[id].id == id;
    if (nvme->ready)
        nvme_ring_completion(nvme, QUEUE_ADMIN, next);
    return nvme->ready && status >> 1 == 0;
}

bool nvme_identify(struct nvme *nvme, uint32_t space, uint32_t what, nvme_pause *pause) {
    struct nvme_command *command = nvme_next_admin(nvme, ADMIN_IDENTIFY);

    command->space = space;
    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, identify);
    command->dword10 = what;
    return nvme_run_admin(nvme, pause);
}

uint64_t nvme_identified(const struct nvme *nvme, uint32_t offset, uint32_t bytes) {
    uint64_t value = 0;

    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)nvme->rings->identify[offset + i] << 8 * i;
    return value;
}
