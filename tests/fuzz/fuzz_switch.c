/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile clients and a hostile driver of the switch: the input writes descriptors, indices and
 * frames on any link between turns. One honest pair must get its frames through at the end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/netswitch/switch.h"
#include "tests/unit/link_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORTS = 4, AREA = 8192, HONEST = 2 };

static struct netswitch netswitch;
static struct link_pair pairs[PORTS + 1];
static struct ring honest[2];

static struct ring *switch_end(unsigned i) {
    return i == PORTS ? &netswitch.uplink.ring : &netswitch.port[i].ring;
}

static uint64_t mac_of(unsigned i) {
    return 0x5452 | (uint64_t)i << 40;
}

static void make(void) {
    memset(&netswitch, 0, sizeof(netswitch));
    netswitch.port_count = PORTS;
    netswitch.has_uplink = true;
    for (unsigned i = 0; i <= PORTS; i++) {
        link_pair_make(&pairs[i], 8192, AREA);
        ring_open(switch_end(i), &pairs[i].a, 100 + i);
    }
    for (unsigned i = 0; i < PORTS - 1; i++) {
        netswitch.port[i].mac = mac_of(i);
        mac_add(&netswitch.table, netswitch.port[i].mac, i);
    }
    for (unsigned i = 0; i < HONEST; i++)
        ring_open(&honest[i], &pairs[i].b, 200 + i);
    for (unsigned i = HONEST; i <= PORTS; i++) {
        struct ring_half *half = pairs[i].half_b;

        half->generation = 1;
        half->seen = 100 + i;
    }
}

static void turn(void) {
    uint32_t notify = BH_NONE;

    switch_turn(&netswitch);
    switch_settle(&netswitch, &notify);
    ring_check(&honest[0]);
    ring_check(&honest[1]);
}

/* Six bytes: which link, what to change, a value. Before them one: is a hostile port the trunk? */
static void act(const uint8_t *data) {
    unsigned link = HONEST + data[0] % (PORTS + 1 - HONEST);
    struct ring_half *half = pairs[link].half_b;
    uint32_t value;

    memcpy(&value, data + 2, sizeof(value));
    switch (data[1] % 8) {
    case 0: half->tail += value % 300; break;
    case 1: half->head += value % 8; break;
    case 2: half->head = value; break;
    case 3: half->generation = value; break;
    case 4: half->descriptor[data[0]].offset = value % (AREA + 64); break;
    case 5: half->descriptor[data[0]].length = (uint16_t)value; break;
    case 6: half->descriptor[data[0]].kind = (uint8_t)value % 3; break;
    case 7: memcpy((uint8_t *)pairs[link].area_b + data[0] * 8, &value, 4); break;
    }
}

static void check_honest(void) {
    uint32_t before;
    uint8_t *frame;

    for (unsigned i = 0; i < 20; i++) {
        turn();
        for (uint32_t n = ring_available(&honest[1]); n > 0; n--) {
            ring_get(&honest[1]);
            ring_done(&honest[1], 1);
        }
        ring_flush(&honest[1]);
    }
    before = honest[1].next;
    frame = net_slot(&honest[0]);
    memset(frame, 0, 64);
    memcpy(frame, (uint64_t[]){ mac_of(1) }, 6);
    memcpy(frame + 6, (uint64_t[]){ mac_of(0) }, 6);
    if (net_capacity(&honest[0]) == 0)
        abort();
    net_send(&honest[0], 64);
    ring_flush(&honest[0]);
    turn();
    if (ring_available(&honest[1]) == 0 || honest[1].next != before)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    make();
    if (size > 0) {
        netswitch.has_trunk = data[0] % 2 == 1;
        netswitch.trunk = HONEST;
        data++;
        size--;
    }
    turn();
    turn();
    for (; size >= 6; data += 6, size -= 6) {
        act(data);
        turn();
    }
    for (unsigned i = HONEST; i <= PORTS; i++)
        ((struct ring_half *)pairs[i].half_b)->generation = 0;
    check_honest();
    for (unsigned i = 0; i <= PORTS; i++)
        link_pair_free(&pairs[i]);
    return 0;
}
