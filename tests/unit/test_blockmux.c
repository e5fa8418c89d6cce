/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the block multiplexer's core: extents, refusals, tags, fairness, new lives of clients and
 * of the driver.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "services/blockmux/gpt.h"
#include "services/blockmux/mux.h"
#include "tests/unit/link_pair.h"

enum { CLIENTS = 3, AREA = 1 << 20, DISK = 100000 };

static struct mux *mux;
static struct link_pair pairs[CLIENTS + 1];
static struct ring clients[CLIENTS];
static struct ring driver;

static bool turn(void) {
    uint32_t notify = BH_NONE;
    bool settled;

    mux_turn(mux);
    settled = mux_settle(mux, &notify);
    for (unsigned i = 0; i < CLIENTS; i++)
        ring_check(&clients[i]);
    ring_check(&driver);
    return settled;
}

static void driver_tells(void) {
    ring_put(&driver, (struct ring_descriptor){
        .kind = BLOCK_INFO, .offset = 512, .length = BLOCK_INFO_DISCARD,
        .extra = block_extra(DISK, 0) });
    ring_flush(&driver);
}

static int setup(void **state) {
    static const uint64_t firsts[CLIENTS] = { 1000, 2000, 99990 };

    (void)state;
    mux = calloc(1, sizeof(*mux));
    mux_init(mux);
    mux->client_count = CLIENTS;
    for (unsigned i = 0; i <= CLIENTS; i++)
        link_pair_make(&pairs[i], 8192, 4096);
    for (unsigned i = 0; i < CLIENTS; i++) {
        mux->client[i].area = AREA;
        mux->client[i].first = firsts[i];
        mux->client[i].sectors = 1000;
        ring_open(&mux->client[i].ring, &pairs[i].a, 10 + i);
        ring_open(&clients[i], &pairs[i].b, 20 + i);
    }
    mux->client[1].readonly = true;
    ring_open(&mux->backend, &pairs[CLIENTS].a, 30);
    ring_open(&driver, &pairs[CLIENTS].b, 40);
    turn();
    turn();
    driver_tells();
    turn();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (unsigned i = 0; i <= CLIENTS; i++)
        link_pair_free(&pairs[i]);
    free(mux);
    return 0;
}

static struct ring_descriptor take(struct ring *ring) {
    struct ring_descriptor message;

    assert_true(ring_available(ring) > 0);
    message = ring_get(ring);
    ring_done(ring, 1);
    ring_flush(ring);
    return message;
}

static void drop_info(void) {
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(take(&clients[i]).kind, BLOCK_INFO);
    turn();
}

static void ask(unsigned client, uint8_t kind, uint32_t offset, uint16_t sectors, uint64_t lba,
                uint32_t tag) {
    ring_put(&clients[client], (struct ring_descriptor){
        .kind = kind, .offset = offset, .length = sectors, .extra = block_extra(lba, tag) });
    ring_flush(&clients[client]);
}

static void driver_answers(struct ring_descriptor request, enum block_status status) {
    block_answer(&driver, block_tag(request), status);
    ring_flush(&driver);
}

static void test_clients_learn_their_extent(void **state) {
    struct ring_descriptor info[CLIENTS];

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++)
        info[i] = take(&clients[i]);
    assert_int_equal(block_lba(info[0]), 1000);
    assert_int_equal(info[0].length, BLOCK_INFO_DISCARD);
    assert_int_equal(info[1].length, BLOCK_INFO_READONLY);
    assert_int_equal(block_lba(info[2]), 10);          /* cut at the disk's end */
}

static void test_request_and_answer(void **state) {
    struct ring_descriptor request, answer;

    (void)state;
    drop_info();
    ask(0, BLOCK_WRITE, 4096, 8, 7, 200);
    turn();
    request = take(&driver);
    assert_int_equal(request.kind, BLOCK_WRITE);
    assert_int_equal(request.port, 0);
    assert_int_equal(request.offset, 4096);
    assert_int_equal(block_lba(request), 1007);
    driver_answers(request, BLOCK_OK);
    turn();
    answer = take(&clients[0]);
    assert_int_equal(answer.kind, BLOCK_DONE);
    assert_int_equal(answer.offset, BLOCK_OK);
    assert_int_equal(block_tag(answer), 200);
    assert_int_equal(mux->free_count, MUX_TAGS);
}

