/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile client of the block multiplexer (ATTACKS.md: F10): writes eight sectors of 0x5a at setting
 * "lba" of the disk that it was given, wherever that lies, and asks for them back. One line: the
 * status of both (lib/block, enum block_status), and whether the answer brought the pattern.
 */
#include "lib/block/block.h"
#include "lib/c/string.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { SECTORS = 8, BYTES = SECTORS * BLOCK_SECTOR, WRITE_TAG = 1, READ_TAG = 2, PATTERN = 0x5a };

static struct ring disk;
static uint64_t lba;
static uint32_t write_status;

static void ask(uint8_t kind, uint32_t tag) {
    ring_put(&disk, (struct ring_descriptor){
        .kind = kind, .length = SECTORS, .extra = block_extra(lba & BLOCK_LBA_MASK, tag) });
}

static void take(struct ring_descriptor message) {
    if (message.kind == BLOCK_INFO) {
        memset(disk.out, PATTERN, BYTES);
        ask(BLOCK_WRITE, WRITE_TAG);
    } else if (block_tag(message) == WRITE_TAG) {
        write_status = message.offset;
        memset(disk.out, 0, BYTES);
        ask(BLOCK_READ, READ_TAG);
    } else {
        log_line("trespass: written %u, read %u, found 0x%x", write_status, message.offset,
                 disk.out[BYTES - 1]);
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

static void woken(void *context) {
    (void)context;
}

int main(void) {
    static const struct service_program program = { turn, settle, NULL };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "disk0");

    lba = manifest_number("lba", 0);
    ring_open(&disk, link, time_generation());
    service_on(service_link_bits(link), woken, NULL);
    service_run(&program);
}
