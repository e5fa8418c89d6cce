/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated CD-ROM drive: what systems and firmware ask of it, and packets that ask for what
 * isn't there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ahci_driver.h"

enum { BLOCKS = 1000, ROOM = 256 };

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_ahci(true);
    mux_announce(4 * BLOCKS + 3, BLOCK_INFO_READONLY);
    driver_start();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static const uint8_t *data(void) { return driver_ram(DRIVER_DATA, ROOM); }

static uint32_t big32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void send_to(const uint8_t packet[12], uint32_t bytes) {
    driver_packet(0, packet, bytes);
    driver_set_port(PORT_IS, ~0u);
    driver_issue(1);
}

#define SEND(...) send_to((const uint8_t[12]){ __VA_ARGS__ }, ROOM)

static void expect_answer(uint32_t bytes) {
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_port(PORT_IS), PXIS_DHRS);
    assert_int_equal(driver_port(PORT_TFD), STATUS_GOOD);
    assert_int_equal(driver_received(RECEIVED_D2H)->count, REASON_DONE);
    assert_int_equal(driver_transferred(0), bytes);
}

static void expect_refusal(uint8_t key, uint8_t code) {
    struct ring_descriptor request;
    assert_int_equal(driver_port(PORT_IS), PXIS_DHRS | PXIS_TFES);
    assert_int_equal(driver_port(PORT_TFD), STATUS_BAD | (key << 4 | ERROR_ABORTED) << 8);
    assert_false(mux_request(&request));
    driver_restart();
    SEND(PACKET_REQUEST_SENSE, 0, 0, 0, 18);
    expect_answer(18);
    assert_int_equal(data()[0], 0x70);
    assert_int_equal(data()[2], key);
    assert_int_equal(data()[12], code);
    SEND(PACKET_REQUEST_SENSE, 0, 0, 0, 18);
    assert_int_equal(data()[2], 0);
}

static void issue(enum ata_command command, uint32_t bytes) {
    struct ahci_h2d fis = driver_fis(command, 0, 0);
    driver_command(0, &fis, bytes, 0);
    driver_set_port(PORT_IS, ~0u);
    driver_issue(1);
}

static void drive_identifies_itself(void **state) {
    (void)state;
    assert_int_equal(driver_port(PORT_SIG), 0xeb140101);
    issue(ATA_IDENTIFY_PACKET, 512);
    assert_int_equal(driver_port(PORT_IS), PXIS_PSS);
    assert_int_equal(driver_ram(DRIVER_DATA, 2)[1], 0x85);
    assert_int_equal(driver_ram(DRIVER_DATA, 2)[0], 0xc0);
}

static void a_disk_isnt_there(void **state) {
    (void)state;
    static const enum ata_command commands[] = {
        ATA_IDENTIFY, ATA_READ_DMA_EXT, ATA_READ_QUEUED, ATA_WRITE_DMA, ATA_DATA_SET_MANAGEMENT,
    };
    for (unsigned i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        struct ring_descriptor request;
        issue(commands[i], 512);
        assert_int_equal(driver_port(PORT_IS), PXIS_DHRS | PXIS_TFES);
        assert_int_equal(driver_port(PORT_TFD), STATUS_BAD | ERROR_ABORTED << 8);
        assert_false(mux_request(&request));
        driver_restart();
    }
}

static void ata_settings(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_SET_FEATURES, 0, 0x44);
    fis.features = FEATURE_TRANSFER_MODE;
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_TFD), STATUS_GOOD);
    issue(ATA_CHECK_POWER, 0);
    assert_int_equal(driver_received(RECEIVED_D2H)->count, 0xff);
    issue(ATA_STANDBY_IMMEDIATE, 0);
    assert_int_equal(driver_port(PORT_TFD), STATUS_GOOD);
    fis.features = FEATURE_CACHE_ON;
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_TFD), STATUS_BAD | ERROR_ABORTED << 8);
}

