/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile clients and a hostile driver of the block multiplexer. Whatever reaches the driver must lie
 * in its client's extent and area; an honest client is served at the end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/blockmux/mux.h"
#include "tests/unit/link_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 3, AREA = 65536, EXTENT = 1000, HONEST = 0 };

static struct mux mux;
static struct link_pair pairs[CLIENTS + 1];
static struct ring driver, honest;

static void need(int truth) {
    if (!truth)
        abort();
}

static void make(void) {
    memset(&mux, 0, sizeof(mux));
    mux_init(&mux);
    mux.client_count = CLIENTS;
    for (unsigned i = 0; i <= CLIENTS; i++)
        link_pair_make(&pairs[i], 8192, 4096);
    for (unsigned i = 0; i < CLIENTS; i++) {
        mux.client[i].area = AREA;
        mux.client[i].first = i * EXTENT;
        mux.client[i].sectors = EXTENT;
        ring_open(&mux.client[i].ring, &pairs[i].a, 10 + i);
        ((struct ring_half *)pairs[i].half_b)->generation = 1;
        ((struct ring_half *)pairs[i].half_b)->seen = 10 + i;
    }
    ring_open(&honest, &pairs[HONEST].b, 20);
    ring_open(&mux.backend, &pairs[CLIENTS].a, 30);
    ring_open(&driver, &pairs[CLIENTS].b, 40);
}

static void check_request(struct ring_descriptor request) {
    uint64_t first = (uint64_t)block_client(request) * EXTENT;
    uint64_t bytes = (uint64_t)request.length * BLOCK_SECTOR;

    need(block_client(request) < CLIENTS);
    if (request.kind == BLOCK_FLUSH)
        return;
    need(block_lba(request) >= first && block_lba(request) + request.length <= first + EXTENT);
    need(request.kind == BLOCK_DISCARD || block_listed(request) || request.offset + bytes <= AREA);
}

static void turn(int answers) {
    uint32_t notify = BH_NONE;

    mux_turn(&mux);
    mux_settle(&mux, &notify);
    ring_check(&honest);
    ring_check(&driver);
    for (uint32_t n = ring_available(&driver); n > 0; n--) {
        struct ring_descriptor request = ring_get(&driver);

        ring_done(&driver, 1);
        check_request(request);
        if (answers && ring_space(&driver) > 0)
            block_answer(&driver, block_tag(request), BLOCK_OK);
    }
    ring_flush(&driver);
}

/* Ten bytes: which client, what to change, a value. */
static void act(const uint8_t *data) {
    unsigned link = 1 + data[0] % (CLIENTS - 1);
    struct ring_half *half = pairs[link].half_b;
    struct ring_descriptor *descriptor = &half->descriptor[data[0] / 4];
    uint64_t value;

    memcpy(&value, data + 2, sizeof(value));
    switch (data[1] % 8) {
    case 0: half->tail += (uint32_t)value % 300; break;
    case 1: half->head += (uint32_t)value % 8; break;
    case 2: half->generation = (uint32_t)value; break;
    case 3: descriptor->offset = (uint32_t)value % (AREA + 4096); break;
    case 4: descriptor->length = (uint16_t)value; break;
    case 5:
        descriptor->kind = (uint8_t)value % 8;
        descriptor->port = (uint8_t)(value >> 8);
        break;
    case 6: descriptor->extra = value; break;
    case 7: block_answer(&driver, (uint32_t)value & 0xffff, value >> 16 & 3); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    make();
    turn(1);
    turn(1);
    ring_put(&driver, (struct ring_descriptor){
        .kind = BLOCK_INFO, .offset = 512, .extra = block_extra(CLIENTS * EXTENT, 0) });
    turn(1);
    for (; size >= 10; data += 10, size -= 10) {
        if (ring_space(&driver) < 2)
            break;
        act(data);
        turn(1);
    }
    ring_put(&honest, (struct ring_descriptor){
        .kind = BLOCK_READ, .length = 1, .extra = block_extra(0, 1) });
    ring_flush(&honest);
    for (int i = 0; i < 100; i++)
        turn(1);
    need(ring_available(&honest) >= 2);
    for (unsigned i = 0; i <= CLIENTS; i++)
        link_pair_free(&pairs[i]);
    return 0;
}
