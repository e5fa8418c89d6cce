/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile client of the block multiplexer (ATTACKS.md: F10): writes eight sectors of 0x5a at setting
 * "lba" of the disk that it was given, wherever that lies, and asks for them back. One line: the
 * status of both (lib/block, enum block_status), and whether the answer brought the pattern.
 *
 * Zero-copy: the data is its own memory's, and what it asks back goes to offset "memory" there, which
 * may not be its own. With "watch" it only says again and again whether its memory is as it was.
 */
#include "lib/block/block.h"
#include "lib/c/string.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { SECTORS = 8, BYTES = SECTORS * BLOCK_SECTOR, WRITE_TAG = 1, READ_TAG = 2, PATTERN = 0x5a,
       UNTOUCHED = 0x11, LOOK_MS = 500 };

static struct ring disk;
static uint64_t lba;
static uint32_t write_status;
static uint8_t *memory;            /* zero-copy: ours */
static uint64_t memory_size;
static volatile uint64_t *lists;
static uint64_t target;            /* where in `memory` the data that we ask for goes */

static void ask(uint8_t kind, uint32_t tag, uint64_t at) {
    uint8_t port = 0;

    if (lists != NULL) {
        lists[0] = at;
        port = BLOCK_LISTED;
    }
    ring_put(&disk, (struct ring_descriptor){
        .kind = kind, .port = port, .length = SECTORS,
        .extra = block_extra(lba & BLOCK_LBA_MASK, tag) });
}

static uint8_t *data(void) {
    return lists != NULL ? memory : disk.out;
}

static void take(struct ring_descriptor message) {
    if (message.kind == BLOCK_INFO) {
        memset(data(), PATTERN, BYTES);
        ask(BLOCK_WRITE, WRITE_TAG, 0);
    } else if (block_tag(message) == WRITE_TAG) {
        write_status = message.offset;
        memset(data(), 0, BYTES);
        ask(BLOCK_READ, READ_TAG, target);
    } else {
        log_line("trespass: written %u, read %u, found 0x%x", write_status, message.offset,
                 data()[BYTES - 1]);
    }
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

static void find_memory(void) {
    const struct bh_manifest_entry *entry = manifest_find(BH_ENTRY_REGION, "disk0.lists");
    const struct bh_manifest_entry *ram = manifest_need(BH_ENTRY_REGION, "ram.low");

    memory = manifest_address(ram);
    memory_size = ram->size;
    target = manifest_number("memory", 0);
    lists = entry == NULL ? NULL : manifest_address(entry);
}

static bool is_untouched(void) {
    for (uint64_t i = 0; i < memory_size; i++) {
        if (((volatile uint8_t *)memory)[i] != UNTOUCHED)
            return false;
    }
    return true;
}

static _Noreturn void watch(void) {
    uint64_t bits;

    memset(memory, UNTOUCHED, memory_size);
    for (;;) {
        call_wait(time_after_ms(LOOK_MS), &bits);
        log_poll();
        log_line("trespass: my memory is %s", is_untouched() ? "untouched" : "spoiled");
    }
}

int main(void) {
    static const struct service_program program = { turn, settle, NULL };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "disk0");

    find_memory();
    if (manifest_number("watch", 0) != 0)
        watch();
    lba = manifest_number("lba", 0);
    ring_open(&disk, link, time_generation());
    service_run(&program);
}
