/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drivers that break the emulated NVMe controller's rules (ATTACKS.md, F1, F2, F5, F6), and a
 * server that lies: they cost themselves the command or the queue, nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_driver.h"

static void expect_refused(const struct nvme_entry *entry, uint16_t status) {
    struct ring_descriptor request;
    struct driver_done done;
    driver_submit(1, entry);
    assert_true(driver_done(1, &done));
    driver_consume(1);
    assert_int_equal(done.status, status);
    assert_false(mux_request(&request));
}

static void expect_good_read(void) {
    struct nvme_entry entry = driver_transfer(IO_READ, 77, 3, 1);
    struct ring_descriptor request;
    struct driver_done done;
    driver_submit(1, &entry);
    assert_true(mux_request(&request));
    mux_answer(request, BLOCK_OK);
    assert_true(driver_done(1, &done));
    driver_consume(1);
    assert_int_equal(done.id, 77);
    assert_int_equal(done.status, NVME_OK);
}

static void data_outside_ram_is_refused(void **state) {
    static const uint64_t bad[] = {
        FAKE_RAM, FAKE_RAM - 4, 0xfee00000, DRIVER_BAR, 0xfffffffffffff000ull, 0x100000000ull,
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 1);
        entry.prp1 = bad[i];
        entry.prp2 = FAKE_RAM;                        /* of the one that begins in RAM */
        expect_refused(&entry, NVME_TRANSFER);
        entry.control = IO_WRITE;
        expect_refused(&entry, NVME_TRANSFER);
    }
    expect_good_read();
}

static void second_page_outside_ram_is_refused(void **state) {
    struct nvme_entry entry = driver_transfer(IO_WRITE, 1, 0, 16);
    (void)state;
    entry.prp2 = FAKE_RAM;
    expect_refused(&entry, NVME_TRANSFER);
    entry.prp2 = DRIVER_DATA + 8;
    expect_refused(&entry, NVME_PRP_OFFSET);
    entry.prp1 = DRIVER_DATA + 2;
    expect_refused(&entry, NVME_PRP_OFFSET);
    expect_good_read();
}

static void lists_are_checked(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 256);
    (void)state;
    driver_set_list(30, FAKE_RAM);
    expect_refused(&entry, NVME_TRANSFER);
    driver_set_list(30, DRIVER_DATA + 512);
    expect_refused(&entry, NVME_PRP_OFFSET);
    entry.prp2 = FAKE_RAM;
    expect_refused(&entry, NVME_TRANSFER);
    entry.prp2 = DRIVER_LISTS + 4;
    expect_refused(&entry, NVME_PRP_OFFSET);
    entry.prp2 = DRIVER_LISTS + NVME_PAGE - 1;
    expect_refused(&entry, NVME_PRP_OFFSET);
    entry.prp2 = DRIVER_LISTS + NVME_PAGE - 8;
    driver_set_list(511, DRIVER_LISTS + NVME_PAGE - 8);   /* a list that leads to itself */
    expect_refused(&entry, NVME_PRP_OFFSET);
    driver_set_list(511, FAKE_RAM);
    expect_refused(&entry, NVME_TRANSFER);
    driver_set_list(511, DRIVER_LISTS);               /* and one whose pages aren't there */
    driver_set_list(3, ~0ull << 12);
    expect_refused(&entry, NVME_TRANSFER);
    expect_good_read();
}

static void other_forms_are_refused(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 1);
    (void)state;
    entry.control |= 1u << 14;                        /* an SGL */
    expect_refused(&entry, NVME_BAD_FIELD);
    entry = driver_transfer(IO_READ, 1, 0, 1);
    entry.control |= 1u << 8;                         /* fused */
    expect_refused(&entry, NVME_BAD_FIELD);
    entry = driver_transfer(IO_READ, 1, 0, 1);
    entry.dword12 = 0xffff;
    expect_refused(&entry, NVME_BAD_FIELD);
    expect_good_read();
}

/* What the disk reads may lie over the command and its list: both were copied. */
static void data_over_its_own_command(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 256);
    struct ring_descriptor request;
    struct driver_done done;
    (void)state;
    entry.prp1 = DRIVER_LISTS;
    driver_set_list(3, DRIVER_SQS + DRIVER_QUEUE);
    driver_submit(1, &entry);
    assert_true(mux_request(&request));
    memset(mux_data(request), 0xff, BACKEND_SLOT);
    mux_answer(request, BLOCK_OK);
    assert_true(driver_done(1, &done));
    driver_consume(1);
    assert_int_equal(done.status, NVME_OK);
    expect_good_read();
}

