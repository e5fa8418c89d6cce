/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One disk for many clients, each with an extent of its own. The core, without set-up, so that it
 * runs on the host as well. Trusts neither clients nor the driver; sees no data.
 *
 * A request is checked (kind, data inside the client's area, sectors inside its extent, all in 64
 * bits), moved into the disk's sectors and handed to the driver under a tag of ours. Clients are
 * served in turn, a few requests each, and no client may have more under way than its share of the
 * tags. What the driver answers is believed only for a request that is under way.
 *
 * A driver that starts anew gets all that is under way once more: reading, writing, flushing and
 * discarding twice is harmless. A client that starts anew is not served until the disk has answered
 * what its last life asked for, since that may still be written into its area.
 */
#ifndef BULKHEAD_SERVICES_BLOCKMUX_MUX_H
#define BULKHEAD_SERVICES_BLOCKMUX_MUX_H

#include "lib/block/block.h"

enum {
    MUX_CLIENTS = 16,
    MUX_TAGS    = 256,             /* requests under way at the driver */
    MUX_SHARE   = 8,               /* requests of one client in a turn */
    MUX_SELF    = 17,              /* who asked: we, for the partition table */
    MUX_TABLE   = 128,             /* sectors that hold it, block size 512 to 4096 */
};

struct mux_client {
    struct ring ring;
    uint64_t area;                 /* bytes of its data area */
    uint64_t first;                /* extent, in sectors of the disk */
    uint64_t sectors;
    const char *partition;         /* the extent is this partition of the disk; NULL: as above */
    bool     readonly;
    bool     told;                 /* in this life: what disk it has */
    uint32_t under_way;
    uint32_t life;
    uint64_t requests;
    uint64_t refused;
};

/* A request at the driver. */
struct mux_request {
    struct ring_descriptor forwarded;
    uint32_t client;               /* MUX_CLIENTS: the tag is free */
    uint32_t client_tag;
    uint32_t life;                 /* of the client, when it asked */
};

struct mux {
    struct mux_client client[MUX_CLIENTS];
    unsigned client_count;
    unsigned first_served;         /* who comes first in the next turn */
    struct ring backend;
    bool     disk_known;           /* the driver told what disk there is */
    uint64_t disk_sectors;
    uint32_t disk_flags;           /* enum block_info */
    uint32_t disk_block;           /* bytes */
    const uint8_t *scratch;        /* where the partition table is read to; the last data area */
    bool     table_wanted;         /* some client has a partition */
    bool     table_asked;
    bool     table_known;          /* or known to be missing: extents are final */
    struct mux_request request[MUX_TAGS];
    uint16_t free[MUX_TAGS];
    uint32_t free_count;
    uint64_t stray;                /* answers to nothing */
};

/* extent.c: whether the sectors of a request lie in an extent of so many. */
bool mux_extent_allows(struct ring_descriptor request, uint64_t sectors);

void mux_init(struct mux *mux);

/* Whether the driver has told what disk there is, and the partition table, if any client needs it, was
 * looked for. */
bool mux_extents_known(const struct mux *mux);

/* One bounded share of everybody's work. */
void mux_turn(struct mux *mux);

/* Publishes, arms the wake-ups; false: there is more to do. `notify`: lib/service/service.h. */
bool mux_settle(struct mux *mux, uint32_t *notify);

#endif
