/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated hard disk's commands, as drivers and firmware use them: by DMA, by PIO, queued;
 * errors and their logs; drivers that ask for what isn't there (ATTACKS.md, F2, F10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ahci_driver.h"
#include "tests/unit/mux_expect.h"

enum { MOST = BLOCK_MOST };

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_ahci(false);
    mux_announce(DRIVER_SECTORS, BLOCK_INFO_DISCARD);
    driver_start();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static void issue(struct ahci_h2d fis, uint32_t bytes) {
    driver_command(0, &fis, bytes, 0);
    driver_set_port(PORT_IS, ~0u);
    driver_issue(1);
}

static void issue_queued(uint32_t slot, enum ata_command command, uint64_t sector,
                         uint32_t count) {
    struct ahci_h2d fis = driver_queued_fis(command, sector, count, slot);
    driver_command(slot, &fis, count * BLOCK_SECTOR, 0);
    driver_issue_queued(1u << slot);
}

static void expect_done(uint32_t causes) {
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_port(PORT_IS), causes);
    assert_int_equal(driver_port(PORT_TFD), STATUS_GOOD);
}

static void expect_error(uint8_t error) {
    assert_int_equal(driver_port(PORT_IS), PXIS_TFES | PXIS_DHRS);
    assert_int_equal(driver_port(PORT_TFD), STATUS_BAD | (uint32_t)error << 8);
    assert_int_equal(driver_received(RECEIVED_D2H)->status, STATUS_BAD);
    assert_int_equal(driver_received(RECEIVED_D2H)->error, error);
    assert_int_equal(driver_port(PORT_CI), 1);
    expect_no_request();
    driver_restart();
}

static uint16_t identity(unsigned word) {
    const uint8_t *at = driver_ram(DRIVER_DATA + 2 * word, 2);
    return (uint16_t)(at[0] | at[1] << 8);
}

static void identify(void) {
    issue(driver_fis(ATA_IDENTIFY, 0, 0), 512);
}

static void disk_identifies_itself(void **state) {
    (void)state;
    uint8_t sum = 0;
    identify();
    expect_done(PXIS_PSS);
    const struct ahci_d2h *setup_fis = driver_received(RECEIVED_PIO);
    assert_int_equal(setup_fis->type, FIS_PIO);
    assert_int_equal(setup_fis->flags, FLAG_TO_HOST | FLAG_INTERRUPT);
    assert_int_equal(setup_fis->status & (STATUS_BUSY | STATUS_ERROR), 0);
    assert_int_equal(setup_fis->end_status, STATUS_GOOD);
    assert_int_equal(setup_fis->transferred, 512);
    assert_int_equal(driver_transferred(0), 512);
    assert_int_equal(identity(60) | (uint32_t)identity(61) << 16, DRIVER_SECTORS);
    assert_int_equal(identity(100) | (uint32_t)identity(101) << 16, DRIVER_SECTORS);
    assert_int_equal(identity(75), 31);
    assert_int_equal(identity(83) & 0xc000, 0x4000);
    assert_int_equal(identity(169), 1);
    assert_memory_equal(driver_ram(DRIVER_DATA + 54, 14), "uBklehdad si k", 14);
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + driver_ram(DRIVER_DATA, 512)[i]);
    assert_int_equal(sum, 0);
}

static void a_packet_device_isnt_there(void **state) {
    (void)state;
    issue(driver_fis(ATA_IDENTIFY_PACKET, 0, 0), 512);
    expect_error(ERROR_ABORTED);
    issue(driver_fis(ATA_PACKET, 0, 0), 0);
    expect_error(ERROR_ABORTED);
    identify();
    expect_done(PXIS_PSS);
}

/* As SeaBIOS does it: 28 bits, and a bit in PxSACT though nothing is queued. */
static void firmware_reads(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA, 0x345678 & 0xffff, 2);
    fis.features = 1;
    driver_command(0, &fis, 1024, 0);
    driver_set_port(PORT_IS, ~0u);
    driver_issue_queued(1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 0x5678, 2);
    memcpy(mux_data(request), "from the disk", 13);
    mux_answer(request, BLOCK_OK);
    expect_done(PXIS_DHRS);
    assert_int_equal(driver_received(RECEIVED_D2H)->status, STATUS_GOOD);
    assert_memory_equal(driver_ram(DRIVER_DATA, 13), "from the disk", 13);
    assert_int_equal(driver_transferred(0), 1024);
}

