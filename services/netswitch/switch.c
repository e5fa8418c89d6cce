/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch's core (services/netswitch/switch.h). Touches the links' memory only. */
#include "services/netswitch/switch.h"

#include "lib/c/string.h"

typedef uint64_t unaligned_word __attribute__((may_alias, aligned(1)));

/* A frame's addresses, loaded once. */
struct header {
    uint64_t to;
    uint64_t from;
};

struct frame {
    const uint8_t *bytes;
    uint32_t offset;           /* in the sender's area */
    uint32_t length;
    struct header header;
};

static uint64_t load_mac(const uint8_t *bytes) {
    return *(const unaligned_word *)(const void *)bytes & MAC_MASK;
}

/* NET_FRAME_MIN bytes are there: both loads stay within the frame. */
static struct frame frame_at(const struct ring *ring, struct ring_descriptor descriptor) {
    const uint8_t *bytes = ring->in + descriptor.offset;

    return (struct frame){ bytes, descriptor.offset, descriptor.length,
                           { load_mac(bytes), load_mac(bytes + NET_MAC_BYTES) } };
}

/* The addresses that were checked, over those that came with the copy. */
static void store_header(uint8_t *bytes, struct header header) {
    uint32_t from_high = (uint32_t)(header.from >> 16);

    *(unaligned_word *)(void *)bytes = header.to | header.from << 48;
    memcpy(bytes + 8, &from_high, sizeof(from_high));
}

static void deliver(struct switch_port *port, const struct frame *frame) {
    uint8_t *slot;

    if (port->credit == 0)
        port->credit = net_capacity(&port->ring);
    if (port->credit == 0) {
        port->count[COUNT_FULL]++;
        return;
    }
    slot = net_slot(&port->ring);
    memcpy(slot, frame->bytes, frame->length);
    store_header(slot, frame->header);
    net_send(&port->ring, (uint16_t)frame->length);
    port->credit--;
    port->count[COUNT_SENT]++;
}

static void deliver_to_others(struct netswitch *netswitch, unsigned sender,
                              const struct frame *frame) {
    for (unsigned i = 0; i < netswitch->port_count; i++) {
        if (i != sender)
            deliver(&netswitch->port[i], frame);
    }
}

/* Hands the frame to the driver where it lies. */
static void send_up(struct netswitch *netswitch, unsigned sender, const struct frame *frame) {
    struct switch_port *uplink = &netswitch->uplink;
    struct switch_port *port = &netswitch->port[sender];
    uint32_t at = uplink->ring.tail;

    if (uplink->credit == 0 && netswitch->has_uplink && !netswitch->stalled)
        uplink->credit = ring_space(&uplink->ring);
    if (uplink->credit == 0) {
        uplink->count[COUNT_FULL]++;
        return;
    }
    ring_put(&uplink->ring, (struct ring_descriptor){
        .offset = frame->offset, .length = (uint16_t)frame->length, .kind = NET_FRAME,
        .port = (uint8_t)sender });
    netswitch->pending[at % SWITCH_PENDING] =
        (struct switch_pending){ port->ring.next - 1, port->life, sender };
    port->held++;
    uplink->credit--;
    uplink->count[COUNT_SENT]++;
}

/* A port without a bound address owns what it was first to use, up to its quota. */
static bool learn(struct netswitch *netswitch, unsigned number, uint64_t mac) {
    struct switch_port *port = &netswitch->port[number];

    if (port->mac != 0)
        return false;
    if (mac_find(&netswitch->table, mac) == number)
        return true;
    if (port->learned >= SWITCH_LEARNED || !mac_add(&netswitch->table, mac, number))
        return false;
    port->learned++;
    return true;
}

/* To whom no port knows: by way of the driver domain a copy, or the driver. */
static void send_out(struct netswitch *netswitch, unsigned sender, const struct frame *frame) {
    if (netswitch->has_trunk)
        deliver(&netswitch->port[netswitch->trunk], frame);
    else
        send_up(netswitch, sender, frame);
}

