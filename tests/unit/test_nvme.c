/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the NVMe driver's core over a fake controller with a small disk: start, transfers through
 * page lists, to a client's area and to its memory, discards, refusals, and a controller that fails,
 * lies or stands still.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/nvme/nvme.h"
#include "lib/mmio/mmio.h"
#include "tests/unit/link_pair.h"

enum { RINGS_IOVA = 0x100000, AREA_IOVA = 0x10000000, AREA = 1 << 18, BLOCKS = 1000,
       BLOCK = 4096, PER_BLOCK = BLOCK / BLOCK_SECTOR,
       LOW_IOVA = 0x20000000, HIGH_IOVA = 0x180000000, PART = 1 << 18, LISTS = 4 };

static uint32_t registers[NVME_BAR_SIZE / 4];
static struct nvme_rings *rings;
static uint8_t *area, *disk, *memory;
static uint64_t (*lists)[BLOCK_LIST / 8];
static struct nvme *nvme;
static struct link_pair pair;
static struct ring mux;
static enum { WELL, DEAD, NEVER_READY, FATAL, ADMIN_FAILS, ADMIN_STRAYS, SILENT } card;
static uint32_t io_head, io_done, admin_head, admin_done, discarded;
static uint32_t blocks_shift = 12;
static bool has_sq, has_cq;

static void *at(uint64_t iova, uint64_t bytes) {
    if (iova >= AREA_IOVA && iova + bytes <= AREA_IOVA + AREA)
        return area + (iova - AREA_IOVA);
    if (iova >= LOW_IOVA && iova + bytes <= LOW_IOVA + PART)
        return memory + (iova - LOW_IOVA);
    if (iova >= HIGH_IOVA && iova + bytes <= HIGH_IOVA + PART)
        return memory + PART + (iova - HIGH_IOVA);
    assert_true(iova >= RINGS_IOVA && iova + bytes <= RINGS_IOVA + sizeof(*rings));
    return (uint8_t *)rings + (iova - RINGS_IOVA);
}

static void finish(volatile struct nvme_completion *queue, uint32_t depth, uint32_t *index,
                   uint16_t id, uint16_t status) {
    volatile struct nvme_completion *entry = &queue[*index % depth];
    uint16_t phase = (*index / depth + 1) % 2;

    entry->id = id;
    entry->status = (uint16_t)(status << 1 | phase);
    ++*index;
}

/* Queues are made in order, and gone in the other one. */
static void change_queues(const struct nvme_command *command) {
    if (command->opcode == ADMIN_CREATE_CQ) {
        assert_false(has_cq);
        has_cq = true;
        io_done = 0;
    } else if (command->opcode == ADMIN_CREATE_SQ) {
        assert_true(has_cq && !has_sq);
        has_sq = true;
        io_head = 0;
    } else if (command->opcode == ADMIN_DELETE_SQ) {
        assert_true(has_sq);
        has_sq = false;
    } else if (command->opcode == ADMIN_DELETE_CQ) {
        assert_true(has_cq && !has_sq);
        has_cq = false;
    }
}

static void admin(const struct nvme_command *command) {
    uint8_t *identify = rings->identify;

    change_queues(command);
    if (command->opcode == ADMIN_IDENTIFY) {
        memset(identify, 0, 4096);
        if (command->dword10 == IDENTIFY_CONTROLLER) {
            identify[520] = ONCS_DATASET;
        } else {
            memcpy(identify, (uint64_t[]){ BLOCKS }, 8);
            identify[128 + 2] = (uint8_t)blocks_shift;
        }
    }
    finish(rings->admin_done, NVME_ADMIN_DEPTH, &admin_done,
           (uint16_t)(command->id + (card == ADMIN_STRAYS)), card == ADMIN_FAILS);
}

/* Moves the bytes of a transfer page by page, as the two entries and the list say. */
static void transfer(const struct nvme_command *command) {
    uint64_t bytes = (uint64_t)(command->dword12 + 1) * BLOCK;
    uint8_t *place = disk + (uint64_t)command->dword10 * BLOCK;
    uint64_t page = command->prp1, left = bytes, index = 0;
    uint64_t first = 4096 - page % 4096;
    bool list = bytes > first + 4096;

    assert_true((uint64_t)command->dword10 * BLOCK + bytes <= (uint64_t)BLOCKS * BLOCK);
    while (left > 0) {
        uint64_t part = 4096 - page % 4096;

        part = part < left ? part : left;
        if (command->opcode == NVME_READ)
            memcpy(at(page, part), place, part);
        else
            memcpy(place, at(page, part), part);
        place += part;
        left -= part;
        page = list ? *(uint64_t *)at(command->prp2 + 8 * index, 8) : command->prp2;
        index++;
    }
}