static void refused(unsigned client, uint8_t kind, uint32_t offset, uint16_t sectors, uint64_t lba,
                    enum block_status status) {
    struct ring_descriptor answer;

    ask(client, kind, offset, sectors, lba, 5);
    turn();
    assert_int_equal(ring_available(&driver), 0);
    answer = take(&clients[client]);
    assert_int_equal(answer.offset, status);
    assert_int_equal(block_tag(answer), 5);
    turn();
}

static void test_refusals(void **state) {
    (void)state;
    drop_info();
    refused(0, BLOCK_READ, 0, 1, 1000, BLOCK_REFUSED);
    refused(0, BLOCK_READ, 0, 2, 999, BLOCK_REFUSED);
    refused(0, BLOCK_READ, 0, 8, BLOCK_LBA_MASK, BLOCK_REFUSED);
    refused(0, BLOCK_READ, 0, 8, BLOCK_LBA_MASK - 7, BLOCK_REFUSED);
    refused(0, BLOCK_READ, 0, 0, 0, BLOCK_REFUSED);
    refused(0, BLOCK_READ, 0, BLOCK_MOST + 1, 0, BLOCK_REFUSED);
    refused(0, BLOCK_READ, 256, 1, 0, BLOCK_REFUSED);
    refused(0, BLOCK_WRITE, AREA - 512, 2, 0, BLOCK_REFUSED);
    refused(0, BLOCK_WRITE, 0xfffffe00, 2, 0, BLOCK_REFUSED);
    refused(0, 0, 0, 1, 0, BLOCK_REFUSED);
    refused(0, BLOCK_DONE, 0, 1, 0, BLOCK_REFUSED);
    refused(0, BLOCK_INFO, 0, 1, 0, BLOCK_REFUSED);
    refused(0, BLOCK_DISCARD, 0, 2, 999, BLOCK_REFUSED);
    refused(0, BLOCK_DISCARD, 0, BLOCK_DISCARD_MOST + 1, 0, BLOCK_REFUSED);
    refused(1, BLOCK_WRITE, 0, 1, 0, BLOCK_READONLY);
    refused(1, BLOCK_DISCARD, 0, 1, 0, BLOCK_READONLY);
    refused(2, BLOCK_READ, 0, 1, 10, BLOCK_REFUSED);
}

static void test_driver_that_lies(void **state) {
    struct ring_descriptor request;

    (void)state;
    drop_info();
    ask(0, BLOCK_READ, 0, 8, 0, 1);
    turn();
    request = take(&driver);
    block_answer(&driver, 0xffff, BLOCK_OK);
    block_answer(&driver, (block_tag(request) + 1) % MUX_TAGS, BLOCK_OK);
    driver_answers(request, 77);
    driver_answers(request, BLOCK_OK);
    turn();
    assert_int_equal(mux->stray, 3);
    assert_int_equal(take(&clients[0]).offset, BLOCK_FAILED);
    assert_int_equal(ring_available(&clients[0]), 0);
}

static void test_flood_gets_its_share(void **state) {
    unsigned from[CLIENTS] = { 0 };

    (void)state;
    drop_info();
    for (unsigned i = 0; i < 256; i++)
        ask(0, BLOCK_READ, 0, 1, 0, i);
    ask(1, BLOCK_READ, 0, 1, 0, 0);
    for (unsigned i = 0; i < 100; i++)
        turn();
    for (uint32_t n = ring_available(&driver); n > 0; n--)
        from[take(&driver).port]++;
    assert_int_equal(from[0], MUX_TAGS / CLIENTS);
    assert_int_equal(from[1], 1);
    assert_true(turn());
}

