/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console with one port: bytes between the guest's two virtqueues and a stream link. Runs in
 * the I/O thread, under the device lock. Both sides are hostile.
 *
 * References: Virtual I/O Device 1.2, section 5.3.
 */
#ifndef VMM_HVC_H
#define VMM_HVC_H

#include "lib/stream/stream.h"
#include "vmm/virtio/virtio.h"

struct hvc {
    struct virtio_device device;
    struct ring link;
    bool present;                    /* the VM has a link "hvc0" */
    uint32_t sent;                   /* bytes of the guest's first waiting chain that are sent */
};

void hvc_create(struct hvc *hvc, const struct guest_memory *memory, uint32_t memory_base,
                uint16_t notify_port, uint32_t notify_size);

/* Moves bytes both ways, at most `budget` chains each; true: there is more to do at once. */
bool hvc_run(struct hvc *hvc, unsigned budget);

/* Before sleeping: asks both sides for wake-ups; false: there is something to do already. */
bool hvc_settle(struct hvc *hvc);

#endif