static void io(const struct nvme_command *command) {
    if (command->opcode == NVME_READ || command->opcode == NVME_WRITE)
        transfer(command);
    if (command->opcode == NVME_DATASET) {
        struct nvme_range *range = at(command->prp1, sizeof(*range));

        assert_int_equal(command->dword10, 0);
        discarded += range->length;
    }
    finish(rings->done, NVME_DEPTH, &io_done, command->id, 0);
}

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    assert_ptr_equal(base, registers);
    return card == DEAD ? 0xffffffff : registers[offset / 4];
}

static void configure(uint32_t value) {
    uint32_t ready = (value & CC_ENABLE) != 0 && card != NEVER_READY;

    registers[NVME_CSTS / 4] = card == FATAL ? CSTS_FATAL : ready;
    io_head = io_done = admin_head = admin_done = 0;
    has_sq = has_cq = false;
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    assert_ptr_equal(base, registers);
    registers[offset / 4] = value;
    if (offset == NVME_CC)
        configure(value);
    if (offset == NVME_DOORBELLS && card != SILENT)
        while (admin_head % NVME_ADMIN_DEPTH != value)
            admin(&rings->admin[admin_head++ % NVME_ADMIN_DEPTH]);
    if (offset == NVME_DOORBELLS + 8 && card != SILENT)
        while (io_head % NVME_DEPTH != value)
            io(&rings->command[io_head++ % NVME_DEPTH]);
}

static void no_pause(void) {
}

static bool turn(void) {
    uint32_t notify = BH_NONE;

    nvme_turn(nvme);
    return nvme_settle(nvme, &notify);
}

static int setup(void **state) {
    (void)state;
    card = WELL;
    blocks_shift = 12;
    discarded = 0;
    memset(registers, 0, sizeof(registers));
    registers[NVME_CAP_LOW / 4] = 1023;
    rings = calloc(1, sizeof(*rings));
    area = malloc(AREA);
    memory = malloc(2 * PART);
    lists = calloc(LISTS, BLOCK_LIST);
    disk = malloc((size_t)BLOCKS * BLOCK);
    for (unsigned i = 0; i < BLOCKS * BLOCK; i++)
        disk[i] = (uint8_t)(i / 512 + i);
    nvme = calloc(1, sizeof(*nvme));
    nvme->registers = registers;
    nvme->rings = rings;
    nvme->rings_iova = RINGS_IOVA;
    nvme->area[3] = (struct nvme_area){ AREA_IOVA, AREA };
    nvme->memory[3] = (struct nvme_memory){
        .lists = lists[0], .lists_size = LISTS * BLOCK_LIST, .size = 2 * PART, .low_size = PART,
        .low_iova = LOW_IOVA, .high_iova = HIGH_IOVA };
    link_pair_make(&pair, 8192, 4096);
    ring_open(&nvme->link, &pair.a, 1);
    ring_open(&mux, &pair.b, 2);
    ring_check(&nvme->link);
    ring_check(&mux);
    ring_check(&nvme->link);
    return 0;
}

static int setup_started(void **state) {
    setup(state);
    assert_true(nvme_start(nvme, no_pause) && nvme_measure(nvme, no_pause) &&
                nvme_open(nvme, no_pause));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    link_pair_free(&pair);
    free(nvme);
    free(rings);
    free(area);
    free(memory);
    free(lists);
    free(disk);
    return 0;
}

static void ask(uint8_t kind, uint8_t port, uint32_t offset, uint16_t sectors, uint64_t lba,
                uint32_t tag) {
    ring_put(&mux, (struct ring_descriptor){
        .kind = kind, .port = port, .offset = offset, .length = sectors,
        .extra = block_extra(lba, tag) });
    ring_flush(&mux);
}

static struct ring_descriptor answer(void) {
    struct ring_descriptor message;

    assert_true(ring_available(&mux) > 0);
    message = ring_get(&mux);
    ring_done(&mux, 1);
    ring_flush(&mux);
    return message;
}

static enum block_status done(uint8_t kind, uint8_t port, uint32_t offset, uint16_t sectors,
                              uint64_t lba) {
    struct ring_descriptor message;

    ask(kind, port, offset, sectors, lba, 42);
    turn();
    turn();
    message = answer();
    assert_int_equal(message.kind, BLOCK_DONE);
    assert_int_equal(block_tag(message), 42);
    return message.offset;
}

static void test_start_and_size(void **state) {
    (void)state;
    assert_int_equal(nvme->sectors, BLOCKS * PER_BLOCK);
    assert_int_equal(nvme->sectors_per_block, PER_BLOCK);
    nvme_tell(nvme);
    ring_flush(&nvme->link);
    assert_int_equal(answer().extra, BLOCKS * PER_BLOCK);
}

