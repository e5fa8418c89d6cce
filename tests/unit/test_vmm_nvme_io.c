/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated NVMe controller's disk commands, with doorbells in registers and in memory, and what
 * happens to them when something is reset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/mux_expect.h"
#include "tests/unit/nvme_expect.h"

static uint8_t pattern(uint32_t at) { return (uint8_t)(at * 7 + at / 512); }

static void fill(uint8_t *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = pattern(i);
}

static void expect_pattern(const uint8_t *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], pattern(i));
}

static bool interrupted(uint32_t vector) {
    struct apic *apic = &vm_fake.vm.vcpu[0].apic;
    uint32_t bit = DRIVER_VECTOR + vector;
    apic_collect(apic);
    bool raised = (apic->irr[bit / 32] & 1u << (bit % 32)) != 0;
    apic->irr[bit / 32] &= ~(1u << (bit % 32));
    return raised;
}

/* ---- Data ---- */

static void data_is_read(uint32_t sectors) {
    submit(IO_READ, 0x1234, 100, sectors);
    struct ring_descriptor request = expect_request(BLOCK_READ, 100, sectors);
    fill(mux_data(request), sectors * BLOCK_SECTOR);
    expect_none_done(1);
    mux_answer(request, BLOCK_OK);
    expect_pattern(driver_ram(DRIVER_DATA, sectors * BLOCK_SECTOR), sectors * BLOCK_SECTOR);
    expect_done(1, 0x1234, NVME_OK);
}

static void reads_of_all_sizes(void **state) {
    (void)state;
    data_is_read(1);
    data_is_read(8);
    data_is_read(16);
    data_is_read(17);
    data_is_read(256);
}

static void data_is_written(uint32_t sectors) {
    uint8_t *data = (uint8_t *)(uintptr_t)driver_ram(DRIVER_DATA, 256 * BLOCK_SECTOR);
    fill(data, sectors * BLOCK_SECTOR);
    submit(IO_WRITE, 7, 200, sectors);
    struct ring_descriptor request = expect_request(BLOCK_WRITE, 200, sectors);
    expect_pattern(mux_data(request), sectors * BLOCK_SECTOR);
    mux_answer(request, BLOCK_OK);
    expect_done(1, 7, NVME_OK);
    expect_no_request();
}

static void writes_of_all_sizes(void **state) {
    (void)state;
    data_is_written(1);
    data_is_written(9);
    data_is_written(256);
}

/* 256 sectors from the middle of a page are 33 pages. */
static void data_begins_within_a_page(void **state) {
    (void)state;
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 256);
    entry.prp1 += 0xffc;
    driver_set_list(31, DRIVER_DATA + 32 * NVME_PAGE);
    driver_submit(1, &entry);
    struct ring_descriptor request = expect_request(BLOCK_READ, 0, 256);
    fill(mux_data(request), BACKEND_SLOT);
    mux_answer(request, BLOCK_OK);
    expect_pattern(driver_ram(DRIVER_DATA + 0xffc, BACKEND_SLOT), BACKEND_SLOT);
    expect_done(1, 1, NVME_OK);
}

static void list_goes_on_in_another_page(void **state) {
    (void)state;
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 40);
    uint64_t next = DRIVER_LISTS + 0x2000;
    entry.prp2 = DRIVER_LISTS + NVME_PAGE - 16;
    driver_set_list(510, DRIVER_DATA + 3 * NVME_PAGE);
    driver_set_list(511, next);
    driver_set_list(1024, DRIVER_DATA + 4 * NVME_PAGE);
    driver_set_list(1025, DRIVER_DATA + 1 * NVME_PAGE);
    driver_set_list(1026, DRIVER_DATA + 2 * NVME_PAGE);
    driver_submit(1, &entry);
    struct ring_descriptor request = expect_request(BLOCK_READ, 0, 40);
    fill(mux_data(request), 40 * BLOCK_SECTOR);
    mux_answer(request, BLOCK_OK);
    expect_done(1, 1, NVME_OK);
    static const unsigned pages[] = { 0, 3, 4, 1, 2 };
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(*driver_ram(DRIVER_DATA + pages[i] * NVME_PAGE + 5, 1),
                         pattern(i * NVME_PAGE + 5));
}