static void inquiry(void **state) {
    (void)state;
    SEND(PACKET_INQUIRY, 0, 0, 0, 96);
    expect_answer(36);
    assert_int_equal(data()[0], 5);
    assert_int_equal(data()[4], 31);
    assert_memory_equal(data() + 8, "BulkheadCD-ROM          1   ", 28);
    SEND(PACKET_INQUIRY, 0, 0, 0, 5);
    expect_answer(5);
    SEND(PACKET_INQUIRY, 1, 0, 0, 96);
    expect_answer(5);
    SEND(PACKET_INQUIRY, 1, 0x83, 0, 96);
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_FIELD);
}

static void unit_is_ready_with_its_capacity(void **state) {
    (void)state;
    send_to((const uint8_t[12]){ PACKET_TEST_UNIT_READY }, 0);
    expect_answer(0);
    SEND(PACKET_READ_CAPACITY);
    expect_answer(8);
    assert_int_equal(big32(data()), BLOCKS - 1);
    assert_int_equal(big32(data() + 4), 2048);
    mux_announce(3, 0);                                 /* less than a block: no disc */
    SEND(PACKET_READ_CAPACITY);
    expect_refusal(SENSE_NOT_READY, SENSE_NO_MEDIUM);
}

static void expect_block(uint32_t first, uint32_t blocks) {
    struct ring_descriptor request;
    assert_true(mux_request(&request));
    assert_int_equal(request.kind, BLOCK_READ);
    assert_int_equal(block_lba(request), 4 * first);
    assert_int_equal(request.length, 4 * blocks);
    memcpy(mux_data(request), "disc", 4);
    mux_answer(request, BLOCK_OK);
    expect_answer(2048 * blocks);
    assert_memory_equal(data(), "disc", 4);
}

static void blocks_are_read(void **state) {
    (void)state;
    send_to((const uint8_t[12]){ PACKET_READ_10, 0, 0, 0, 3, 0xe6, 0, 0, 2 }, 4096);
    expect_block(998, 2);
    send_to((const uint8_t[12]){ PACKET_READ_12, 0, 0, 0, 0, 7, 0, 0, 0, 3 }, 6144);
    expect_block(7, 3);
    send_to((const uint8_t[12]){ PACKET_READ_10 }, 0);
    expect_answer(0);
}

static void blocks_beyond_are_refused(void **state) {
    (void)state;
    SEND(PACKET_READ_10, 0, 0, 0, 3, 0xe7, 0, 0, 2);
    expect_refusal(SENSE_ILLEGAL, SENSE_OUT_OF_RANGE);
    SEND(PACKET_READ_12, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    expect_refusal(SENSE_ILLEGAL, SENSE_OUT_OF_RANGE);
}

/* A disc of 2^32 blocks, all of them asked for at once. */
static void reading_everything_overflows(void **state) {
    (void)state;
    mux_announce(BLOCK_LBA_MASK, 0);
    SEND(PACKET_READ_12, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff);
    assert_int_equal(driver_port(PORT_IS), PXIS_OFS);
    driver_restart();
    SEND(PACKET_READ_12, 0, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff);
    assert_int_equal(driver_port(PORT_IS), PXIS_OFS);
}

static void failed_read_is_told(void **state) {
    (void)state;
    struct ring_descriptor request;
    send_to((const uint8_t[12]){ PACKET_READ_10, 0, 0, 0, 0, 1, 0, 0, 1 }, 2048);
    assert_true(mux_request(&request));
    mux_answer(request, BLOCK_FAILED);
    expect_refusal(SENSE_MEDIUM, SENSE_UNRECOVERED);
}

/* By PIO the data comes with a PIO setup FIS, and its end with another. */
static void data_by_pio(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_PACKET, 0, 0);
    driver_packet(0, (const uint8_t[12]){ PACKET_READ_CAPACITY }, 8);
    vm_fake_poke(DRIVER_TABLES, &fis, sizeof(fis));
    driver_set_port(PORT_IS, ~0u);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_IS), PXIS_DHRS | PXIS_PSS);
    assert_int_equal(driver_received(RECEIVED_PIO)->transferred, 8);
}

