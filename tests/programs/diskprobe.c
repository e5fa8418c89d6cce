/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the block multiplexer for booted tests: writes patterns all over its extent, reads them
 * back and compares, several requests at a time, and says on its log how it goes. Before that it asks
 * for what it must not get. It goes on when multiplexer or driver are reset. Setting "rounds": how many
 * patterns each worker writes and reads (default 100).
 */
#include "lib/block/block.h"
#include "lib/c/string.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { WORKERS = 7, SLOT = BLOCK_MOST * BLOCK_SECTOR, REPORT = 50, ALIGN = 8 };

enum worker_step { WRITING, READING, DONE };

/* A worker has a slot of the area and a part of the extent of its own; its number is its tag. */
static struct worker {
    enum worker_step step;
    uint64_t rounds;
    uint64_t lba;
    uint32_t sectors;
    uint64_t seed;
} workers[WORKERS];

static struct ring disk;
static uint64_t disk_sectors;
static uint64_t rounds_wanted;
static uint64_t rounds_done;
static uint64_t mismatches;
static uint32_t trespasses_refused;
static uint32_t trespasses_asked;
static uint64_t state = 88172645463325252ull;

static uint64_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void request(uint32_t tag) {
    struct worker *worker = &workers[tag];

    ring_put(&disk, (struct ring_descriptor){
        .kind = worker->step == WRITING ? BLOCK_WRITE : BLOCK_READ, .offset = tag * SLOT,
        .length = (uint16_t)worker->sectors, .extra = block_extra(worker->lba, tag) });
}

static uint64_t *words(uint32_t tag) {
    return (uint64_t *)(void *)(disk.out + (size_t)tag * SLOT);
}

static uint64_t pattern(const struct worker *worker, uint64_t index) {
    return (worker->seed + index) * 0x9e3779b97f4a7c15ull;
}

static void begin_round(uint32_t tag) {
    struct worker *worker = &workers[tag];
    uint64_t part = disk_sectors / WORKERS / ALIGN * ALIGN;
    uint64_t most = part < BLOCK_MOST ? part : BLOCK_MOST;

    worker->step = WRITING;
    worker->sectors = (uint32_t)(next_random() % (most / ALIGN) + 1) * ALIGN;
    worker->lba = tag * part + next_random() % ((part - worker->sectors) / ALIGN + 1) * ALIGN;
    worker->seed = next_random();
    for (uint64_t i = 0; i < worker->sectors * BLOCK_SECTOR / 8; i++)
        words(tag)[i] = pattern(worker, i);
    request(tag);
}

static void begin_reading(uint32_t tag) {
    workers[tag].step = READING;
    memset(words(tag), 0, SLOT);
    request(tag);
}

static void compare(uint32_t tag) {
    struct worker *worker = &workers[tag];

    for (uint64_t i = 0; i < worker->sectors * BLOCK_SECTOR / 8; i++)
        mismatches += words(tag)[i] != pattern(worker, i);
}

static void end_round(uint32_t tag) {
    compare(tag);
    rounds_done++;
    workers[tag].rounds++;
    if (rounds_done % REPORT == 0)
        log_line("verified %lu, mismatches %lu", rounds_done, mismatches);
    if (workers[tag].rounds < rounds_wanted)
        begin_round(tag);
    else
        workers[tag].step = DONE;
    if (rounds_done == rounds_wanted * WORKERS)
        log_line("done, mismatches %lu", mismatches);
}

/* What must be refused: sectors behind the extent, data outside the area, unheard-of kinds. */
static void trespass(void) {
    const struct ring_descriptor wrong[] = {
        { .kind = BLOCK_READ, .length = 8, .extra = block_extra(disk_sectors, 200) },
        { .kind = BLOCK_WRITE, .length = 16, .extra = block_extra(disk_sectors - 8, 201) },
        { .kind = BLOCK_READ, .length = 8, .extra = block_extra(BLOCK_LBA_MASK - 7, 202) },
        { .kind = BLOCK_READ, .length = 8, .offset = 0xfffff000, .extra = block_extra(0, 203) },
        { .kind = 99, .length = 8, .extra = block_extra(0, 204) },
    };

    trespasses_refused = 0;
    trespasses_asked = sizeof(wrong) / sizeof(wrong[0]);
    for (uint32_t i = 0; i < trespasses_asked; i++)
        ring_put(&disk, wrong[i]);
}

static void begin(struct ring_descriptor info) {
    bool anew = disk_sectors == 0;

    disk_sectors = block_lba(info);
    if (anew) {
        log_line("disk of %lu sectors", disk_sectors);
        trespass();
    }
    for (uint32_t tag = 0; tag < WORKERS; tag++) {
        if (anew)
            begin_round(tag);
        else if (workers[tag].step != DONE)
            request(tag);
    }
}

static void take_trespass(uint32_t status) {
    trespasses_refused += status == BLOCK_REFUSED;
    trespasses_asked--;
    if (trespasses_asked == 0)
        log_line("%u trespasses refused", trespasses_refused);
}

static void take(struct ring_descriptor message) {
    uint32_t tag = block_tag(message);

    if (message.kind == BLOCK_INFO)
        begin(message);
    else if (tag >= WORKERS)
        take_trespass(message.offset);
    else if (message.offset != BLOCK_OK)
        log_line("worker %u: error %u", tag, message.offset);
    else if (workers[tag].step == WRITING)
        begin_reading(tag);
    else
        end_round(tag);
}

static void turn(void) {
    ring_check(&disk);
    for (uint32_t n = ring_available(&disk); n > 0; n--) {
        struct ring_descriptor message = ring_get(&disk);

        ring_done(&disk, 1);
        take(message);
    }
}

static bool settle(uint32_t *notify) {
    ring_flush_before_wait(&disk, notify);
    return ring_sleep(&disk);
}

int main(void) {
    static const struct service_program program = { turn, settle, NULL };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "disk0");

    if (link->link.out_size < (uint64_t)WORKERS * SLOT)
        program_stop("link \"disk0\": its area is too small");
    rounds_wanted = manifest_number("rounds", 100);
    ring_open(&disk, link, time_generation());
    service_run(&program);
}