/* As UEFI firmware does it: it polls the received FIS area, and stops everything after each
 * command; the drive's signature must not come again. */
static void firmware_stops_after_each_command(void **state) {
    (void)state;
    static const uint8_t zeroes[256];
    for (unsigned i = 0; i < 3; i++) {
        struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, 10 + i, 1);
        driver_set_port(PORT_CMD, PXCMD_FRE);
        driver_set_port(PORT_CMD, 0);
        assert_int_equal(driver_port(PORT_CMD) & (PXCMD_FR | PXCMD_CR), 0);
        vm_fake_poke(DRIVER_RECEIVED, zeroes, sizeof(zeroes));
        driver_command(0, &fis, 512, 0);
        driver_set_port(PORT_CMD, PXCMD_FRE);
        driver_set_port(PORT_CMD, PXCMD_FRE | PXCMD_ST);
        driver_set_port(PORT_CI, 0);
        driver_issue(1);
        assert_int_equal(driver_received(RECEIVED_D2H)->type, 0);
        mux_answer(expect_request(BLOCK_READ, 10 + i, 1), BLOCK_OK);
        assert_int_equal(driver_received(RECEIVED_D2H)->type, FIS_D2H);
        assert_int_equal(driver_port(PORT_TFD), STATUS_GOOD);
        assert_int_equal(driver_transferred(0), 512);
    }
}

static void addresses_and_counts_by_form(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA, 0x86a0 - 256, 0);
    fis.device |= 1;                                    /* bits 24 to 27 */
    mux_announce(1ull << 40, 0);
    issue(fis, MOST * 512);
    mux_answer(expect_request(BLOCK_READ, 0x10086a0 - 256, 256), BLOCK_OK);
    expect_done(PXIS_DHRS);
    issue(driver_fis(ATA_READ_DMA_EXT, 0x123456789a, 3), MOST * 512);
    mux_answer(expect_request(BLOCK_READ, 0x123456789a, 3), BLOCK_OK);
    expect_done(PXIS_DHRS);
}

static void sectors_by_pio(void **state) {
    (void)state;
    static const enum ata_command reads[] = {
        ATA_READ_SECTORS, ATA_READ_SECTORS_OLD, ATA_READ_SECTORS_EXT, ATA_READ_MULTIPLE,
        ATA_READ_MULTIPLE_EXT,
    };
    static const enum ata_command writes[] = {
        ATA_WRITE_SECTORS, ATA_WRITE_SECTORS_OLD, ATA_WRITE_SECTORS_EXT, ATA_WRITE_MULTIPLE,
        ATA_WRITE_MULTIPLE_EXT,
    };
    for (unsigned i = 0; i < 5; i++) {
        issue(driver_fis(reads[i], 100, 3), 3 * 512);
        mux_answer(expect_request(BLOCK_READ, 100, 3), BLOCK_OK);
        expect_done(PXIS_PSS);
        vm_fake_poke(DRIVER_DATA, "to the disk", 11);
        issue(driver_fis(writes[i], 200, 3), 3 * 512);
        struct ring_descriptor request = expect_request(BLOCK_WRITE, 200, 3);
        assert_memory_equal(vm_fake.disk_peer.in + request.offset, "to the disk", 11);
        mux_answer(request, BLOCK_OK);
        expect_done(PXIS_DHRS);
        assert_int_equal(driver_transferred(0), 3 * 512);
    }
}

/* 600 sectors in three regions: more than the link's area holds at once. */
static void long_transfer_goes_in_pieces(void **state) {
    (void)state;
    enum { SECTORS = 600, REGIONS = 2 };
    struct ring_descriptor request[2];
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, 50, SECTORS);
    driver_command(0, &fis, 0x20000, REGIONS);
    for (unsigned i = 0; i <= REGIONS; i++)
        driver_set_prd(0, i, DRIVER_DATA + 0x20000 * i, 0x1ffff);
    driver_issue(1);
    request[0] = expect_request(BLOCK_READ, 50, MOST);
    request[1] = expect_request(BLOCK_READ, 50 + MOST, MOST);
    expect_no_request();
    memset(mux_data(request[0]), 1, MOST * 512);
    memset(mux_data(request[1]), 2, MOST * 512);
    mux_answer(request[1], BLOCK_OK);                   /* in any order */
    struct ring_descriptor last = expect_request(BLOCK_READ, 50 + 2 * MOST, SECTORS - 2 * MOST);
    memset(mux_data(last), 3, last.length * 512u);
    mux_answer(last, BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 1);
    mux_answer(request[0], BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 0);
    for (unsigned i = 0; i < SECTORS; i++)
        assert_int_equal(driver_ram(DRIVER_DATA + 512 * i, 512)[i % 512], 1 + i / MOST);
    assert_int_equal(driver_transferred(0), SECTORS * 512);
}

