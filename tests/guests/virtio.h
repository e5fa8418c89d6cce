/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue 0 of one virtio device (virtio 1.2, 2.7 and 4.1), for test guests. Trusts nobody; what is
 * put into the descriptor table is the guest's business.
 */
#ifndef TESTS_GUESTS_VIRTIO_H
#define TESTS_GUESTS_VIRTIO_H

#include "devices.h"

enum { QUEUE_SIZE = 256, NEXT = 1, WRITE = 2 };
/* 4.1.2.1 */
#define NETWORK_ID 0x10411af4u
#define DISK_ID    0x10421af4u
#define RANDOM_ID  0x10441af4u

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

enum outcome { SERVED, REFUSED, SILENT };

/* Each entry of `virtio_used` is a chain's head and its length, behind flags and index. */
extern struct descriptor virtio_table[QUEUE_SIZE];
extern volatile uint16_t virtio_available[2 + QUEUE_SIZE + 1];
extern volatile uint16_t virtio_used[2 + 4 * QUEUE_SIZE + 1];

/* Resets the device and starts it with these descriptors. */
void virtio_start(uint32_t id, const struct descriptor *descriptors);
void virtio_offer(uint16_t head);

/* Waits until all that was offered came back. */
enum outcome virtio_outcome(void);

#endif
