/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of virtqueues for unit tests: puts descriptors into the queues that vm_fake_virtio_start
 * has set up at QUEUES with SIZE entries, and looks at what came back.
 */
#ifndef BULKHEAD_TESTS_VIRTIO_DRIVER_H
#define BULKHEAD_TESTS_VIRTIO_DRIVER_H

#include "tests/unit/vm_fake.h"

enum { SIZE = 8, QUEUES = 0x100000, BUFFERS = 0x200000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
#define FEATURES (VIRTIO_F_VERSION_1)

/* Of each test: a VM of one vCPU. */
int virtio_driver_setup(void **state);
int virtio_driver_teardown(void **state);

uint64_t queue_at(unsigned queue);
void put16(uint64_t at, uint16_t value);
uint16_t get16(uint64_t at);
uint32_t get32(uint64_t at);

void put_descriptor(unsigned queue, unsigned index, uint64_t address, uint32_t length,
                    uint16_t flags, uint16_t next);
/* Makes the chain that begins at `head` available. */
void offer(unsigned queue, uint16_t head);

/* How many chains came back, and how many bytes of the one at `index` were written. */
uint16_t used_index(unsigned queue);
uint32_t used_length(unsigned queue, unsigned index);

#endif
