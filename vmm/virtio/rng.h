/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-rng: fills the guest's buffers from the processor's random number generator. Runs in the
 * I/O thread, under the device lock. Its notify port is no doorbell: guests ask seldom.
 *
 * References: Virtual I/O Device 1.2, section 5.4.
 */
#ifndef VMM_RNG_H
#define VMM_RNG_H

#include "vmm/virtio/virtio.h"

#define RNG_NOTIFY_PORT 0x1000u
#define RNG_NOTIFY_SIZE 8u

struct rng {
    struct virtio_device device;
    bool present;                    /* the processor has a generator */
};

void rng_create(struct rng *rng, const struct guest_memory *memory, uint32_t memory_base);

/* Serves at most `budget` chains, 256 bytes each; true: there is more to do at once. */
bool rng_run(struct rng *rng, unsigned budget);

/* Before sleeping: asks the driver for a notification; false: there is something to do already. */
bool rng_settle(struct rng *rng);

/* 64 random bits; false: there are none. Given by the program (vmm/runtime.c). */
bool rng_take(uint64_t *value);

#endif
