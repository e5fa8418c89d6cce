/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the link to the 82540EM's receive ring: which frames the driver wants, and their way into
 * its buffers.
 */
#include "vmm/e1000/parts.h"

#include "lib/c/string.h"
#include "vmm/peers.h"

enum {
    FRAME_SHORTEST = 60,             /* IEEE 802.3 4A.4.2, without the checksum */
    FRAME_CHECKSUM = 4,
    VLAN_AT = 12, VLAN_BYTES = 4, VLAN_TYPE = 0x8100, VLAN_ID = 0xfff,
};

/* A frame on its way, with what the card adds behind it. */
struct frame {
    uint8_t bytes[NET_FRAME_MAX + FRAME_CHECKSUM];
    uint32_t size;
    bool tagged;
    uint16_t tag;
};

/* ---- Which frames: SDM 3.2.1 ---- */

static bool is_own(const struct e1000 *e1000, const uint8_t *to) {
    uint32_t low = to[0] | (uint32_t)to[1] << 8 | (uint32_t)to[2] << 16 | (uint32_t)to[3] << 24;
    uint32_t high = to[4] | (uint32_t)to[5] << 8;
    for (unsigned i = 0; i < E1000_ADDRESSES; i++) {
        const uint32_t *entry = &e1000->address[2 * i];
        if ((entry[1] & RAH_VALID) && entry[0] == low && (entry[1] & 0xffff) == high)
            return true;
    }
    return false;
}

static bool in_table(const uint32_t table[E1000_TABLE], uint32_t bit) {
    return (table[bit / 32] >> (bit % 32) & 1) != 0;
}

/* The twelve bits of a group address that pick its bit in the table: SDM 13.5.1. */
static bool is_wanted_group(const struct e1000 *e1000, const uint8_t *to) {
    static const uint8_t shift[] = { 4, 3, 2, 0 };
    unsigned offset = e1000->receive_control >> RCTL_HASH_SHIFT & 3;
    uint32_t hash = (to[4] | (uint32_t)to[5] << 8) >> shift[offset] & 0xfff;
    return in_table(e1000->multicast, hash);
}