/* The last entry of a page is a page of data, if it is the last one of all. */
static void list_ends_with_its_page(void **state) {
    (void)state;
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 24);
    entry.prp2 = DRIVER_LISTS + NVME_PAGE - 16;
    driver_set_list(510, DRIVER_DATA + NVME_PAGE);
    driver_set_list(511, DRIVER_DATA + 2 * NVME_PAGE);
    driver_submit(1, &entry);
    mux_answer(expect_request(BLOCK_READ, 0, 24), BLOCK_OK);
    expect_done(1, 1, NVME_OK);
}

static void failures_are_told(void **state) {
    (void)state;
    submit(IO_READ, 1, 5, 1);
    mux_answer(expect_request(BLOCK_READ, 5, 1), BLOCK_FAILED);
    expect_done(1, 1, NVME_READ_ERROR);
    submit(IO_WRITE, 2, 5, 1);
    mux_answer(expect_request(BLOCK_WRITE, 5, 1), BLOCK_FAILED);
    expect_done(1, 2, NVME_WRITE_FAULT);
    submit(IO_READ, 3, DRIVER_SECTORS - 1, 2);
    expect_done(1, 3, NVME_LBA_RANGE);
    submit(IO_READ, 4, ~0ull, 1);
    expect_done(1, 4, NVME_LBA_RANGE);
    submit(IO_READ, 5, 0, 257);
    expect_done(1, 5, NVME_BAD_FIELD);
    submit((enum io_opcode)0x08, 6, 0, 1);
    expect_done(1, 6, NVME_BAD_OPCODE);
    expect_no_request();
}

static void readonly_disk_isnt_written(void **state) {
    (void)state;
    nvme()->backend.readonly = true;
    submit(IO_WRITE, 1, 5, 1);
    expect_done(1, 1, NVME_WRITE_PROTECTED);
    submit(IO_DATASET, 2, 0, 1);
    expect_done(1, 2, NVME_WRITE_PROTECTED);
    data_is_read(1);
}

static void namespace_is_checked(void **state) {
    (void)state;
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 1);
    entry.namespace = 2;
    driver_submit(1, &entry);
    expect_done(1, 1, NVME_BAD_NAMESPACE);
    entry.namespace = 0xffffffff;
    driver_submit(1, &entry);
    expect_done(1, 1, NVME_BAD_NAMESPACE);
    entry.control = IO_FLUSH | 2 << 16;
    driver_submit(1, &entry);
    mux_answer(expect_request(BLOCK_FLUSH, 0, 0), BLOCK_OK);
    expect_done(1, 2, NVME_OK);
}

/* ---- Flushes ---- */

static void forced_write_ends_with_a_flush(void **state) {
    (void)state;
    struct nvme_entry entry = driver_transfer(IO_WRITE, 3, 9, 1);
    entry.dword12 |= IO_FORCED;
    driver_submit(1, &entry);
    driver_settle();
    mux_answer(expect_request(BLOCK_WRITE, 9, 1), BLOCK_OK);
    expect_none_done(1);
    mux_answer(expect_request(BLOCK_FLUSH, 0, 0), BLOCK_OK);
    expect_done(1, 3, NVME_OK);
    driver_submit(1, &entry);
    mux_answer(expect_request(BLOCK_WRITE, 9, 1), BLOCK_FAILED);
    expect_done(1, 3, NVME_WRITE_FAULT);
    expect_no_request();
}

static void write_without_a_cache_is_forced(void **state) {
    struct nvme_entry entry = driver_entry(ADMIN_SET_FEATURES, 1);
    (void)state;
    entry.dword10 = FEATURE_CACHE;
    assert_int_equal(driver_admin(&entry, NULL), NVME_OK);
    submit(IO_WRITE, 3, 9, 1);
    mux_answer(expect_request(BLOCK_WRITE, 9, 1), BLOCK_OK);
    mux_answer(expect_request(BLOCK_FLUSH, 0, 0), BLOCK_FAILED);
    expect_done(1, 3, NVME_WRITE_FAULT);
}

/* ---- Deallocation ---- */

static void put_range(unsigned number, uint64_t sector, uint32_t sectors) {
    struct nvme_range range = { .sectors = sectors, .sector = sector };
    vm_fake_poke(DRIVER_DATA + number * sizeof(range), &range, sizeof(range));
}

static void deallocate(uint16_t id, uint32_t ranges, uint32_t attributes) {
    struct nvme_entry entry = driver_transfer(IO_DATASET, id, 0, 1);
    entry.dword10 = ranges - 1;
    entry.dword11 = attributes;
    driver_submit(1, &entry);
}