static void registers_refuse_values_that_are_none(void **state) {
    struct ring_descriptor request;
    (void)state;
    driver_set_register(NVME_DOORBELLS + 8, DRIVER_IO_SIZE);
    driver_set_register(NVME_DOORBELLS + 8, ~0u);
    driver_set_register(NVME_DOORBELLS + 12, DRIVER_IO_SIZE);
    driver_set_register(NVME_DOORBELLS + 12, 5);
    driver_set_register(NVME_MSIX - 4, 1);
    vm_fake_store(DRIVER_BAR + NVME_MSIX - 8, 8, ~0ull);
    driver_run();
    assert_false(mux_request(&request));
    expect_good_read();
}

static void doorbell_in_memory_that_is_none_stops_its_queue(void **state) {
    uint32_t bad = DRIVER_IO_SIZE;
    struct ring_descriptor request;
    (void)state;
    driver_create_pair(2, 2);
    driver_use_memory();
    vm_fake_poke(DRIVER_DOORBELLS + 16, &bad, sizeof(bad));
    driver_run();
    assert_true(vm_fake.vm.nvme[0].sq[2].broken);
    expect_good_read();
    bad = 1;
    vm_fake_poke(DRIVER_DOORBELLS + 16, &bad, sizeof(bad));
    driver_run();
    assert_false(mux_request(&request));
    driver_start();
    expect_good_read();
}

static void completion_index_in_memory_that_is_none_gives_no_room(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, DRIVER_SECTORS, 1);
    uint32_t bad = 0xfffffff0;
    struct driver_done done;
    unsigned count = 0;
    (void)state;
    driver_use_memory();
    vm_fake_poke(DRIVER_DOORBELLS + 12, &bad, sizeof(bad));
    for (unsigned i = 0; i < DRIVER_IO_SIZE; i++)
        driver_submit(1, &entry);
    driver_run();
    while (driver_done(1, &done))
        count++;
    assert_int_equal(count, DRIVER_IO_SIZE - 1);
    assert_true(vm_fake.vm.nvme[0].cq[1].claimed == DRIVER_IO_SIZE - 1);
}

static void doorbells_outside_ram_are_refused(void **state) {
    struct nvme_entry entry = driver_entry(ADMIN_DOORBELL_BUFFER, 7);
    (void)state;
    entry.prp1 = DRIVER_DOORBELLS;
    entry.prp2 = FAKE_RAM;
    assert_int_equal(driver_admin(&entry, NULL), NVME_TRANSFER);
    entry.prp2 = DRIVER_EVENTS + 4;
    assert_int_equal(driver_admin(&entry, NULL), NVME_PRP_OFFSET);
    entry.prp1 = 0xfee00000;
    entry.prp2 = DRIVER_EVENTS;
    assert_int_equal(driver_admin(&entry, NULL), NVME_TRANSFER);
    expect_good_read();
}

static void lying_server_changes_nothing(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 1, 1);
    struct ring_descriptor request;
    struct driver_done done;
    (void)state;
    driver_submit(1, &entry);
    assert_true(mux_request(&request));
    struct ring_descriptor other = request;
    other.extra = block_extra(0, block_tag(request) + 1);
    mux_answer(other, BLOCK_OK);
    other.extra = block_extra(0, 0xffff);
    mux_answer(other, BLOCK_OK);
    assert_false(driver_done(1, &done));
    mux_answer(request, BLOCK_OK);
    assert_true(driver_done(1, &done));
    mux_answer(request, BLOCK_OK);
    assert_false(driver_done(1, &done));
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, driver_setup, driver_teardown)
    const struct CMUnitTest tests[] = {
        TEST(data_outside_ram_is_refused),
        TEST(second_page_outside_ram_is_refused),
        TEST(lists_are_checked),
        TEST(other_forms_are_refused),
        TEST(data_over_its_own_command),
        TEST(registers_refuse_values_that_are_none),
        TEST(doorbell_in_memory_that_is_none_stops_its_queue),
        TEST(completion_index_in_memory_that_is_none_gives_no_room),
        TEST(doorbells_outside_ram_are_refused),
        TEST(lying_server_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