static void test_client_that_takes_no_answers(void **state) {
    unsigned answered = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        if (ring_space(&clients[0]) > 0)
            ask(0, BLOCK_READ, 0, 1, 0, i % BLOCK_TAGS);
        turn();
        for (uint32_t n = ring_available(&driver); n > 0; n--, answered++)
            driver_answers(take(&driver), BLOCK_OK);
    }
    assert_int_equal(answered, 255);                   /* one place holds the first message */
    assert_int_equal(mux->free_count, MUX_TAGS);
    assert_true(turn());
}

static void test_driver_in_a_new_life_gets_all_again(void **state) {
    (void)state;
    drop_info();
    ask(0, BLOCK_WRITE, 0, 8, 3, 9);
    ask(1, BLOCK_READ, 0, 8, 4, 9);
    turn();
    assert_int_equal(ring_available(&driver), 2);
    ring_open(&driver, &pairs[CLIENTS].b, 77);
    turn();
    turn();
    assert_int_equal(ring_available(&driver), 2);
    driver_answers(take(&driver), BLOCK_OK);
    driver_answers(take(&driver), BLOCK_OK);
    turn();
    assert_int_equal(take(&clients[0]).offset, BLOCK_OK);
    assert_int_equal(take(&clients[1]).offset, BLOCK_OK);
}

static void test_client_in_a_new_life_waits_for_the_old(void **state) {
    struct ring_descriptor old;

    (void)state;
    drop_info();
    ask(0, BLOCK_READ, 0, 8, 0, 3);
    turn();
    old = take(&driver);
    ring_open(&clients[0], &pairs[0].b, 99);
    turn();
    turn();
    assert_int_equal(ring_available(&clients[0]), 0);
    ask(0, BLOCK_READ, 0, 8, 0, 4);
    turn();
    assert_int_equal(ring_available(&driver), 0);
    driver_answers(old, BLOCK_OK);
    turn();
    assert_int_equal(take(&clients[0]).kind, BLOCK_INFO);
    turn();
    assert_int_equal(ring_available(&clients[0]), 0);
    assert_int_equal(ring_available(&driver), 1);
}

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void put(uint8_t *bytes, uint64_t value, unsigned width) {
    memcpy(bytes, &value, width);
}

static void put_partition(uint8_t *entry, const char *name, uint64_t first, uint64_t last) {
    entry[0] = 1;
    put(entry + 32, first, 8);
    put(entry + 40, last, 8);
    for (unsigned i = 0; name[i] != 0; i++)
        entry[56 + 2 * i] = (uint8_t)name[i];
}

/* A table with the partitions boot (2048 to 4095) and root (4096 to 8191). */
static uint8_t *make_table(uint32_t block) {
    uint8_t *bytes = calloc(MUX_TABLE, BLOCK_SECTOR);
    uint8_t *header = bytes + block;
    uint8_t *entries = bytes + 2 * block;

    memcpy(header, "EFI PART", 8);
    put(header + 12, 92, 4);
    put(header + 24, 1, 8);
    put(header + 72, 2, 8);
    put(header + 80, 128, 4);
    put(header + 84, 128, 4);
    put_partition(entries, "boot", 2048, 4095);
    put_partition(entries + 3 * 128, "root", 4096, 8191);
    put(header + 88, crc_of(entries, 128 * 128), 4);
    put(header + 16, crc_of(header, 92), 4);
    return bytes;
}

static bool find(const uint8_t *bytes, uint32_t block, uint64_t disk, const char *name) {
    struct gpt_extent extent;

    return gpt_find(bytes, MUX_TABLE * BLOCK_SECTOR, block, disk, name, &extent);
}