static void what_lies_beyond_isnt_found(void **state) {
    (void)state;
    static const struct { uint64_t sector; uint32_t count; } bad[] = {
        { DRIVER_SECTORS, 1 }, { DRIVER_SECTORS - 1, 2 }, { 0xffffffffffff, 1 },
        { DRIVER_SECTORS - 0xffff, 0 },
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        issue(driver_fis(ATA_READ_DMA_EXT, bad[i].sector, bad[i].count), MOST * 512);
        expect_error(ERROR_NOT_FOUND | ERROR_ABORTED);
        issue(driver_fis(ATA_WRITE_DMA_EXT, bad[i].sector, bad[i].count), MOST * 512);
        expect_error(ERROR_NOT_FOUND | ERROR_ABORTED);
    }
}

static void cylinders_arent_understood(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA, 1, 1);
    fis.device = 0;
    issue(fis, 512);
    expect_error(ERROR_ABORTED);
}

static void read_only_disk_isnt_written(void **state) {
    (void)state;
    mux_announce(DRIVER_SECTORS, BLOCK_INFO_READONLY);
    issue(driver_fis(ATA_WRITE_DMA_EXT, 1, 1), 512);
    expect_error(ERROR_ABORTED);
    issue(driver_fis(ATA_WRITE_SECTORS, 1, 1), 512);
    expect_error(ERROR_ABORTED);
    struct ahci_h2d fis = driver_fis(ATA_DATA_SET_MANAGEMENT, 0, 1);
    fis.features = FEATURES_TRIM;
    issue(fis, 512);
    expect_error(ERROR_ABORTED);
}

static void verification_reads_nothing_into_memory(void **state) {
    (void)state;
    issue(driver_fis(ATA_READ_VERIFY_EXT, 7, 5), 0);
    mux_answer(expect_request(BLOCK_READ, 7, 5), BLOCK_OK);
    expect_done(PXIS_DHRS);
    assert_int_equal(driver_transferred(0), 0);
}

static void flushes(void **state) {
    (void)state;
    static const enum ata_command commands[] = { ATA_FLUSH, ATA_FLUSH_EXT, ATA_STANDBY_IMMEDIATE,
                                                 ATA_STANDBY, ATA_SLEEP };
    for (unsigned i = 0; i < 5; i++) {
        issue(driver_fis(commands[i], 0, 0), 0);
        assert_int_equal(driver_port(PORT_CI), 1);
        mux_answer(expect_request(BLOCK_FLUSH, 0, 0), BLOCK_OK);
        expect_done(PXIS_DHRS);
    }
}

static void without_a_cache_writes_are_flushed(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_SET_FEATURES, 0, 0);
    fis.features = FEATURE_CACHE_OFF;
    issue(fis, 0);
    expect_done(PXIS_DHRS);
    identify();
    assert_int_equal(identity(85) & 0x20, 0);
    issue(driver_fis(ATA_WRITE_DMA_EXT, 1, 1), 512);
    mux_answer(expect_request(BLOCK_WRITE, 1, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 1);
    mux_answer(expect_request(BLOCK_FLUSH, 0, 0), BLOCK_OK);
    expect_done(PXIS_DHRS);
}

static void settings(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_SET_FEATURES, 0, 0x44);
    fis.features = FEATURE_TRANSFER_MODE;
    issue(fis, 0);
    expect_done(PXIS_DHRS);
    identify();
    assert_int_equal(identity(88), 0x107f);
    issue(driver_fis(ATA_SET_MULTIPLE, 0, 8), 0);
    expect_done(PXIS_DHRS);
    identify();
    assert_int_equal(identity(59), 0x0108);
    issue(driver_fis(ATA_SET_MULTIPLE, 0, 3), 0);
    expect_error(ERROR_ABORTED);
    issue(driver_fis(ATA_SET_MULTIPLE, 0, 32), 0);
    expect_error(ERROR_ABORTED);
    fis.features = 0x77;
    issue(fis, 0);
    expect_error(ERROR_ABORTED);
    issue(driver_fis(ATA_CHECK_POWER, 0, 0), 0);
    expect_done(PXIS_DHRS);
    assert_int_equal(driver_received(RECEIVED_D2H)->count, 0xff);
}

