/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk: the guest's requests become requests on the link to the block multiplexer, their data
 * lies in our area of that link while they are under way. Runs in the I/O thread, under the device
 * lock. Both sides are hostile.
 *
 * The area is cut into slots of the longest request; a slot is a tag. A slot stays taken until the
 * server answers, even if the guest resets the device meanwhile: the disk may still write into it.
 * After the server's restart what is under way is asked for again.
 *
 * References: Virtual I/O Device 1.2, section 5.2.
 */
#ifndef VMM_DISK_H
#define VMM_DISK_H

#include "lib/block/block.h"
#include "vmm/virtio/virtio.h"

#define DISK_SLOT  (BLOCK_MOST * BLOCK_SECTOR)
#define DISK_SLOTS 32u

struct disk_request {
    bool under_way;
    bool abandoned;                  /* the guest reset the device: the answer goes to nobody */
    bool waits;                      /* its next part found no room in the ring */
    uint64_t sector;                 /* where it begins */
    uint32_t bytes;                  /* 0: no data moves */
    uint32_t done;                   /* of them, a slot's worth at a time */
    struct ring_descriptor message;  /* the part under way as it was sent, to be sent again */
    struct virtqueue_chain chain;
};

struct disk {
    struct virtio_device device;
    struct ring link;
    bool present;
    bool readonly;                   /* by the VM's description; the server may say so too */
    bool discards;                   /* the server can */
    uint64_t sectors;                /* zero until the server told */
    uint32_t slots;
    struct disk_request request[DISK_SLOTS];
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
