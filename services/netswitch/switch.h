/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A layer-2 switch between clients and one way to the outside: a driver's link (the uplink), or the
 * port of a VM that owns the network card and bridges (the trunk). The core, without set-up, so that
 * it runs on the host as well. Trusts neither clients nor the uplink's driver, nor what they put
 * into frames.
 *
 * Where a frame goes:
 *   from a port     its source must be an address of that port, or it is dropped. A group address:
 *                   every other port and the uplink. A known address: that port alone. Any other:
 *                   the uplink alone, so that no port sees what isn't for it.
 *   from the uplink its source must not be an address of a port. A group address: every port. A
 *                   known address: that port. Any other: dropped.
 *   from the trunk  as from the uplink, but its own address may be the source. What goes to the
 *                   uplink goes to the trunk instead, as a copy: its VM reads no port's memory.
 *
 * Copies. To a port: one, into the area that this port may read; the addresses that were checked
 * are the ones that arrive, whatever the sender does meanwhile. To the uplink: none; the NIC reads
 * the sender's transmit area (its VMM could alter the bytes after the check; its guest cannot).
 *
 * Release. A port's frames are released in order; those that the uplink still reads hold it up. An
 * uplink that stands still for UPLINK_STALL_MS loses what it holds and gets no more until it has
 * caught up, so that a wedged driver doesn't stop the traffic between ports.
 */
#ifndef BULKHEAD_SERVICES_NETSWITCH_SWITCH_H
#define BULKHEAD_SERVICES_NETSWITCH_SWITCH_H

#include "lib/net/net.h"
#include "services/netswitch/mac_table.h"

enum {
    SWITCH_PORTS    = 16,
    SWITCH_SHARE    = 32,      /* frames of one port in a turn; the uplink gets as many a port */
    SWITCH_HELD     = 64,      /* frames that the uplink holds before we ask to be woken */
    SWITCH_LEARNED  = 4,       /* addresses of a port without a bound one */
    SWITCH_PENDING  = 1024,    /* most frames at the uplink; at least its ring's depth */
    UPLINK_STALL_MS = 1000,
};

/* Why a frame went nowhere, and what went where. */
enum switch_counter {
    COUNT_RECEIVED,            /* frames that the port sent us */
    COUNT_SENT,                /* frames that the port got */
    COUNT_BYTES,               /* of the former */
    COUNT_INVALID,             /* not a frame, or outside its area */
    COUNT_SPOOFED,             /* foreign source address */
    COUNT_UNKNOWN,             /* from the uplink, for nobody here */
    COUNT_FULL,                /* the receiver had no room */
    SWITCH_COUNTERS
};

struct switch_port {
    struct ring ring;
    uint64_t mac;              /* bound address, or zero: addresses are learned */
    uint32_t learned;
    uint32_t credit;           /* frames that may be sent without looking at the ring again */
    uint32_t held;             /* frames of this port that the uplink still reads */
    uint32_t life;             /* counts reconnections, so that old completions are recognised */
    uint64_t count[SWITCH_COUNTERS];
};

/* A frame at the uplink: whose, and its position in that port's ring. */
struct switch_pending {
    uint32_t index;
    uint32_t life;
    uint32_t port;
};

struct netswitch {
    struct switch_port port[SWITCH_PORTS];
    unsigned port_count;
    struct switch_port uplink;
    bool     has_uplink;
    bool     has_trunk;
    unsigned trunk;            /* its port's number */
    bool     stalled;
    uint32_t completed;        /* position in the uplink's ring up to which frames came back */
    uint32_t abandoned;        /* frames before this position were released already */
    struct switch_pending pending[SWITCH_PENDING];
    struct mac_table table;
};

/* One bounded share of everybody's work. */
void switch_turn(struct netswitch *netswitch);

/* Publishes, and arms the wake-ups; false: there is more to do. `notify`: lib/service/service.h. */
bool switch_settle(struct netswitch *netswitch, uint32_t *notify);

/* Whether the uplink holds so much that its standing still would matter. */
bool switch_waits(const struct netswitch *netswitch);

/* The uplink stood still too long: releases what it holds. */
void switch_abandon(struct netswitch *netswitch);

#endif