static void ranges_are_discarded_one_by_one(void **state) {
    (void)state;
    put_range(0, 100, 40000);
    put_range(1, 0, 0);
    put_range(2, 7, 1);
    deallocate(5, 3, DATASET_DEALLOCATE);
    struct ring_descriptor first = expect_request(BLOCK_DISCARD, 100, 32768);
    struct ring_descriptor second = expect_request(BLOCK_DISCARD, 32868, 7232);
    expect_no_request();                              /* the fake's area has two slots */
    mux_answer(second, BLOCK_OK);
    struct ring_descriptor third = expect_request(BLOCK_DISCARD, 7, 1);
    mux_answer(third, BLOCK_OK);
    expect_none_done(1);
    mux_answer(first, BLOCK_OK);
    expect_done(1, 5, NVME_OK);
    expect_no_request();
}

static void ranges_are_checked(void **state) {
    (void)state;
    put_range(0, 0, 8);
    put_range(1, DRIVER_SECTORS - 1, 2);
    deallocate(1, 2, DATASET_DEALLOCATE);
    expect_done(1, 1, NVME_LBA_RANGE);
    deallocate(2, 1, 3);                              /* hints only */
    expect_done(1, 2, NVME_OK);
    put_range(0, 0, 0);
    deallocate(3, 1, DATASET_DEALLOCATE);
    expect_done(1, 3, NVME_OK);
    expect_no_request();
    mux_announce(DRIVER_SECTORS, 0);
    deallocate(4, 1, DATASET_DEALLOCATE);
    expect_done(1, 4, NVME_BAD_OPCODE);
    data_is_read(1);
}

static void failed_range_fails_the_command(void **state) {
    (void)state;
    put_range(0, 0, 8);
    put_range(1, 8, 8);
    deallocate(1, 2, DATASET_DEALLOCATE);
    struct ring_descriptor first = expect_request(BLOCK_DISCARD, 0, 8);
    mux_answer(first, BLOCK_FAILED);
    expect_none_done(1);
    mux_answer(expect_request(BLOCK_DISCARD, 8, 8), BLOCK_OK);
    expect_done(1, 1, NVME_WRITE_FAULT);
}

/* ---- Queues and doorbells ---- */

static void interrupts_go_where_they_should(void **state) {
    (void)state;
    driver_create_pair(2, 3);
    interrupted(0);
    submit(IO_READ, 1, 0, 1);
    mux_answer(expect_request(BLOCK_READ, 0, 1), BLOCK_OK);
    assert_true(interrupted(1));
    assert_false(interrupted(3));
    struct nvme_entry entry = driver_transfer(IO_READ, 2, 0, 1);
    driver_submit(2, &entry);
    mux_answer(expect_request(BLOCK_READ, 0, 1), BLOCK_OK);
    expect_done(2, 2, NVME_OK);
    assert_true(interrupted(3));
    assert_false(interrupted(1));
}

static void completions_wait_for_room_before_they_begin(void **state) {
    (void)state;
    struct nvme_entry entry = driver_transfer(IO_READ, 1, DRIVER_SECTORS, 1);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < DRIVER_IO_SIZE - 1; j++)
            driver_submit(1, &entry);                 /* each ends at once */
        driver_submit(1, &entry);
        assert_int_equal(nvme()->cq[1].claimed, DRIVER_IO_SIZE - 1);
        vm_fake.io_kicks = 0;
        struct driver_done done;
        for (unsigned j = 0; j < DRIVER_IO_SIZE - 1; j++)
            assert_true(driver_done(1, &done));
        expect_none_done(1);
        driver_consume(1);
        assert_int_equal(vm_fake.io_kicks, 1);
        driver_run();
        expect_done(1, 1, NVME_LBA_RANGE);
        expect_none_done(1);
    }
}

static void memory_doorbells_save_the_registers(void **state) {
    struct driver_pair *pair = &driver_pair[1];
    struct nvme_entry entry = driver_transfer(IO_READ, 1, 0, 1);
    (void)state;
    driver_use_memory();
    assert_true(nvme_settle(nvme()));
    for (unsigned i = 0; i < 5 * DRIVER_IO_SIZE; i++) {
        pair->rings = 0;
        driver_put(1, &entry);
        driver_ring(1);
        assert_int_equal(pair->rings, 1);             /* it slept */
        driver_run();
        driver_put(1, &entry);
        driver_ring(1);
        assert_int_equal(pair->rings, 1);             /* it works */
        assert_false(nvme_settle(nvme()));
        driver_run();
        struct ring_descriptor first = expect_request(BLOCK_READ, 0, 1);
        mux_answer(first, BLOCK_OK);
        mux_answer(expect_request(BLOCK_READ, 0, 1), BLOCK_OK);
        expect_done(1, 1, NVME_OK);
        expect_done(1, 1, NVME_OK);
        assert_int_equal(pair->rings, 1);
        assert_true(nvme_settle(nvme()));
    }
}

