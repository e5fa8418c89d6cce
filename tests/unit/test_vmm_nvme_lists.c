/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated NVMe controller in front of a disk that reaches the guest's RAM itself (zero-copy):
 * what is listed, and what waits for the disk's last answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/mux_expect.h"
#include "tests/unit/nvme_expect.h"

static uint64_t lists[BACKEND_SLOTS][BLOCK_LIST / 8];

static void be_direct(void) {
    memset(lists, 0, sizeof(lists));
    nvme()->backend.lists = lists[0];
    nvme()->backend.memory = &vm_fake.vm.memory;
}

static struct ring_descriptor expect_listed(enum block_kind kind, uint32_t count) {
    struct ring_descriptor request = expect_request(kind, 0, count);
    assert_true(block_listed(request));
    assert_int_equal(request.offset, block_tag(request) * BLOCK_LIST);
    return request;
}

static void data_is_listed(void **state) {
    (void)state;
    be_direct();
    for (enum io_opcode opcode = IO_WRITE; opcode <= IO_READ; opcode++) {
        struct nvme_entry entry = driver_transfer(opcode, 1, 0, 256);
        entry.prp1 += 0xffc;
        driver_set_list(31, DRIVER_DATA + 32 * NVME_PAGE);
        driver_submit(1, &entry);
        struct ring_descriptor request = expect_listed(opcode == IO_READ ? BLOCK_READ
                                                                         : BLOCK_WRITE, 256);
        const uint64_t *list = lists[block_tag(request)];
        assert_int_equal(list[0], DRIVER_DATA + 0xffc);
        for (unsigned i = 1; i <= 32; i++)
            assert_int_equal(list[i], DRIVER_DATA + i * NVME_PAGE);
        assert_true(list[33] == UINT64_MAX);
        memset(mux_data(request), 0x33, BACKEND_SLOT);
        mux_answer(request, BLOCK_OK);
        expect_done(1, 1, NVME_OK);
        assert_int_equal(*driver_ram(DRIVER_DATA + NVME_PAGE, 1), 0);   /* nothing was copied */
        assert_true(list[0] == UINT64_MAX);
    }
}

static void small_data_is_listed(void **state) {
    (void)state;
    be_direct();
    submit(IO_READ, 1, 0, 1);
    struct ring_descriptor request = expect_listed(BLOCK_READ, 1);
    assert_int_equal(lists[block_tag(request)][0], DRIVER_DATA);
    assert_true(lists[block_tag(request)][1] == UINT64_MAX);
}

/* Until then the driver must not use the memory for anything else. */
static void reset_ends_with_the_last_answer(void **state) {
    (void)state;
    be_direct();
    submit(IO_READ, 1, 0, 1);
    struct ring_descriptor request = expect_listed(BLOCK_READ, 1);
    driver_set_register(NVME_CC, 0);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
    driver_run();
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
    mux_answer(request, BLOCK_OK);
    assert_int_equal(driver_register(NVME_CSTS), 0);
    driver_start();
    submit(IO_READ, 1, 0, 1);
    expect_listed(BLOCK_READ, 1);
}

static void deletion_ends_with_the_last_answer(void **state) {
    struct nvme_entry deletion = driver_entry(ADMIN_DELETE_SQ, 7);
    struct nvme_entry other = driver_entry(ADMIN_ABORT, 8);
    (void)state;
    be_direct();
    submit(IO_READ, 1, 0, 1);
    struct ring_descriptor request = expect_listed(BLOCK_READ, 1);
    deletion.dword10 = 1;
    driver_submit(0, &deletion);
    driver_submit(0, &other);
    driver_settle();
    expect_none_done(0);
    mux_answer(request, BLOCK_OK);
    expect_none_done(1);
    expect_done(0, 7, NVME_OK);
    expect_done(0, 8, NVME_OK);
    driver_submit(0, &deletion);
    expect_done(0, 7, NVME_BAD_QUEUE);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, driver_setup, driver_teardown)
    const struct CMUnitTest tests[] = {
        TEST(data_is_listed),
        TEST(small_data_is_listed),
        TEST(reset_ends_with_the_last_answer),
        TEST(deletion_ends_with_the_last_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