static void test_does_not_start(void **state) {
    (void)state;
    for (card = DEAD; card <= SILENT; card++)
        assert_false(nvme_start(nvme, no_pause));
    card = WELL;
    registers[NVME_CAP_LOW / 4] = 15;
    assert_false(nvme_start(nvme, no_pause));
    assert_false(nvme->running);
}

static void test_namespace_of_no_use(void **state) {
    (void)state;
    assert_true(nvme_start(nvme, no_pause));
    blocks_shift = 13;
    assert_false(nvme_measure(nvme, no_pause));
    blocks_shift = 200;
    assert_false(nvme_measure(nvme, no_pause));
    assert_true(nvme->ready && !nvme->known);
    blocks_shift = 12;
    assert_true(nvme_measure(nvme, no_pause) && nvme->known);
    assert_true(nvme_start(nvme, no_pause) && !nvme->known);
}

/* A client's new life costs nothing but the queues, and its last life's answers are never told. */
static void test_queues_are_made_anew(void **state) {
    (void)state;
    card = SILENT;
    ask(BLOCK_READ, 3, 0, 8, 0, 7);
    turn();
    assert_int_equal(nvme->free_count, NVME_DEPTH - 2);
    card = WELL;
    registers[NVME_CC / 4] = 0x5a5a5a5a;
    for (unsigned i = 0; i < 3 * NVME_ADMIN_DEPTH; i++)
        assert_true(nvme_open(nvme, no_pause));
    assert_int_equal(registers[NVME_CC / 4], 0x5a5a5a5a);
    assert_int_equal(nvme->free_count, NVME_DEPTH - 1);
    assert_int_equal(done(BLOCK_READ, 3, 0, 8, 0), BLOCK_OK);
}

static void test_queues_that_stay(void **state) {
    (void)state;
    card = SILENT;
    assert_false(nvme_open(nvme, no_pause));
    assert_false(nvme->ready || nvme->running);
    card = WELL;
    assert_false(nvme_open(nvme, no_pause));
    assert_true(nvme_start(nvme, no_pause) && nvme_open(nvme, no_pause));
    assert_int_equal(done(BLOCK_READ, 3, 0, 8, 0), BLOCK_OK);
}

static void test_reads_any_length_anywhere(void **state) {
    (void)state;
    for (uint32_t offset = 0; offset < 8192; offset += 512) {
        for (uint16_t sectors = PER_BLOCK; sectors <= BLOCK_MOST; sectors += PER_BLOCK) {
            memset(area, 0, AREA);
            assert_int_equal(done(BLOCK_READ, 3, offset, sectors, 16), BLOCK_OK);
            assert_memory_equal(area + offset, disk + 16 * 512, (size_t)sectors * 512);
            assert_int_equal(area[offset + (size_t)sectors * 512], 0);
        }
    }
}

static void test_writes(void **state) {
    (void)state;
    memset(area, 0x5a, AREA);
    assert_int_equal(done(BLOCK_WRITE, 3, 1024, BLOCK_MOST, 80), BLOCK_OK);
    assert_memory_equal(area, disk + 80 * 512, BLOCK_MOST * 512);
    assert_int_not_equal(disk[80 * 512 - 1], 0x5a);
}

static void test_flush_and_discard(void **state) {
    (void)state;
    assert_int_equal(done(BLOCK_FLUSH, 0, 0, 0, 0), BLOCK_OK);
    assert_int_equal(done(BLOCK_DISCARD, 0, 0, 64, 8), BLOCK_OK);
    assert_int_equal(discarded, 8);
}

static void test_refusals(void **state) {
    (void)state;
    assert_int_equal(done(BLOCK_READ, 2, 0, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 255, 0, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3, AREA - 512, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3, 0, 8, BLOCKS * PER_BLOCK), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3, 0, 16, BLOCKS * PER_BLOCK - 8), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3, 0, 4, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3, 0, 8, 4), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_DONE, 3, 0, 8, 0), BLOCK_REFUSED);
    nvme->discards = false;
    assert_int_equal(done(BLOCK_DISCARD, 0, 0, 8, 0), BLOCK_REFUSED);
}

/* Pages of both parts, in no order; the first one from `offset` on. */
static void list_pages(unsigned list, uint32_t offset) {
    for (uint64_t i = 0; i < BLOCK_LIST / 8; i++)
        lists[list][i] = (i * 37 + 5) % (2 * PART / 4096) * 4096 + (i == 0 ? offset : 0);
}