static void unknown_commands_are_aborted(void **state) {
    (void)state;
    for (unsigned command = 0; command < 256; command++) {
        struct ahci_h2d fis = driver_fis((enum ata_command)command, 0, 0);
        struct ring_descriptor request;
        fis.features = 0x77;
        issue(fis, 512);
        while (mux_request(&request))
            mux_answer(request, BLOCK_OK);
        driver_restart();
    }
    identify();
    expect_done(PXIS_PSS);
}

static void failed_read_is_told(void **state) {
    (void)state;
    issue(driver_fis(ATA_READ_DMA_EXT, 1000, 512), 0x40000);
    struct ring_descriptor first = expect_request(BLOCK_READ, 1000, 256);
    struct ring_descriptor second = expect_request(BLOCK_READ, 1256, 256);
    memset(mux_data(first), 0x55, 512);
    mux_answer(second, BLOCK_FAILED);
    assert_int_equal(driver_received(RECEIVED_D2H)->lba[0] |
                     driver_received(RECEIVED_D2H)->lba[1] << 8, 1256);
    expect_error(ERROR_UNCORRECTABLE);
    issue(driver_fis(ATA_READ_DMA_EXT, 5, 1), 512);
    expect_no_request();                                /* the other half is still out */
    mux_answer(first, BLOCK_OK);
    assert_int_equal(driver_ram(DRIVER_DATA, 1)[0], 0);
    mux_answer(expect_request(BLOCK_READ, 5, 1), BLOCK_OK);
    expect_done(PXIS_DHRS);
}

/* ---- TRIM ---- */

static void put_range(unsigned number, uint64_t sector, uint64_t count) {
    uint64_t range = sector | count << 48;
    vm_fake_poke(DRIVER_DATA + 8 * number, &range, 8);
}

static void trim(void) {
    struct ahci_h2d fis = driver_fis(ATA_DATA_SET_MANAGEMENT, 0, 1);
    fis.features = FEATURES_TRIM;
    issue(fis, 512);
}

static void ranges_are_discarded(void **state) {
    (void)state;
    put_range(0, 100, 8);
    put_range(2, 1000, 40000);
    put_range(63, DRIVER_SECTORS - 1, 1);
    trim();
    struct ring_descriptor first = expect_request(BLOCK_DISCARD, 100, 8);
    put_range(63, 0, 1);                                /* too late: it was copied */
    mux_answer(expect_request(BLOCK_DISCARD, 1000, BLOCK_DISCARD_MOST), BLOCK_OK);
    mux_answer(expect_request(BLOCK_DISCARD, 1000 + BLOCK_DISCARD_MOST,
                              40000 - BLOCK_DISCARD_MOST), BLOCK_OK);
    mux_answer(expect_request(BLOCK_DISCARD, DRIVER_SECTORS - 1, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 1);
    mux_answer(first, BLOCK_OK);
    expect_done(PXIS_DHRS);
}

static void bad_trims_discard_nothing(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_DATA_SET_MANAGEMENT, 0, 1);
    put_range(0, 100, 8);
    put_range(5, DRIVER_SECTORS - 1, 2);
    trim();
    expect_error(ERROR_NOT_FOUND | ERROR_ABORTED);
    put_range(5, 0xffffffffffff, 0xffff);
    trim();
    expect_error(ERROR_NOT_FOUND | ERROR_ABORTED);
    put_range(5, 0, 0);
    issue(fis, 512);                                    /* not a TRIM */
    expect_error(ERROR_ABORTED);
    fis.features = FEATURES_TRIM;
    fis.count = 2;
    issue(fis, 1024);
    expect_error(ERROR_ABORTED);
    mux_announce(DRIVER_SECTORS, 0);
    trim();
    expect_error(ERROR_ABORTED);
}

static void empty_trim_ends_at_once(void **state) {
    (void)state;
    trim();
    expect_done(PXIS_DHRS);
}

/* ---- Queued commands ---- */