static void test_partitions(void **state) {
    struct gpt_extent extent;

    (void)state;
    for (uint32_t block = 512; block <= 4096; block *= 8) {
        uint8_t *bytes = make_table(block);
        uint64_t disk = 8192 * (block / 512);

        assert_true(gpt_find(bytes, 65536, block, disk, "root", &extent));
        assert_int_equal(extent.first, 4096 * (block / 512));
        assert_int_equal(extent.sectors, 4096 * (block / 512));
        assert_true(find(bytes, block, disk, "1"));
        assert_true(find(bytes, block, disk, "4"));
        assert_false(find(bytes, block, disk, "2"));
        assert_false(find(bytes, block, disk, "roo"));
        assert_false(find(bytes, block, disk, "roots"));
        assert_false(find(bytes, block, disk, ""));
        assert_false(find(bytes, block, disk - 1, "root"));
        bytes[2 * block + 56] ^= 1;
        assert_false(find(bytes, block, disk, "root"));
        free(bytes);
    }
}

static void test_broken_tables(void **state) {
    uint8_t *bytes = make_table(512);

    (void)state;
    for (unsigned i = 0; i < 92; i++) {
        bytes[512 + i] ^= 0x10;
        assert_false(find(bytes, 512, 8192, "root"));
        bytes[512 + i] ^= 0x10;
    }
    assert_false(find(bytes, 0, 8192, "root"));
    assert_false(find(bytes, 1 << 20, 8192, "root"));
    put(bytes + 512 + 80, 0xffffffff, 4);
    put(bytes + 512 + 16, 0, 4);
    put(bytes + 512 + 16, crc_of(bytes + 512, 92), 4);
    assert_false(find(bytes, 512, 8192, "root"));
    free(bytes);
}

static void test_extent_by_partition(void **state) {
    struct ring_descriptor request;
    uint8_t *bytes = make_table(512);

    (void)state;
    drop_info();
    mux->client[0].partition = "root";
    mux->client[1].partition = "nowhere";
    mux->table_wanted = true;
    mux->scratch = bytes;
    ring_open(&clients[0], &pairs[0].b, 99);
    ring_open(&clients[1], &pairs[1].b, 99);
    turn();
    turn();
    driver_tells();
    turn();
    request = take(&driver);
    assert_int_equal(request.port, CLIENTS);
    assert_int_equal(request.length, MUX_TABLE);
    assert_int_equal(ring_available(&clients[0]), 0);
    driver_answers(request, BLOCK_OK);
    turn();
    assert_int_equal(block_lba(take(&clients[0])), 4096);
    assert_int_equal(block_lba(take(&clients[1])), 0);
    ask(0, BLOCK_READ, 0, 1, 5, 1);
    turn();
    assert_int_equal(block_lba(take(&driver)), 4096 + 5);
    free(bytes);
}

static void partitions_of(const char *first, const char *second, bool readonly, uint64_t sectors) {
    struct ring_descriptor request;
    uint8_t *bytes = make_table(512);

    drop_info();
    mux->client[0].partition = first;
    mux->client[1].partition = second;
    mux->client[0].readonly = mux->client[1].readonly = readonly;
    mux->client[2].sectors = 0;
    mux->table_wanted = true;
    mux->scratch = bytes;
    driver_tells();
    turn();
    request = take(&driver);
    driver_answers(request, BLOCK_OK);
    turn();
    assert_int_equal(mux->client[0].sectors, 4096);
    assert_int_equal(mux->client[1].sectors, sectors);
    free(bytes);
}

static void test_one_partition_for_two(void **state) {
    (void)state;
    partitions_of("root", "4", false, 0);
}

static void test_one_partition_for_two_readers(void **state) {
    (void)state;
    partitions_of("root", "4", true, 4096);
}

static void test_two_partitions(void **state) {
    (void)state;
    partitions_of("root", "boot", false, 2048);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_clients_learn_their_extent), TEST(test_request_and_answer),
        TEST(test_refusals), TEST(test_driver_that_lies), TEST(test_flood_gets_its_share),
        TEST(test_client_that_takes_no_answers), TEST(test_driver_in_a_new_life_gets_all_again),
        TEST(test_client_in_a_new_life_waits_for_the_old),
        cmocka_unit_test(test_partitions), cmocka_unit_test(test_broken_tables),
        TEST(test_extent_by_partition), TEST(test_one_partition_for_two),
        TEST(test_one_partition_for_two_readers), TEST(test_two_partitions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