/* Whether the listed bytes are what is on the disk from this sector on. */
static bool holds(unsigned list, uint64_t sector, uint64_t bytes) {
    const uint8_t *wanted = disk + sector * BLOCK_SECTOR;
    bool same = true;

    for (unsigned i = 0; bytes > 0; i++) {
        uint64_t part = 4096 - lists[list][i] % 4096;

        part = part < bytes ? part : bytes;
        same &= memcmp(memory + lists[list][i], wanted, part) == 0;
        wanted += part;
        bytes -= part;
    }
    return same;
}

static void test_listed_pages(void **state) {
    (void)state;
    for (uint32_t offset = 0; offset < 4096; offset += 512) {
        for (uint16_t sectors = PER_BLOCK; sectors <= BLOCK_MOST; sectors += PER_BLOCK) {
            list_pages(1, offset);
            memset(memory, 0, 2 * PART);
            assert_int_equal(done(BLOCK_READ, 3 | BLOCK_LISTED, BLOCK_LIST, sectors, 16), BLOCK_OK);
            assert_true(holds(1, 16, sectors * 512u));
        }
    }
    list_pages(LISTS - 1, 4);
    memset(memory, 0x77, 2 * PART);
    assert_int_equal(done(BLOCK_WRITE, 3 | BLOCK_LISTED, (LISTS - 1) * BLOCK_LIST, 64, 800),
                     BLOCK_OK);
    assert_true(holds(LISTS - 1, 800, 64 * 512));
    assert_int_equal(disk[800 * 512], 0x77);
    assert_int_not_equal(disk[864 * 512], 0x77);
}

static enum block_status with_entry(unsigned entry, uint64_t value) {
    list_pages(0, 512);
    lists[0][entry] = value;
    return done(BLOCK_READ, 3 | BLOCK_LISTED, 0, BLOCK_MOST, 16);
}

static void test_lists_name_the_clients_memory_only(void **state) {
    (void)state;
    for (unsigned entry = 0; entry <= 32; entry++) {
        assert_int_equal(with_entry(entry, 2 * PART), BLOCK_REFUSED);
        assert_int_equal(with_entry(entry, 2 * PART + (1 << 20)), BLOCK_REFUSED);
        assert_int_equal(with_entry(entry, UINT64_MAX & ~4095ull), BLOCK_REFUSED);
        assert_int_equal(with_entry(entry, 2), BLOCK_REFUSED);
        assert_int_equal(with_entry(entry, 2 * PART - 4096), BLOCK_OK);
        if (entry > 0)
            assert_int_equal(with_entry(entry, 4096 + 512), BLOCK_REFUSED);
    }
    assert_int_equal(nvme->free_count, NVME_DEPTH - 1);
}

static void test_lists_that_are_not_there(void **state) {
    (void)state;
    list_pages(0, 0);
    assert_int_equal(done(BLOCK_READ, 3 | BLOCK_LISTED, 8, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3 | BLOCK_LISTED, LISTS * BLOCK_LIST, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3 | BLOCK_LISTED, 0xfffffe00, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 2 | BLOCK_LISTED, 0, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 127 | BLOCK_LISTED, 0, 8, 0), BLOCK_REFUSED);
    assert_int_equal(done(BLOCK_READ, 3 | BLOCK_LISTED, 0, BLOCK_MOST + 8, 0), BLOCK_REFUSED);
}

static void test_queues_come_round(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(done(BLOCK_READ, 3, 0, 8, i % BLOCKS * 8), BLOCK_OK);
    assert_int_equal(nvme->free_count, NVME_DEPTH - 1);
}

static void test_card_that_answers_at_random(void **state) {
    (void)state;
    card = SILENT;
    ask(BLOCK_READ, 3, 0, 8, 0, 7);
    turn();
    for (unsigned i = 0; i < 64; i++)
        finish(rings->done, NVME_DEPTH, &io_done, (uint16_t)(i * 1021), 0);
    turn();
    assert_true(nvme->stray >= 62);
    assert_true(ring_available(&mux) <= 1);
}

static void test_card_that_stands_still(void **state) {
    (void)state;
    card = SILENT;
    for (unsigned i = 0; i < 200; i++)
        ask(BLOCK_READ, 3, 0, 8, 0, i);
    for (unsigned i = 0; i < 20; i++)
        turn();
    assert_int_equal(nvme->free_count, 0);
    assert_true(turn());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_started, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_start_and_size),
        cmocka_unit_test_setup_teardown(test_does_not_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_namespace_of_no_use, setup, teardown),
        TEST(test_reads_any_length_anywhere), TEST(test_writes), TEST(test_flush_and_discard),
        TEST(test_refusals), TEST(test_listed_pages),
        TEST(test_lists_name_the_clients_memory_only), TEST(test_lists_that_are_not_there),
        TEST(test_queues_come_round), TEST(test_card_that_answers_at_random),
        TEST(test_card_that_stands_still), TEST(test_queues_are_made_anew),
        TEST(test_queues_that_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
