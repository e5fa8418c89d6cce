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

struct disk {
    struct virtio_device device;
    bool present;
    struct backend backend;
    struct virtqueue_chain chain[BACKEND_SLOTS];   /* of the requests under way, by tag */
};

void disk_create(struct disk *disk, const struct guest_memory *memory, uint32_t memory_base,
                 uint16_t notify_port, uint32_t notify_size);

/* The guest reset the device. */
void disk_forget(struct disk *disk);

/* Takes at most `budget` requests and answers; true: there is more to do at once. */
bool disk_run(struct disk *disk, unsigned budget);

/* Before sleeping: asks both sides for wake-ups; false: there is something to do already. */
bool disk_settle(struct disk *disk);

#endif