static void table_of_contents(void **state) {
    (void)state;
    SEND(PACKET_READ_TOC, 0, 0, 0, 0, 0, 0, 0, 200);
    expect_answer(20);
    static const uint8_t blocks[] = { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0,
                                      0, 0x14, 0xaa, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xff };
    assert_memory_equal(data(), blocks, sizeof(blocks));
    SEND(PACKET_READ_TOC, 2, 0, 0, 0, 0, 0xaa, 0, 200);
    expect_answer(12);
    static const uint8_t times[] = { 0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 15, 25 };
    assert_memory_equal(data(), times, sizeof(times));
    SEND(PACKET_READ_TOC, 0, 1, 0, 0, 0, 0, 0, 12);
    expect_answer(12);
    SEND(PACKET_READ_TOC, 0, 0, 0, 0, 0, 2, 0, 200);
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_FIELD);
    SEND(PACKET_READ_TOC, 0, 5, 0, 0, 0, 0, 0, 200);
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_FIELD);
}

static void modes(void **state) {
    (void)state;
    SEND(PACKET_MODE_SENSE_10, 0, 0x2a, 0, 0, 0, 0, 0, 128);
    expect_answer(28);
    assert_int_equal(data()[1], 26);
    assert_int_equal(data()[8], 0x2a);
    assert_int_equal(data()[9], 18);
    SEND(PACKET_MODE_SENSE_6, 0, 0x3f, 0, 255);
    expect_answer(32);
    assert_int_equal(data()[0], 31);
    assert_int_equal(data()[4], 0x01);
    SEND(PACKET_MODE_SENSE_6, 0, 0x08, 0, 255);
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_FIELD);
    SEND(PACKET_MODE_SENSE_10, 0, 0xea, 0, 0, 0, 0, 0, 128);
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_FIELD);
}

static void configuration_and_events(void **state) {
    (void)state;
    SEND(PACKET_GET_CONFIGURATION, 0, 0, 0, 0, 0, 0, 0, 200);
    expect_answer(8 + 4 * 8);
    assert_int_equal(big32(data()), 4 + 4 * 8);
    assert_int_equal(data()[7], 8);
    SEND(PACKET_GET_CONFIGURATION, 2, 0, 3, 0, 0, 0, 0, 200);
    expect_answer(16);
    assert_int_equal(data()[9], 3);
    SEND(PACKET_GET_CONFIGURATION, 2, 0x12, 0x34, 0, 0, 0, 0, 200);
    expect_answer(8);
    SEND(PACKET_GET_EVENT, 1, 0, 0, 0x10, 0, 0, 0, 8);
    expect_answer(8);
    assert_int_equal(data()[2], 4);
    assert_int_equal(data()[5], 2);
    SEND(PACKET_GET_EVENT, 1, 0, 0, 0x40, 0, 0, 0, 8);
    expect_answer(4);
    assert_int_equal(data()[2], 0x80);
    SEND(PACKET_GET_EVENT, 0, 0, 0, 0x10, 0, 0, 0, 8);
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_FIELD);
    SEND(PACKET_READ_DISC, 0, 0, 0, 0, 0, 0, 0, 34);
    expect_answer(34);
    SEND(PACKET_MECHANISM_STATUS, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    expect_answer(8);
}

static void whatever_else_is_refused(void **state) {
    (void)state;
    static const uint8_t fine[] = { PACKET_PREVENT_ALLOW, PACKET_START_STOP, PACKET_SET_SPEED,
                                    PACKET_SEEK };
    for (unsigned i = 0; i < sizeof(fine); i++) {
        SEND(fine[i]);
        expect_answer(0);
    }
    SEND(0x2a);                                         /* WRITE(10) */
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_COMMAND);
    SEND(0xff);
    expect_refusal(SENSE_ILLEGAL, SENSE_NO_COMMAND);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(drive_identifies_itself),
        TEST(a_disk_isnt_there),
        TEST(ata_settings),
        TEST(inquiry),
        TEST(unit_is_ready_with_its_capacity),
        TEST(blocks_are_read),
        TEST(blocks_beyond_are_refused),
        TEST(reading_everything_overflows),
        TEST(failed_read_is_told),
        TEST(data_by_pio),
        TEST(table_of_contents),
        TEST(modes),
        TEST(configuration_and_events),
        TEST(whatever_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
