/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest whose disk or network lies (tests/programs/liar.c). By its command line's first word:
 *   disk   reads a sector over and over; after each answer the buffer is its own again, and nobody
 *          else may write there
 *   net    takes no frames for a while, then counts those that come
 * It says on COM1 how it went.
 */
#include "virtio.h"

enum { ROUNDS = 40, SECTOR = 512, MARK = 0xee, TRIES = 100 };
enum { FRAMES = 64, FRAME_ROOM = 2048, NEVER_ENDS = 1000 };
enum { DEVICE_BAR = 4, DEVICE_CONFIG = 0x2000 };
#define MOMENT 0x08000000ull         /* TSC ticks: about 50 ms */

void main(const uint8_t *zero_page);

static void report(const char *before, unsigned number, const char *after) {
    say("client: ");
    say(before);
    say_number(number);
    say(after);
    say("\n");
}

static uint64_t now(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void wait_moment(void) {
    for (uint64_t end = now() + MOMENT; now() < end;)
        pause();
}

/* ---- The disk ---- */

static uint8_t header[16];           /* virtio 5.2.6: a read of sector 0 */
static volatile uint8_t sector[SECTOR];
static volatile uint8_t status;

static void wait_for_disk(void) {
    volatile uint8_t *config = device_memory(bar(find_device(DISK_ID), DEVICE_BAR) + DEVICE_CONFIG);
    while (read32(config) == 0)
        pause();
}

static int is_answered(void) {
    for (unsigned i = 0; i < TRIES; i++)
        if (virtio_outcome() == SERVED)
            return 1;
    return 0;
}

static int is_altered(void) {
    for (unsigned i = 0; i < SECTOR; i++)
        sector[i] = MARK;
    wait_moment();
    for (unsigned i = 0; i < SECTOR; i++)
        if (sector[i] != MARK)
            return 1;
    return 0;
}

static void disk(void) {
    unsigned altered = 0;
    virtio_table[0] = (struct descriptor){ address_of(header), sizeof(header), NEXT, 1 };
    virtio_table[1] = (struct descriptor){ address_of(sector), SECTOR, NEXT | WRITE, 2 };
    virtio_table[2] = (struct descriptor){ address_of(&status), 1, WRITE, 0 };
    virtio_start(DISK_ID, virtio_table);
    wait_for_disk();
    for (unsigned i = 0; i < ROUNDS; i++) {
        virtio_offer(0);
        if (!is_answered()) {
            report("the disk is silent after ", i, " reads");
            return;
        }
        altered += (unsigned)is_altered();
    }
    report("all reads answered, ", altered, " buffers altered afterwards");
}

/* ---- The network ---- */

static uint8_t frames[FRAMES][FRAME_ROOM];

static void net(void) {
    unsigned count = 0;
    for (uint16_t i = 0; i < FRAMES; i++)
        virtio_table[i] = (struct descriptor){ address_of(frames[i]), FRAME_ROOM, WRITE, 0 };
    virtio_start(NETWORK_ID, virtio_table);
    for (unsigned i = 0; i < TRIES; i++)
        wait_moment();
    for (uint16_t i = 0; i < FRAMES; i++)
        virtio_offer(i);
    for (unsigned i = 0; i < TRIES && count < NEVER_ENDS; i++) {
        wait_moment();
        for (; (uint16_t)count != virtio_used[1]; count++)
            virtio_offer(virtio_used[2 + 4 * (count % QUEUE_SIZE)]);
    }
    if (count < NEVER_ENDS)
        report("", count, " frames came");
    else
        report("more than ", NEVER_ENDS, " frames came");
}

void main(const uint8_t *zero_page) {
    const char *line = command_line(zero_page);
    if (line && first_word_is(line, "disk"))
        disk();
    else
        net();
    say("client: still here\n");
    rest();
}