/* Commands that were rung in the register are behind it; those that were stored in memory before it
 * was told, as Linux does after a reset, are taken then. */
static void memory_doorbells_go_on_where_the_driver_is(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, DRIVER_SECTORS, 1);
    uint32_t tail = 4;
    (void)state;
    driver_submit(1, &entry);
    expect_done(1, 1, NVME_LBA_RANGE);
    driver_use_memory();
    driver_run();
    expect_none_done(1);
    assert_int_equal(driver_word(DRIVER_DOORBELLS + 8), 1);
    assert_int_equal(driver_word(DRIVER_DOORBELLS + 12), 1);
    driver_start();
    for (unsigned i = 0; i < tail; i++)
        driver_put(1, &entry);
    vm_fake_poke(DRIVER_DOORBELLS + 8, &tail, sizeof(tail));
    struct nvme_entry use = driver_entry(ADMIN_DOORBELL_BUFFER, 7);
    use.prp1 = DRIVER_DOORBELLS;
    use.prp2 = DRIVER_EVENTS;
    driver_admin(&use, NULL);
    for (unsigned i = 0; i < tail; i++)
        expect_done(1, 1, NVME_LBA_RANGE);
    expect_none_done(1);
}

static void new_queue_begins_at_its_beginning(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, DRIVER_SECTORS, 1);
    struct nvme_entry end = driver_entry(ADMIN_DELETE_SQ, 1);
    (void)state;
    driver_use_memory();
    driver_submit(1, &entry);
    expect_done(1, 1, NVME_LBA_RANGE);
    end.dword10 = 1;
    assert_int_equal(driver_admin(&end, NULL), NVME_OK);
    end.control = ADMIN_DELETE_CQ;
    assert_int_equal(driver_admin(&end, NULL), NVME_OK);
    driver_create_pair(1, 1);
    driver_run();
    expect_none_done(1);
    assert_int_equal(driver_word(DRIVER_DOORBELLS + 8), 0);
    assert_int_equal(driver_word(DRIVER_DOORBELLS + 12), 0);
    driver_pair[1].in_memory = true;
    driver_submit(1, &entry);
    expect_done(1, 1, NVME_LBA_RANGE);
}

/* The last command that the completion queue has room for, and nothing behind it: it is the
 * submission queue that has to wake us, the driver's index is far on. */
static void full_queue_is_no_reason_to_sleep_for_ever(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, DRIVER_SECTORS, 1);
    (void)state;
    driver_use_memory();
    for (unsigned i = 0; i < DRIVER_IO_SIZE - 1; i++) {
        driver_submit(1, &entry);
        expect_done(1, 1, NVME_LBA_RANGE);
    }
    assert_int_equal(nvme()->cq[1].claimed, DRIVER_IO_SIZE - 1);
    assert_true(nvme_settle(nvme()));
    driver_pair[1].rings = 0;
    driver_put(1, &entry);
    driver_ring(1);
    assert_int_equal(driver_pair[1].rings, 1);
    driver_run();
    expect_done(1, 1, NVME_LBA_RANGE);
}

static void full_queue_in_memory_wakes_when_there_is_room(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, DRIVER_SECTORS, 1);
    struct driver_done done;
    (void)state;
    driver_use_memory();
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < DRIVER_IO_SIZE; i++)
            driver_submit(1, &entry);
        assert_true(nvme_settle(nvme()));
        driver_pair[1].rings = 0;
        for (unsigned i = 0; i < DRIVER_IO_SIZE - 1; i++)
            assert_true(driver_done(1, &done));
        expect_none_done(1);
        driver_consume(1);
        assert_int_equal(driver_pair[1].rings, 1);
        driver_run();
        expect_done(1, 1, NVME_LBA_RANGE);
    }
}

