/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the NVMe driver's core over a fake controller with a small disk: start, transfers through
 * page lists, discards, refusals, and a controller that fails, lies or stands still.
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
       BLOCK = 4096, PER_BLOCK = BLOCK / BLOCK_SECTOR };

static uint32_t registers[NVME_BAR_SIZE / 4];
static struct nvme_rings *rings;
static uint8_t *area, *disk;
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
    assert_true(iova >= RINGS_IOVA && iova + bytes <= RINGS_IOVA + sizeof(*rings));
    return (uint8_t *)rings + (iova - RINGS_IOVA);
}

static void finish(struct nvme_completion *queue, uint32_t depth, uint32_t *index, uint16_t id,
                   uint16_t status) {
    struct nvme_completion *entry = &queue[*index % depth];
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
    disk = malloc((size_t)BLOCKS * BLOCK);
    for (unsigned i = 0; i < BLOCKS * BLOCK; i++)
        disk[i] = (uint8_t)(i / 512 + i);
    nvme = calloc(1, sizeof(*nvme));
    nvme->registers = registers;
    nvme->rings = rings;
    nvme->rings_iova = RINGS_IOVA;
    nvme->area[3] = (struct nvme_area){ AREA_IOVA, AREA };
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
        TEST(test_refusals), TEST(test_queues_come_round), TEST(test_card_that_answers_at_random),
        TEST(test_card_that_stands_still), TEST(test_queues_are_made_anew),
        TEST(test_queues_that_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