/* What came by the uplink, or by the driver domain's port, whose own address it may bear. */
static void forward_from_outside(struct netswitch *netswitch, struct switch_port *outside,
                                 unsigned number, const struct frame *frame) {
    unsigned source = mac_find(&netswitch->table, frame->header.from);
    unsigned target = mac_find(&netswitch->table, frame->header.to);

    if (source != MAC_NOWHERE && source != number)
        outside->count[COUNT_SPOOFED]++;
    else if ((frame->header.to & MAC_GROUP) != 0)
        deliver_to_others(netswitch, number, frame);
    else if (target != MAC_NOWHERE && target != number)
        deliver(&netswitch->port[target], frame);
    else
        outside->count[COUNT_UNKNOWN]++;
}

static void forward_from_inside(struct netswitch *netswitch, unsigned number,
                                const struct frame *frame) {
    struct switch_port *port = &netswitch->port[number];
    bool own = frame->header.from == port->mac || learn(netswitch, number, frame->header.from);
    unsigned target;

    if (!own) {
        port->count[COUNT_SPOOFED]++;
        return;
    }
    if ((frame->header.to & MAC_GROUP) != 0) {
        deliver_to_others(netswitch, number, frame);
        send_up(netswitch, number, frame);
        return;
    }
    target = mac_find(&netswitch->table, frame->header.to);
    if (target == MAC_NOWHERE)
        send_out(netswitch, number, frame);
    else if (target != number)
        deliver(&netswitch->port[target], frame);
}

static void forward_from_port(struct netswitch *netswitch, unsigned number,
                              const struct frame *frame) {
    if (netswitch->has_trunk && netswitch->trunk == number)
        forward_from_outside(netswitch, &netswitch->port[number], number, frame);
    else
        forward_from_inside(netswitch, number, frame);
}

static void take_from_port(struct netswitch *netswitch, unsigned number) {
    struct switch_port *port = &netswitch->port[number];
    struct ring *ring = &port->ring;
    struct ring_descriptor descriptor = ring_get(ring);
    struct frame frame;

    if (net_valid(descriptor, ring->in_size)) {
        frame = frame_at(ring, descriptor);
        port->count[COUNT_RECEIVED]++;
        port->count[COUNT_BYTES] += frame.length;
        forward_from_port(netswitch, number, &frame);
    } else {
        port->count[COUNT_INVALID]++;
    }
    if (port->held == 0)
        ring_done_until(ring, ring->next);
}

static void take_from_uplink(struct netswitch *netswitch) {
    struct switch_port *uplink = &netswitch->uplink;
    struct ring_descriptor descriptor = ring_get(&uplink->ring);
    struct frame frame;

    if (net_valid(descriptor, uplink->ring.in_size)) {
        frame = frame_at(&uplink->ring, descriptor);
        uplink->count[COUNT_RECEIVED]++;
        uplink->count[COUNT_BYTES] += frame.length;
        forward_from_outside(netswitch, uplink, netswitch->port_count, &frame);
    } else if (descriptor.kind != NET_LINK) {
        uplink->count[COUNT_INVALID]++;
    }
    ring_done(&uplink->ring, 1);
}

static void complete(struct netswitch *netswitch, uint32_t position) {
    struct switch_pending pending = netswitch->pending[position % SWITCH_PENDING];
    struct switch_port *port = &netswitch->port[pending.port];

    if (pending.life != port->life || port->held == 0)
        return;
    port->held--;
    ring_done_until(&port->ring, port->held == 0 ? port->ring.next : pending.index + 1);
}

/* Frames before `until` came back from the uplink. */
static void complete_until(struct netswitch *netswitch, uint32_t until) {
    for (; netswitch->completed != until; netswitch->completed++) {
        if ((int32_t)(netswitch->completed - netswitch->abandoned) >= 0)
            complete(netswitch, netswitch->completed);
    }
}

void switch_abandon(struct netswitch *netswitch) {
    uint32_t tail = netswitch->uplink.ring.tail;
    uint32_t completed = netswitch->completed;

    complete_until(netswitch, tail);
    netswitch->completed = completed;
    netswitch->abandoned = tail;
    netswitch->stalled = true;
    netswitch->uplink.credit = 0;
}

static void uplink_changed(struct netswitch *netswitch) {
    for (unsigned i = 0; i < netswitch->port_count; i++) {
        struct switch_port *port = &netswitch->port[i];

        port->held = 0;
        ring_done_until(&port->ring, port->ring.next);
    }
    netswitch->completed = netswitch->uplink.ring.tail;
    netswitch->abandoned = netswitch->completed;
    netswitch->stalled = false;
    netswitch->uplink.credit = 0;
}