static void queues_take_turns(void **state) {
    (void)state;
    driver_create_pair(2, 2);
    for (uint16_t i = 0; i < 4; i++) {
        struct nvme_entry first = driver_transfer(IO_READ, i, 100 + i, 1);
        struct nvme_entry second = driver_transfer(IO_READ, i, 200 + i, 1);
        driver_put(1, &first);
        driver_put(2, &second);
    }
    driver_ring(1);
    driver_ring(2);
    driver_run();
    unsigned seen[2] = { 0 };
    struct ring_descriptor request;
    while (mux_request(&request)) {
        seen[block_lba(request) / 200]++;
        mux_answer(request, BLOCK_OK);
    }
    assert_int_equal(seen[0], 4);
    assert_int_equal(seen[1], 4);
}

/* The vCPU's thread that hears of an answer goes on with it: nobody else is woken. */
static void answer_is_heard_by_a_vcpus_thread(void **state) {
    (void)state;
    struct vm *vm = &vm_fake.vm;
    submit(IO_READ, 9, 0, 1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 0, 1);
    unsigned kicks = vm_fake.kicks[0], io_kicks = vm_fake.io_kicks;
    interrupted(1);
    mux_put_answer(request, BLOCK_OK);
    expect_none_done(1);
    devices_hear(vm, &vm->vcpu[0], FAKE_DISK_LINK);
    expect_done(1, 9, NVME_OK);
    assert_true(interrupted(1));
    assert_int_equal(vm_fake.kicks[0], kicks);
    assert_int_equal(vm_fake.io_kicks, io_kicks);
}

enum { KICK = 1 << 20 };             /* the I/O thread's notifications */

/* One command is answered, another one's doorbell was rung, and nobody has heard of either. */
static void answer_one_and_ring_for_another(void) {
    struct nvme_entry entry = driver_transfer(IO_READ, 2, 20, 1);
    vm_fake.vm.io_bits = KICK;
    submit(IO_READ, 1, 10, 1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 10, 1);
    driver_settle();
    mux_put_answer(request, BLOCK_OK);
    driver_put(1, &entry);
    driver_ring(1);
}

static void answers_leave_commands_alone(void **state) {
    (void)state;
    answer_one_and_ring_for_another();
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    expect_done(1, 1, NVME_OK);
    expect_no_request();
    devices_serve(&vm_fake.vm, KICK);
    expect_request(BLOCK_READ, 20, 1);
}

static void doorbells_leave_answers_alone(void **state) {
    (void)state;
    answer_one_and_ring_for_another();
    devices_serve(&vm_fake.vm, KICK);
    expect_request(BLOCK_READ, 20, 1);
    expect_none_done(1);
    devices_hear(&vm_fake.vm, &vm_fake.vm.vcpu[0], FAKE_DISK_LINK);
    expect_done(1, 1, NVME_OK);
}

/* A kick for this controller is nobody else's, unless a thread wanted all. */
static void kick_is_for_the_controller_alone(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 1, DRIVER_SECTORS, 1);
    struct vm *vm = &vm_fake.vm;
    (void)state;
    vm->io_bits = KICK;
    vm->io_wanted = false;
    driver_put(1, &entry);
    driver_ring(1);
    assert_int_equal(vm->nvme_rung, 1);
    assert_false(devices_serve(vm, 0));
    assert_true(devices_serve(vm, KICK));
    expect_done(1, 1, NVME_LBA_RANGE);
    assert_int_equal(vm->nvme_rung, 0);
    assert_false(devices_serve(vm, KICK | KICK << 1));
    vm->io_wanted = true;
    driver_put(1, &entry);
    driver_ring(1);
    assert_false(devices_serve(vm, KICK));
    expect_done(1, 1, NVME_LBA_RANGE);
    assert_true(devices_serve(vm, KICK));
}

/* ---- Resets ---- */

static void late_answers_reach_nobody_after_a_reset(void **state) {
    (void)state;
    submit(IO_READ, 1, 5, 1);
    struct ring_descriptor old = expect_request(BLOCK_READ, 5, 1);
    driver_enable();
    assert_int_equal(driver_register(NVME_CSTS), 0);  /* waits for the old one */
    driver_create_pair(1, 1);
    expect_none_done(0);
    memset(mux_data(old), 0xee, BLOCK_SECTOR);
    mux_answer(old, BLOCK_OK);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
    assert_int_equal(*driver_ram(DRIVER_DATA, 1), 0);
    driver_start();
    expect_none_done(1);
    data_is_read(3);
}

