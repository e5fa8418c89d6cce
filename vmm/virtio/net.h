/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net: frames between the guest's two virtqueues and the link to the switch. Runs in the I/O
 * thread, under the device lock. Both sides are hostile; a frame is copied once each way.
 *
 * References: Virtual I/O Device 1.2, section 5.1.
 */
#ifndef VMM_NET_H
#define VMM_NET_H

#include "lib/net/net.h"
#include "lib/pace/pace.h"
#include "vmm/virtio/virtio.h"

struct net {
    struct virtio_device device;
    struct ring link;
    struct pace pace;                /* of the transmit queue */
    bool present;                    /* the VM has a link "net0" */
    uint64_t dropped;                /* frames that the guest or the switch made wrong */
};

void net_create(struct net *net, const uint8_t mac[NET_MAC_BYTES],
                const struct guest_memory *memory, uint32_t memory_base, uint16_t notify_port,
                uint32_t notify_size);

/* Moves at most `budget` frames each way; true: there is more to do at once. */
bool net_run(struct net *net, unsigned budget);

/* Before sleeping: asks both sides for wake-ups; false: there is something to do already. */
bool net_settle(struct net *net);

/* When to run again without a wake-up: a tick, or BH_FOREVER. */
uint64_t net_deadline(const struct net *net);

#endif
