/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile server in place of the block multiplexer or the switch (ATTACKS.md: F3). Each VM that
 * it serves is told the lie that its name says; requests are answered, so that there is something
 * to lie about, but no data moves.
 *
 *   twice      answers a disk's request again and again
 *   nowhere    answers requests whose tags nobody ever had
 *   sizes      tells of another size of the disk all the time
 *   restarts   begins a new life all the time
 *   tailjump   answers a while, then moves its indices far ahead
 *   outside    sends frames that lie outside its area, and good ones between them
 *   endless    sends three frames to a guest that takes them, then moves its tail far ahead
 */
#include "lib/block/block.h"
#include "lib/c/string.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/net/net.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { VICTIMS = 16, TICK_MS = 20, SECTORS = 2048, HONEST = 10, FRAMES = 3, FRAME = 60,
       WAITED = 100 };
#define FAR_AHEAD 0x40000000u

struct victim {
    struct ring ring;
    const struct bh_manifest_entry *link;
    const struct lie *lie;
    uint32_t last_tag;
    uint32_t told;                   /* lies, answers or ticks, as the lie counts */
};

struct lie {
    const char *name;
    void (*tell)(struct victim *victim);     /* each tick, with space in the ring */
    bool frames;
};

static struct victim victims[VICTIMS];
static uint32_t victim_count;
static uint64_t next_tick;

static void tell_size(struct victim *victim, uint64_t sectors, uint16_t flags) {
    ring_put(&victim->ring, (struct ring_descriptor){
        .kind = BLOCK_INFO, .length = flags, .offset = BLOCK_SECTOR, .extra = sectors });
}

static void tell_twice(struct victim *victim) {
    if (victim->told > 0)
        block_answer(&victim->ring, victim->last_tag, BLOCK_OK);
}

/* The highest tags first. */
static void tell_nowhere(struct victim *victim) {
    enum { APART = 251, A_TICK = 16 };

    for (uint32_t i = 0; i < A_TICK && ring_space(&victim->ring) > 0; i++)
        block_answer(&victim->ring, 0xffffu - victim->told++ * APART % 0xff00u, BLOCK_OK);
}

static void tell_sizes(struct victim *victim) {
    static const uint64_t sizes[] = { SECTORS, 0, BLOCK_LBA_MASK, 1 };

    tell_size(victim, sizes[victim->told % 4], (uint16_t)(victim->told * 0x1111u));
    victim->told++;
}

static void tell_restarts(struct victim *victim) {
    ring_open(&victim->ring, victim->link, time_generation());
}

static void jump(struct victim *victim) {
    ring_flush(&victim->ring);
    __atomic_store_n(&victim->ring.own->head, victim->ring.head + FAR_AHEAD, __ATOMIC_RELEASE);
    __atomic_store_n(&victim->ring.own->tail, victim->ring.tail + FAR_AHEAD, __ATOMIC_SEQ_CST);
    call_notify(victim->ring.slot);
}

/* Who asks once more has taken all answers. */
static void tell_tailjump(struct victim *victim) {
    if (victim->told > HONEST)
        jump(victim);
}

static struct ring_descriptor frame_at(uint32_t offset, uint16_t length) {
    return (struct ring_descriptor){ .kind = NET_FRAME, .offset = offset, .length = length };
}

static void tell_outside(struct victim *victim) {
    const struct ring_descriptor frames[] = {
        frame_at(0, FRAME), frame_at((uint32_t)victim->ring.out_size - FRAME / 2, FRAME),
        frame_at(0xfffff000u, FRAME), frame_at(0x80000000u, FRAME), frame_at(0, 0xffff),
    };

    if (ring_space(&victim->ring) < sizeof(frames) / sizeof(frames[0]))
        return;
    for (uint32_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        ring_put(&victim->ring, frames[i]);
}

/* Frames that nobody takes for so many ticks on end wait for a guest that has a driver; once they are
 * taken, it is there. Without one its monitor takes them at once, or late when it has no turn. */
static void tell_endless(struct victim *victim) {
    uint32_t held = victim->ring.tail - victim->ring.acked;

    if (victim->told > WAITED && held == 0) {
        jump(victim);
    } else if (held == FRAMES) {
        victim->told++;
    } else if (victim->told <= WAITED) {
        victim->told = 0;
        ring_put(&victim->ring, frame_at(0, FRAME));
    }
}

static const struct lie lies[] = {
    { "twice", tell_twice, false },       { "nowhere", tell_nowhere, false },
    { "sizes", tell_sizes, false },       { "restarts", tell_restarts, false },
    { "tailjump", tell_tailjump, false }, { "outside", tell_outside, true },
    { "endless", tell_endless, true },
};

/* ---- The service ---- */

static void answer(struct victim *victim, struct ring_descriptor request) {
    bool jumps = victim->lie->tell == tell_tailjump;

    victim->last_tag = block_tag(request);
    if (ring_space(&victim->ring) == 0)
        return;
    if (jumps || victim->lie->tell == tell_twice)
        victim->told++;
    if (!jumps || victim->told <= HONEST)
        block_answer(&victim->ring, victim->last_tag, BLOCK_OK);
}

static void serve(struct victim *victim) {
    struct ring *ring = &victim->ring;

    if (ring_check(ring) == RING_NEW && !victim->lie->frames)
        tell_size(victim, SECTORS, 0);
    for (uint32_t n = ring_available(ring); n > 0; n--) {
        struct ring_descriptor request = ring_get(ring);

        ring_done(ring, 1);
        if (!victim->lie->frames)
            answer(victim, request);
    }
}

static void turn(void) {
    bool tick = time_now() >= next_tick;

    if (tick)
        next_tick = time_after_ms(TICK_MS);
    for (uint32_t i = 0; i < victim_count; i++) {
        serve(&victims[i]);
        if (tick && ring_space(&victims[i].ring) > 0)
            victims[i].lie->tell(&victims[i]);
    }
}

static bool settle(uint32_t *notify) {
    bool settled = true;

    for (uint32_t i = 0; i < victim_count; i++) {
        ring_flush_before_wait(&victims[i].ring, notify);
        settled &= ring_sleep(&victims[i].ring);
    }
    return settled;
}

static uint64_t deadline(void) {
    return next_tick;
}

static const struct lie *lie_for(const char *name) {
    for (uint32_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        if (strcmp(lies[i].name, name) == 0)
            return &lies[i];
    }
    program_stop("liar: no lie \"%s\"", name);
}

static void open_all(const char *kind) {
    uint32_t count = manifest_count(BH_ENTRY_LINK, kind, VICTIMS);

    for (uint32_t i = 0; i < count; i++) {
        struct victim *victim = &victims[victim_count++];

        victim->link = manifest_find_numbered(BH_ENTRY_LINK, kind, i, "");
        victim->lie = lie_for(victim->link->link.peer);
        ring_open(&victim->ring, victim->link, time_generation());
    }
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };

    open_all("client");
    open_all("port");
    next_tick = time_after_ms(TICK_MS);
    service_run(&program);
}
