/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card between its descriptor rings and one network link (lib/net): what the drivers of
 * all cards have in common. Runs on the host over a fake device. Trusts neither the device nor the
 * switch. lib/nic/core.h has the functions; each driver adds its card's descriptors and registers.
 *
 * Payload is never mapped here: buffers are offsets in the receive pool and in the ports' transmit
 * areas, of which this driver knows the IOVAs only. What the device writes back is a done bit and a
 * length; it can make this driver lose frames, nothing else.
 *
 * Buffers of the pool are in one of three places: in a receive descriptor, at the switch (in the
 * link's order), or free.
 */
#ifndef BULKHEAD_LIB_NIC_H
#define BULKHEAD_LIB_NIC_H

#include "lib/net/net.h"
#include "lib/pace/pace.h"

enum {
    NIC_DEPTH       = 256,         /* descriptors of each ring; a multiple of 8 */
    NIC_AREAS       = 16,          /* ports of the switch */
    NIC_POOL_MOST   = 1024,        /* buffers of the pool that are used */
    NIC_SHARE       = 64,          /* frames each way in a turn */
    NIC_REFILL      = 16,          /* buffers given to the device at a time */
    NIC_NO_BUFFER   = 0xffff,      /* in at_switch: a message without a frame */
};

struct nic_rings;                  /* the driver's own, in the region "rings" */

struct nic_area {
    uint64_t iova;
    uint64_t size;                 /* zero: there is no such port */
};

struct nic {
    volatile void *registers;
    volatile struct nic_rings *rings;
    uint64_t rings_iova;
    struct nic_area pool;
    struct nic_area area[NIC_AREAS];
    struct ring link;              /* to the switch */
    uint32_t buffers;              /* of the pool */
    bool     running;
    uint32_t receive_next;         /* next descriptor that the device will finish */
    uint32_t receive_filled;       /* next descriptor to give a buffer; both count for ever */
    uint32_t transmit_next;        /* next descriptor that the device will finish */
    uint32_t transmit_filled;
    uint32_t returned;             /* link position up to which buffers came back */
    uint32_t armed;                /* interrupt causes that are enabled */
    struct pace pace;              /* of receiving */
    uint16_t in_descriptor[NIC_DEPTH];       /* buffer of a receive descriptor */
    uint32_t position[NIC_DEPTH];            /* link position of a transmit descriptor */
    uint16_t at_switch[NIC_POOL_MOST];       /* by link position */
    uint16_t free[NIC_POOL_MOST];
    uint32_t free_count;
    uint64_t received;
    uint64_t sent;
    uint64_t dropped;              /* bad frames from the device, bad requests of the switch */
};

/* Resets the device and begins anew with all buffers free; false: it didn't answer. */
bool nic_start(struct nic *nic);

/* No more DMA and interrupts. */
void nic_stop(struct nic *nic);

/* One bounded share of work, both ways; `now` in ticks, for the pace. */
void nic_turn(struct nic *nic, uint64_t now);

/* Publishes, arms link and interrupts; false: there is more to do. For `notify` see
 * lib/service/service.h. */
bool nic_settle(struct nic *nic, uint32_t *notify);

/* An interrupt came: its cause is disabled until nic_settle enables it again. */
void nic_interrupted(struct nic *nic, uint32_t cause);

/* Mb/s, zero: no link. Tells the switch, too. */
uint32_t nic_link_speed(struct nic *nic);

void nic_address(struct nic *nic, uint8_t mac[6]);

#endif
