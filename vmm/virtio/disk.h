/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk: the guest's requests become requests of its backend (vmm/backend.h). Runs in the I/O
 * thread, under the device lock. Both sides are hostile.
 *
 * References: Virtual I/O Device 1.2, section 5.2.
 */
#ifndef VMM_DISK_H
#define VMM_DISK_H

#include "vmm/backend.h"
#include "vmm/virtio/virtio.h"

#define DISK_NO_REQUEST BACKEND_SLOTS

/* A chain of the guest's, asked of the backend in pieces of a slot each. */
struct disk_request {
    enum block_kind kind;
    uint64_t sector;
    uint32_t bytes;                  /* of a flush: none, in one piece */
    uint32_t asked;                  /* of them */
    uint32_t pieces;                 /* under way */
    bool failed;
    struct virtqueue_chain chain;
};

struct disk {
    struct virtio_device device;
    bool present;
    struct backend backend;
    struct disk_request request[BACKEND_SLOTS];    /* one with a piece under way each, and `open` */
    uint32_t in_work;                /* bit n: request n */
    uint32_t open;                   /* not yet asked for to its end; DISK_NO_REQUEST: none */
    struct { uint32_t request, offset; } piece[BACKEND_SLOTS];   /* by tag */
};

void disk_create(struct disk *disk, const struct guest_memory *memory, uint32_t memory_base,
                 uint16_t notify_port, uint32_t notify_size);

/* The guest reset the device. */
void disk_forget(struct disk *disk);

/* Takes at most `budget` requests and answers; true: there is more to do at once. `last`: see
 * lib/call/before_wait.h. */
bool disk_run(struct disk *disk, unsigned budget, enum backend_turn turn, uint32_t *last);

/* Before sleeping: asks both sides for wake-ups; false: there is something to do already. */
bool disk_settle(struct disk *disk);

#endif