static void port_changed(struct netswitch *netswitch, unsigned number) {
    struct switch_port *port = &netswitch->port[number];

    port->life++;
    port->held = 0;
    port->credit = 0;
    if (port->mac == 0)
        mac_forget(&netswitch->table, number);
    port->learned = 0;
}

static void serve_port(struct netswitch *netswitch, unsigned number) {
    struct switch_port *port = &netswitch->port[number];
    uint32_t count;

    if (ring_check(&port->ring) != RING_SAME)
        port_changed(netswitch, number);
    count = ring_available(&port->ring);
    for (uint32_t i = 0; i < count && i < SWITCH_SHARE; i++)
        take_from_port(netswitch, number);
}

static void serve_uplink(struct netswitch *netswitch) {
    struct ring *ring = &netswitch->uplink.ring;
    uint32_t share = SWITCH_SHARE * (netswitch->port_count + 1);
    bool changed = ring_check(ring) != RING_SAME;
    bool broken = !ring_up(ring) && ring->tail != netswitch->completed;
    uint32_t count;

    if (changed || broken)
        uplink_changed(netswitch);
    if (ring_up(ring) && ring->sent != netswitch->completed) {
        ring_space(ring);
        complete_until(netswitch, ring->acked);
        netswitch->stalled &= ring->acked != ring->sent;
    }
    count = ring_available(ring);
    for (uint32_t i = 0; i < count && i < share; i++)
        take_from_uplink(netswitch);
}

void switch_turn(struct netswitch *netswitch) {
    if (netswitch->has_uplink)
        serve_uplink(netswitch);
    for (unsigned i = 0; i < netswitch->port_count; i++)
        serve_port(netswitch, i);
}

/* Much of what the port sent lies behind frames that the uplink holds: soon it can't send. */
static bool port_waits(const struct switch_port *port) {
    const struct ring *ring = &port->ring;

    return port->held > 0 && ring->next - ring->released >= ring->in_depth / 2;
}

static bool any_port_waits(const struct netswitch *netswitch) {
    for (unsigned i = 0; i < netswitch->port_count; i++) {
        if (port_waits(&netswitch->port[i]))
            return true;
    }
    return false;
}

bool switch_waits(const struct netswitch *netswitch) {
    const struct ring *ring = &netswitch->uplink.ring;

    if (!netswitch->has_uplink || netswitch->stalled || !ring_up(ring))
        return false;
    return ring->tail - netswitch->completed >= SWITCH_HELD || any_port_waits(netswitch);
}

/* A driver that has few frames may sleep without looking whether they are out, so it is woken. */
static void prompt_driver(const struct ring *ring, uint32_t *notify) {
    if (*notify != BH_NONE && *notify != ring->slot)
        call_notify(*notify);
    *notify = ring->slot;
}

static bool await_uplink(struct ring *ring, uint32_t *notify) {
    uint32_t held = ring->tail - ring->acked;
    uint32_t enough = held < SWITCH_HELD / 2 ? held : SWITCH_HELD / 2;

    if (held == 0 || !ring_await_release(ring, enough))
        return held == 0;
    if (held < SWITCH_HELD)
        prompt_driver(ring, notify);
    return true;
}

/* Frames that the uplink holds come back with other traffic's wake-ups; they are waited for when
 * they are many, or keep many others. */
static bool settle_uplink(struct netswitch *netswitch, uint32_t *notify) {
    struct ring *ring = &netswitch->uplink.ring;
    bool settled;

    ring_flush_before_wait(ring, notify);
    settled = ring_sleep(ring);
    if (switch_waits(netswitch) || netswitch->stalled)
        settled &= await_uplink(ring, notify);
    return settled;
}

bool switch_settle(struct netswitch *netswitch, uint32_t *notify) {
    bool settled = true;

    for (unsigned i = 0; i < netswitch->port_count; i++) {
        struct ring *ring = &netswitch->port[i].ring;

        ring_flush_before_wait(ring, notify);
        settled &= ring_sleep(ring);
    }
    if (netswitch->has_uplink)
        settled &= settle_uplink(netswitch, notify);
    return settled;
}