static void late_answers_reach_nobody_after_a_deletion(void **state) {
    struct nvme_entry entry = driver_entry(ADMIN_DELETE_SQ, 1);
    (void)state;
    submit(IO_READ, 1, 5, 1);
    struct ring_descriptor old = expect_request(BLOCK_READ, 5, 1);
    entry.dword10 = 1;
    assert_int_equal(driver_admin(&entry, NULL), NVME_OK);
    assert_int_equal(nvme()->cq[1].claimed, 0);
    memset(mux_data(old), 0xee, BLOCK_SECTOR);
    mux_answer(old, BLOCK_OK);
    assert_int_equal(*driver_ram(DRIVER_DATA, 1), 0);
    expect_none_done(1);
}

static void deallocation_ends_with_its_queue(void **state) {
    struct nvme_entry entry = driver_entry(ADMIN_DELETE_SQ, 1);
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        put_range(i, 8 * i, 8);
    deallocate(5, 4, DATASET_DEALLOCATE);
    struct ring_descriptor first = expect_request(BLOCK_DISCARD, 0, 8);
    struct ring_descriptor second = expect_request(BLOCK_DISCARD, 8, 8);
    entry.dword10 = 1;
    assert_int_equal(driver_admin(&entry, NULL), NVME_OK);
    mux_answer(first, BLOCK_OK);
    mux_answer(second, BLOCK_OK);
    expect_no_request();
    assert_int_equal(nvme()->in_work, 0);
}

static void late_answers_reach_nobody_after_the_vms_reset(void **state) {
    (void)state;
    submit(IO_WRITE, 1, 5, 1);
    struct ring_descriptor old = expect_request(BLOCK_WRITE, 5, 1);
    devices_reset(&vm_fake.vm);
    assert_int_equal(driver_register(NVME_CSTS), 0);
    driver_enable();
    assert_int_equal(driver_register(NVME_CSTS), 0);
    mux_answer(old, BLOCK_OK);
    driver_start();
    submit(IO_READ, 2, 6, 1);
    mux_answer(expect_request(BLOCK_READ, 6, 1), BLOCK_OK);
    expect_done(1, 2, NVME_OK);
}

static void requests_survive_the_servers_restart(void **state) {
    (void)state;
    submit(IO_WRITE, 1, 3, 1);
    expect_request(BLOCK_WRITE, 3, 1);
    mux_restart();
    mux_answer(expect_request(BLOCK_WRITE, 3, 1), BLOCK_OK);
    expect_done(1, 1, NVME_OK);
}

static void nothing_is_stored_without_bus_mastering(void **state) {
    (void)state;
    submit(IO_READ, 1, 3, 1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 3, 1);
    vm_fake_config_write(DRIVER_PCI, PCI_COMMAND, PCI_COMMAND_MEMORY);
    memset(mux_data(request), 0xee, BLOCK_SECTOR);
    mux_answer(request, BLOCK_OK);
    assert_int_equal(*driver_ram(DRIVER_DATA, 1), 0);
    expect_none_done(1);
    assert_int_equal(nvme()->cq[1].claimed, 0);
    assert_int_equal(nvme()->in_work, 0);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, driver_setup, driver_teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_of_all_sizes),
        TEST(writes_of_all_sizes),
        TEST(data_begins_within_a_page),
        TEST(list_goes_on_in_another_page),
        TEST(list_ends_with_its_page),
        TEST(failures_are_told),
        TEST(readonly_disk_isnt_written),
        TEST(namespace_is_checked),
        TEST(forced_write_ends_with_a_flush),
        TEST(write_without_a_cache_is_forced),
        TEST(ranges_are_discarded_one_by_one),
        TEST(ranges_are_checked),
        TEST(failed_range_fails_the_command),
        TEST(interrupts_go_where_they_should),
        TEST(completions_wait_for_room_before_they_begin),
        TEST(memory_doorbells_save_the_registers),
        TEST(memory_doorbells_go_on_where_the_driver_is),
        TEST(new_queue_begins_at_its_beginning),
        TEST(full_queue_is_no_reason_to_sleep_for_ever),
        TEST(full_queue_in_memory_wakes_when_there_is_room),
        TEST(queues_take_turns),
        TEST(answer_is_heard_by_a_vcpus_thread),
        TEST(answers_leave_commands_alone),
        TEST(doorbells_leave_answers_alone),
        TEST(kick_is_for_the_controller_alone),
        TEST(late_answers_reach_nobody_after_a_reset),
        TEST(late_answers_reach_nobody_after_a_deletion),
        TEST(deallocation_ends_with_its_queue),
        TEST(late_answers_reach_nobody_after_the_vms_reset),
        TEST(requests_survive_the_servers_restart),
        TEST(nothing_is_stored_without_bus_mastering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
