/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of addresses (services/netswitch/mac_table.h). Pure. */
#include "services/netswitch/mac_table.h"

bool mac_add(struct mac_table *table, uint64_t mac, unsigned port) {
    unsigned bucket = mac_bucket(mac);
    bool usable = mac != 0 && (mac & MAC_GROUP) == 0;

    if (!usable || mac_find(table, mac) != MAC_NOWHERE)
        return false;
    for (unsigned way = 0; way < MAC_WAYS; way++) {
        if (table->mac[bucket][way] == 0) {
            table->mac[bucket][way] = mac;
            table->port_plus_one[bucket][way] = (uint8_t)(port + 1);
            return true;
        }
    }
    return false;
}

void mac_forget(struct mac_table *table, unsigned port) {
    for (unsigned bucket = 0; bucket < MAC_BUCKETS; bucket++) {
        for (unsigned way = 0; way < MAC_WAYS; way++) {
            if (table->port_plus_one[bucket][way] != port + 1)
                continue;
            table->mac[bucket][way] = 0;
            table->port_plus_one[bucket][way] = 0;
        }
    }
}

uint64_t mac_from_bytes(const uint8_t bytes[6]) {
    uint64_t mac = 0;

    for (unsigned i = 0; i < 6; i++)
        mac |= (uint64_t)bytes[i] << 8 * i;
    return mac;
}