static bool is_broadcast(const uint8_t *to) {
    static const uint8_t all[NET_MAC_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    return memcmp(to, all, sizeof(all)) == 0;
}

static bool is_for_us(const struct e1000 *e1000, const uint8_t *to) {
    uint32_t control = e1000->receive_control;
    if (is_own(e1000, to))
        return true;
    if (to[0] % 2 == 0)
        return (control & RCTL_UNICAST_ALL) != 0;
    if (control & RCTL_MULTICAST_ALL)
        return true;
    return is_broadcast(to) ? (control & RCTL_BROADCAST) != 0 : is_wanted_group(e1000, to);
}

static bool accepts(const struct e1000 *e1000, const struct frame *frame) {
    bool in_vlan = !(e1000->receive_control & RCTL_VLAN_FILTER) || !frame->tagged ||
                   in_table(e1000->vlan, frame->tag & VLAN_ID);
    return in_vlan && is_for_us(e1000, frame->bytes);
}

/* ---- The frame ---- */

/* One copy out of the link, whose bytes the switch may change at any time. */
static void take(struct frame *frame, const uint8_t *bytes, uint32_t size) {
    memcpy(frame->bytes, bytes, size);
    frame->size = size;
    const uint8_t *tag = frame->bytes + VLAN_AT;
    frame->tagged = size >= VLAN_AT + VLAN_BYTES && (tag[0] << 8 | tag[1]) == VLAN_TYPE;
    frame->tag = frame->tagged ? (uint16_t)(tag[2] << 8 | tag[3]) : 0;
}

static void remove_tag(struct frame *frame) {
    memmove(frame->bytes + VLAN_AT, frame->bytes + VLAN_AT + VLAN_BYTES,
            frame->size - VLAN_AT - VLAN_BYTES);
    frame->size -= VLAN_BYTES;
}

/* The link carries no frame checksums, and short frames as they are; a driver expects neither.
 * Nobody looks at a checksum that the card has accepted, so it is zero. */
static void add_tail(struct frame *frame, bool with_checksum) {
    uint32_t size = frame->size < FRAME_SHORTEST ? FRAME_SHORTEST : frame->size;
    size += with_checksum ? FRAME_CHECKSUM : 0;
    memset(frame->bytes + frame->size, 0, size - frame->size);
    frame->size = size;
}

/* ---- The ring ---- */

static uint32_t buffer_size(const struct e1000 *e1000) {
    uint32_t size = 2048u >> (e1000->receive_control >> RCTL_SIZE_SHIFT & 3);
    return e1000->receive_control & RCTL_SIZE_TIMES_16 ? 16 * size : size;
}

/* Whether the ring has buffers for a frame of any size. */
bool e1000_receive_room(const struct e1000 *e1000) {
    uint32_t most = NET_FRAME_MAX + FRAME_CHECKSUM;
    uint32_t needed = (most + buffer_size(e1000) - 1) / buffer_size(e1000);
    return e1000_queue_good(&e1000->receive) && e1000_queue_count(&e1000->receive) >= needed;
}

/* One piece into the next buffer; false: the driver broke the rules. */
static bool fill(struct e1000 *e1000, const uint8_t *bytes, struct e1000_received received) {
    uint64_t descriptor[2];
    if (!e1000_queue_fetch(e1000, &e1000->receive, descriptor) ||
        !guest_write(e1000->memory, (struct gpa){ descriptor[0] }, bytes, received.length))
        return false;
    e1000_queue_received(e1000, &e1000->receive, &received);
    e1000_queue_advance(&e1000->receive);
    return true;
}

/* Needs e1000_receive_room(). */
static bool deliver(struct e1000 *e1000, const struct frame *frame, bool tag_removed) {
    uint32_t room = buffer_size(e1000);
    uint32_t done = 0;
    while (done < frame->size) {
        uint32_t left = frame->size - done;
        uint32_t part = left < room ? left : room;
        struct e1000_received received = {
            .length = (uint16_t)part, .status = RECEIVED_DONE | RECEIVED_NO_CHECKSUM,
        };
        if (part == left)
            received.status |= RECEIVED_LAST;
        if (tag_removed) {
            received.status |= RECEIVED_VLAN;
            received.special = frame->tag;
        }
        if (!fill(e1000, frame->bytes + done, received))
            return false;
        done += part;
    }
    return true;
}

/* SDM 13.4.22, RDMTS: a half, a quarter or an eighth of the ring is left. */
static bool runs_low(const struct e1000 *e1000) {
    uint32_t entries = e1000->receive.length / DESCRIPTOR_SIZE;
    unsigned shift = 1 + (e1000->receive_control >> RCTL_LOW_SHIFT & 3);
    return e1000_queue_count(&e1000->receive) <= entries >> shift;
}

static void receive(struct e1000 *e1000, struct frame *frame) {
    bool tag_removed = frame->tagged && (e1000->control & CTRL_VLAN);
    if (tag_removed)
        remove_tag(frame);
    add_tail(frame, !(e1000->receive_control & RCTL_STRIP_CHECKSUM));
    if (!deliver(e1000, frame, tag_removed)) {
        e1000->broken = true;
        return;
    }
    e1000->good_received++;
    e1000->causes |= CAUSE_RECEIVED;
    if (runs_low(e1000))
        e1000->causes |= CAUSE_RECEIVE_LOW;
}

bool e1000_receive_some(struct e1000 *e1000, unsigned budget) {
    struct frame frame;
    uint32_t waiting = ring_available(&e1000->link);
    unsigned count = waiting < budget ? waiting : budget;
    for (unsigned i = 0; i < count; i++) {
        e1000->broken |= !e1000_queue_good(&e1000->receive);
        if (e1000->broken || !e1000_receive_room(e1000))
            return false;
        struct ring_descriptor d = ring_get(&e1000->link);
        bool valid = peers_frame_good(&e1000->link, d);
        if (valid)
            take(&frame, e1000->link.in + d.offset, d.length);
        ring_done(&e1000->link, 1);
        if (!valid)
            e1000->dropped++;
        else if (accepts(e1000, &frame))
            receive(e1000, &frame);
    }
    return count == budget;
}