static void queued_commands_end_in_any_order(void **state) {
    (void)state;
    struct ring_descriptor request[2];
    issue_queued(3, ATA_READ_QUEUED, 30, 1);
    issue_queued(31, ATA_WRITE_QUEUED, 310, 1);
    assert_int_equal(driver_port(PORT_CI), 0);          /* accepted */
    assert_int_equal(driver_port(PORT_SACT), 1u << 31 | 1u << 3);
    request[0] = expect_request(BLOCK_READ, 30, 1);
    request[1] = expect_request(BLOCK_WRITE, 310, 1);
    driver_set_port(PORT_IS, ~0u);
    mux_answer(request[1], BLOCK_OK);
    assert_int_equal(driver_port(PORT_SACT), 1u << 3);
    assert_int_equal(driver_port(PORT_IS), PXIS_SDBS);
    const uint8_t *bits = driver_ram(DRIVER_RECEIVED + RECEIVED_SDB, 8);
    assert_int_equal(bits[0], FIS_SDB);
    assert_int_equal(bits[2], STATUS_GOOD);
    assert_int_equal(bits[7], 0x80);
    memcpy(mux_data(request[0]), "queued", 6);
    mux_answer(request[0], BLOCK_OK);
    assert_int_equal(driver_port(PORT_SACT), 0);
    assert_memory_equal(driver_ram(DRIVER_DATA, 6), "queued", 6);
}

/* A tag that is used again too early: its first command mustn't lose its buffers. */
static void slot_in_work_isnt_taken_again(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_queued_fis(ATA_READ_QUEUED, 7, 1, 3);
    issue_queued(3, ATA_READ_QUEUED, 30, 8);
    struct ring_descriptor request = expect_request(BLOCK_READ, 30, 8);
    driver_command(3, &fis, 512, 0);
    driver_issue_queued(1u << 3);
    expect_no_request();
    mux_answer(request, BLOCK_OK);
    mux_answer(expect_request(BLOCK_READ, 7, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI) | driver_port(PORT_SACT), 0);
}

static void forced_write_is_flushed(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_queued_fis(ATA_WRITE_QUEUED, 5, 1, 0);
    fis.device |= DEVICE_FUA;
    driver_command(0, &fis, 512, 0);
    driver_issue_queued(1);
    mux_answer(expect_request(BLOCK_WRITE, 5, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_SACT), 1);
    mux_answer(expect_request(BLOCK_FLUSH, 0, 0), BLOCK_OK);
    assert_int_equal(driver_port(PORT_SACT), 0);
}

static void other_commands_wait_for_the_queue(void **state) {
    (void)state;
    issue_queued(1, ATA_READ_QUEUED, 30, 1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 30, 1);
    struct ahci_h2d fis = driver_fis(ATA_FLUSH_EXT, 0, 0);
    driver_command(2, &fis, 0, 0);
    driver_issue(4);
    issue_queued(3, ATA_READ_QUEUED, 40, 1);
    expect_no_request();
    mux_answer(request, BLOCK_OK);
    mux_answer(expect_request(BLOCK_FLUSH, 0, 0), BLOCK_OK);
    mux_answer(expect_request(BLOCK_READ, 40, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI) | driver_port(PORT_SACT), 0);
}

static void read_log(uint8_t log) {
    struct ahci_h2d fis = driver_fis(ATA_READ_LOG_EXT, log, 1);
    issue(fis, 512);
}

static void log_tells_which_queued_command_failed(void **state) {
    (void)state;
    issue_queued(4, ATA_READ_QUEUED, 40, 1);
    issue_queued(5, ATA_READ_QUEUED, 0x123, 1);
    struct ring_descriptor first = expect_request(BLOCK_READ, 40, 1);
    struct ring_descriptor second = expect_request(BLOCK_READ, 0x123, 1);
    driver_set_port(PORT_IS, ~0u);
    mux_answer(second, BLOCK_FAILED);
    assert_int_equal(driver_port(PORT_IS), PXIS_SDBS | PXIS_TFES);
    assert_int_equal(driver_port(PORT_SACT), 3u << 4);
    assert_int_equal(driver_port(PORT_TFD), STATUS_BAD | ERROR_UNCORRECTABLE << 8);
    mux_answer(first, BLOCK_OK);                        /* aborted with it */
    assert_int_equal(driver_port(PORT_SACT), 3u << 4);
    driver_restart();
    read_log(LOG_QUEUED_ERROR);
    expect_done(PXIS_PSS);
    const uint8_t *log = driver_ram(DRIVER_DATA, 512);
    uint8_t sum = 0;
    assert_int_equal(log[0], 5);
    assert_int_equal(log[2], STATUS_BAD);
    assert_int_equal(log[3], ERROR_UNCORRECTABLE);
    assert_int_equal(log[4] | log[5] << 8, 0x123);
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + log[i]);
    assert_int_equal(sum, 0);
    read_log(LOG_QUEUED_ERROR);
    assert_int_equal(log[0], 0x80);                     /* read once */
}

