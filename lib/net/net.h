/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network frames over a link (lib/ring): client <-> switch <-> NIC driver. Trusts nobody.
 *
 * There is one message, NET_FRAME: {offset, length} of one Ethernet frame without its checksum.
 *
 *   client -> switch   offset in the client's transmit area (the link's out_area). The client must
 *                      leave the bytes alone until the switch's head passes the descriptor.
 *   switch -> client   offset in the client's receive area, which the switch alone writes. The
 *                      client releases it when it has copied the frame out.
 *   switch -> driver   port = number of the switch port whose transmit area holds the frame. The
 *                      driver releases it when the NIC has read it.
 *   driver -> switch   offset in the driver's receive pool. The switch releases it when it has
 *                      copied the frame; the driver then gives the buffer to the NIC again.
 *
 * A driver also sends NET_LINK: extra = 0 the cable is out, otherwise the speed in Mb/s.
 *
 * A sender that fills the area itself uses slot i of NET_SLOT bytes for descriptor i, so that space
 * in the ring is space in the area: net_capacity, net_slot_offset.
 */
#ifndef BULKHEAD_LIB_NET_H
#define BULKHEAD_LIB_NET_H

#include "lib/ring/ring.h"

enum net_kind {
    NET_FRAME = 1,
    NET_LINK  = 2,
};

enum {
    NET_SLOT      = 2048,  /* bytes of a buffer */
    NET_FRAME_MIN = 14,    /* IEEE 802.3 clause 3: addresses and type */
    NET_FRAME_MAX = 1518,  /* payload of 1500, with one VLAN tag */
    NET_MAC_BYTES = 6,
};

/* Opens a link and limits what may be in flight to the slots that our area has. */
static inline void net_open(struct ring *ring, const struct bh_manifest_entry *link,
                            uint32_t generation) {
    ring_open(ring, link, generation);
}

/* How many frames may be sent now from our own slots. */
static inline uint32_t net_capacity(struct ring *ring) {
    uint32_t slots = (uint32_t)(ring->out_size / NET_SLOT);
    uint32_t space = ring_space(ring);
    uint32_t used = ring->out_depth - space;

    if (slots >= ring->out_depth)
        return space;
    return used < slots ? slots - used : 0;
}

/* Where the frame of the next descriptor goes. */
static inline uint32_t net_slot_offset(const struct ring *ring) {
    uint32_t slots = (uint32_t)(ring->out_size / NET_SLOT);

    if (slots >= ring->out_depth)
        return (ring->tail & (ring->out_depth - 1)) * NET_SLOT;
    return ring->tail % slots * NET_SLOT;
}

static inline uint8_t *net_slot(const struct ring *ring) {
    return ring->out + net_slot_offset(ring);
}

/* Sends the frame that the caller wrote to net_slot(); needs net_capacity() > 0. */
static inline void net_send(struct ring *ring, uint16_t length) {
    ring_put(ring, (struct ring_descriptor){
        .offset = net_slot_offset(ring), .length = length, .kind = NET_FRAME });
}

/* Whether a received descriptor names a frame that lies within an area of `size` bytes. */
static inline bool net_valid(struct ring_descriptor frame, uint64_t size) {
    return frame.kind == NET_FRAME && frame.length >= NET_FRAME_MIN &&
           frame.length <= NET_FRAME_MAX && ring_inside(frame.offset, frame.length, size);
}

#endif
