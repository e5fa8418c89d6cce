/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which port an Ethernet address is at. Bound addresses come from the description and never move;
 * learned ones are bounded by a quota for each port and never take another's place. Pure.
 *
 * An address is held as the 48 low bits of a number, the first byte of the wire lowest (as a
 * little-endian load of the frame gives it), so bit 0 is the group bit (IEEE 802, 8.2.2).
 */
#ifndef BULKHEAD_SERVICES_NETSWITCH_MAC_TABLE_H
#define BULKHEAD_SERVICES_NETSWITCH_MAC_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MAC_BUCKETS = 64,
    MAC_WAYS    = 4,
    MAC_NOWHERE = 0xff,
};

#define MAC_MASK  0xffffffffffffull
#define MAC_GROUP 1ull

struct mac_table {
    uint64_t mac[MAC_BUCKETS][MAC_WAYS];    /* zero: free */
    uint8_t  port_plus_one[MAC_BUCKETS][MAC_WAYS];   /* zero, too, where it is free */
};

static inline unsigned mac_bucket(uint64_t mac) {
    return (unsigned)(mac * 0x9e3779b97f4a7c15ull >> 58);
}

/* The port of an address, or MAC_NOWHERE. */
static inline unsigned mac_find(const struct mac_table *table, uint64_t mac) {
    unsigned bucket = mac_bucket(mac);

    for (unsigned way = 0; way < MAC_WAYS; way++) {
        if (table->mac[bucket][way] == mac)
            return (uint8_t)(table->port_plus_one[bucket][way] - 1);
    }
    return MAC_NOWHERE;
}

/* False: the address is taken, is zero or a group address, or its bucket is full. */
bool mac_add(struct mac_table *table, uint64_t mac, unsigned port);

/* Forgets every address of a port. */
void mac_forget(struct mac_table *table, unsigned port);

uint64_t mac_from_bytes(const uint8_t bytes[6]);

#endif