static void logs_that_there_are(void **state) {
    (void)state;
    read_log(LOG_DIRECTORY);
    expect_done(PXIS_PSS);
    assert_int_equal(driver_ram(DRIVER_DATA, 512)[0], 1);
    assert_int_equal(driver_ram(DRIVER_DATA, 512)[0x20], 1);
    read_log(0x30);
    expect_error(ERROR_ABORTED);
}

static void bad_queued_commands_fail(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_queued_fis(ATA_READ_QUEUED, 5, 1, 7);
    driver_command(0, &fis, 512, 0);
    driver_issue_queued(1);                             /* another's tag */
    assert_int_equal(driver_port(PORT_IS) & PXIS_TFES, PXIS_TFES);
    driver_restart();
    issue_queued(2, ATA_READ_QUEUED, DRIVER_SECTORS, 1);
    assert_int_equal(driver_port(PORT_IS) & PXIS_TFES, PXIS_TFES);
    expect_no_request();
    driver_restart();
    issue_queued(2, ATA_READ_QUEUED, 0, 1);
    mux_answer(expect_request(BLOCK_READ, 0, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_SACT), 0);
}

/* All slots of the list at once, with two slots at the link. */
static void full_queue(void **state) {
    (void)state;
    struct ring_descriptor request;
    unsigned answered = 0;
    for (uint32_t i = 0; i < AHCI_SLOTS; i++) {
        struct ahci_h2d fis = driver_queued_fis(ATA_READ_QUEUED, 100 * i, 1, i);
        driver_command(i, &fis, 512, 0);
    }
    driver_issue_queued(~0u);
    for (unsigned turn = 0; turn < 100 && driver_port(PORT_SACT) != 0; turn++) {
        devices_run(&vm_fake.vm);
        while (mux_request(&request)) {
            answered++;
            mux_answer(request, BLOCK_OK);
        }
    }
    assert_int_equal(answered, AHCI_SLOTS);
    assert_int_equal(driver_port(PORT_SACT) | driver_port(PORT_CI), 0);
}

static bool run_a_little(void) {
    return ahci_run(&vm_fake.vm.ahci, 4, &vm_fake.vm.before_wait);
}

/* A turn's work has an end though the driver has filled every list; settling tells of the rest. */
static void work_is_bounded(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_IDENTIFY, 0, 0);
    for (uint32_t i = 0; i < AHCI_SLOTS; i++)
        driver_command(i, &fis, 512, 0);
    driver_set_port(PORT_CI, ~0u);
    assert_true(run_a_little());
    assert_true(driver_port(PORT_CI) != 0);
    for (unsigned i = 0; i < 2 * AHCI_SLOTS && run_a_little(); i++)
        ;
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_true(ahci_settle(&vm_fake.vm.ahci));
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(disk_identifies_itself),
        TEST(a_packet_device_isnt_there),
        TEST(firmware_reads),
        TEST(firmware_stops_after_each_command),
        TEST(addresses_and_counts_by_form),
        TEST(sectors_by_pio),
        TEST(long_transfer_goes_in_pieces),
        TEST(what_lies_beyond_isnt_found),
        TEST(cylinders_arent_understood),
        TEST(read_only_disk_isnt_written),
        TEST(verification_reads_nothing_into_memory),
        TEST(flushes),
        TEST(without_a_cache_writes_are_flushed),
        TEST(settings),
        TEST(unknown_commands_are_aborted),
        TEST(failed_read_is_told),
        TEST(ranges_are_discarded),
        TEST(bad_trims_discard_nothing),
        TEST(empty_trim_ends_at_once),
        TEST(queued_commands_end_in_any_order),
        TEST(slot_in_work_isnt_taken_again),
        TEST(forced_write_is_flushed),
        TEST(other_commands_wait_for_the_queue),
        TEST(log_tells_which_queued_command_failed),
        TEST(logs_that_there_are),
        TEST(bad_queued_commands_fail),
        TEST(full_queue),
        TEST(work_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
