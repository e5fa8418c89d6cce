/* SPDX-License-Identifier: BSD-2-Clause */
/* See hostile_mux.h. */
#include "tests/fuzz/hostile_mux.h"

#include <stdlib.h>

#include "tests/fuzz/listed.h"
#include "tests/unit/vm_fake.h"

static uint64_t most_sectors;   /* that it ever told of */
static bool lied;

void hostile_mux_begin(void) {
    most_sectors = 0;
    lied = false;
}

bool hostile_mux_lied(void) {
    return lied;
}

void hostile_mux_announce(uint64_t sectors, uint16_t flags) {
    most_sectors = sectors > most_sectors ? sectors : most_sectors;
    if (ring_space(&vm_fake.disk_peer) > 0)
        mux_announce(sectors, flags);
}

static void hear(void) {
    struct ring_descriptor request;
    while (mux_request(&request)) {
        bool valid = block_valid(request, vm_fake.disk_peer.in_size) &&
                     block_tag(request) < BLOCK_TAGS;
        if (!valid || !block_within(block_lba(request), request.length, most_sectors))
            abort();
        listed_check(request);
    }
}

void hostile_mux_answer(struct input *in) {
    uint32_t tag = (uint32_t)take(in, 1) % (FAKE_DISK_SLOTS + 1);
    enum block_status status = take(in, 1) % 4 == 0 ? BLOCK_FAILED : BLOCK_OK;
    if (ring_space(&vm_fake.disk_peer) > 0)
        mux_answer((struct ring_descriptor){ .extra = block_extra(0, tag) }, status);
}

void hostile_mux_answer_all(void) {
    for (uint32_t tag = 0; tag < FAKE_DISK_SLOTS; tag++)
        mux_answer((struct ring_descriptor){ .extra = block_extra(0, tag) }, BLOCK_OK);
}

void hostile_mux_speak(struct input *in) {
    struct ring_descriptor d = { .offset = (uint32_t)take(in, 4), .length = (uint16_t)take(in, 2),
                                 .kind = (uint8_t)take(in, 1), .extra = take(in, 8) };
    if (d.kind == BLOCK_INFO)
        most_sectors = BLOCK_LBA_MASK;
    if (ring_space(&vm_fake.disk_peer) > 0)
        ring_put(&vm_fake.disk_peer, d);
    ring_flush(&vm_fake.disk_peer);
}

void hostile_mux_lie(struct input *in) {
    uint32_t *half = (uint32_t *)(void *)vm_fake.disk_peer.own;
    most_sectors = BLOCK_LBA_MASK;
    lied = true;
    half[take(in, 1) % 128] = (uint32_t)take(in, 4);
}

void hostile_mux_run(unsigned turns) {
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    while (devices_run(&vm_fake.vm) || !devices_settle(&vm_fake.vm))
        if (--turns == 0)
            abort();
    hear();
}
