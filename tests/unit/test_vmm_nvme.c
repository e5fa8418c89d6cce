/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated NVMe controller's registers, its life, and the admin commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_driver.h"
#include "vmm/platform/layout.h"

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_nvme();
    mux_announce(DRIVER_SECTORS, BLOCK_INFO_DISCARD);
    driver_enable();
    return 0;
}

static const uint8_t *identify(uint32_t structure, uint32_t namespace, uint16_t status) {
    struct nvme_entry entry = driver_entry(ADMIN_IDENTIFY, 9);
    entry.namespace = namespace;
    entry.prp1 = DRIVER_ANSWER;
    entry.dword10 = structure;
    assert_int_equal(driver_admin(&entry, NULL), status);
    return driver_ram(DRIVER_ANSWER, NVME_PAGE);
}

static uint64_t number(const uint8_t *at, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, at, size);
    return value;
}

/* ---- Registers and life ---- */

static void controller_is_where_a_virtio_disk_would_be(void **state) {
    (void)state;
    assert_int_equal(LAYOUT_PCI_DISK, DRIVER_PCI);
    assert_int_equal(vm_fake_config_read(DRIVER_PCI, PCI_ID), 0x00101b36);
    assert_int_equal(vm_fake_config_read(DRIVER_PCI, PCI_CLASS) >> 8, 0x010802);
    assert_int_equal(vm_fake_config_read(DRIVER_PCI, PCI_BAR), DRIVER_BAR);
    assert_int_equal(vm_fake_load(DRIVER_BAR + NVME_CAP, 8), 0x20ff0100ffull);
    assert_int_equal(driver_register(NVME_VS), 0x10400);
    assert_int_equal(vm_fake_load(DRIVER_BAR + NVME_VS + 2, 2), 1);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
    assert_int_equal(vm_fake_load(DRIVER_BAR + NVME_ASQ, 8), DRIVER_SQS);
    assert_int_equal(driver_register(NVME_ACQ), DRIVER_CQS);
    assert_int_equal(driver_register(NVME_AQA), 0x00070007);
    assert_int_equal(driver_register(0x38), 0);
}

static void admin_queues_stay_while_it_is_enabled(void **state) {
    (void)state;
    driver_set_register(NVME_ASQ, 0x300000);
    driver_set_register(NVME_AQA, 0);
    vm_fake_store(DRIVER_BAR + NVME_CC, 2, 0);
    assert_int_equal(driver_register(NVME_ASQ), DRIVER_SQS);
    assert_int_equal(driver_register(NVME_AQA), 0x00070007);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
    driver_set_register(NVME_CC, 0);
    assert_int_equal(driver_register(NVME_CSTS), 0);
    vm_fake_store(DRIVER_BAR + NVME_ASQ, 8, 0x123456000ull);
    assert_int_equal(driver_register(NVME_ASQ + 4), 1);
}

static void expect_fatal(uint32_t reg, uint32_t value, uint32_t config) {
    driver_set_register(NVME_CC, 0);
    if (reg != 0)
        driver_set_register(reg, value);
    driver_set_register(NVME_CC, CC_EN | config);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_CFS);
    driver_ring(0);
    driver_run();
    driver_enable();
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
}

static void bad_settings_are_fatal(void **state) {
    (void)state;
    expect_fatal(0, 0, CC_CSS);
    expect_fatal(0, 0, 1u << 7);
    expect_fatal(0, 0, 1u << 11);
    expect_fatal(NVME_AQA, 0x00070000, 0);
    expect_fatal(NVME_AQA, 0x00000007, 0);
    expect_fatal(NVME_ASQ, DRIVER_SQS + 64, 0);
    expect_fatal(NVME_ASQ, FAKE_RAM, 0);
    expect_fatal(NVME_ACQ, 0xfffff000, 0);
    expect_fatal(NVME_ACQ + 4, 0xffffffff, 0);
}

static void shutdown_is_over_when_the_disk_has_all(void **state) {
    struct ring_descriptor request;
    (void)state;
    driver_set_register(NVME_CC, driver_register(NVME_CC) | 1u << 14);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY | CSTS_SHST_BUSY);
    driver_run();
    assert_true(mux_request(&request));
    assert_int_equal(request.kind, BLOCK_FLUSH);
    mux_answer(request, BLOCK_OK);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY | CSTS_SHST_DONE);
    assert_false(mux_request(&request));
    driver_enable();
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
    driver_set_register(NVME_CC, 0);
    driver_set_register(NVME_CC, 1u << 14);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_SHST_DONE);
}

static void controller_waits_until_the_disk_is_known(void **state) {
    struct nvme_entry entry = driver_entry(ADMIN_ABORT, 3);
    struct driver_done done;
    (void)state;
    vm_fake.vm.nvme[0].backend.known = false;
    driver_enable();
    driver_submit(0, &entry);
    assert_int_equal(driver_register(NVME_CSTS), 0);
    assert_false(driver_done(0, &done));
    mux_announce(50, 0);
    assert_int_equal(driver_register(NVME_CSTS), CSTS_RDY);
    driver_ring(0);                                   /* until then there was no queue */
    driver_run();
    assert_true(driver_done(0, &done));
    assert_int_equal(done.id, 3);
    assert_int_equal(done.head, 1);
    assert_int_equal(done.result, 1);
}

static void nothing_is_taken_without_bus_mastering(void **state) {
    struct nvme_entry entry = driver_entry(ADMIN_ABORT, 3);
    struct driver_done done;
    (void)state;
    vm_fake_config_write(DRIVER_PCI, PCI_COMMAND, PCI_COMMAND_MEMORY);
    driver_submit(0, &entry);
    assert_false(driver_done(0, &done));
    vm_fake_config_write(DRIVER_PCI, PCI_COMMAND, 6);
    driver_run();
    assert_true(driver_done(0, &done));
}

static void absent_controllers_answer_nothing(void **state) {
    (void)state;
    assert_int_equal(vm_fake_config_read(DRIVER_PCI + 1, PCI_ID), 0xffffffff);
    assert_int_equal(vm_fake_load(DRIVER_BAR + NVME_BAR_SIZE, 4), 0xffffffff);
}

/* ---- Identify ---- */

static void controller_says_what_it_is(void **state) {
    (void)state;
    const uint8_t *answer = identify(IDENTIFY_CONTROLLER, 0, NVME_OK);
    assert_memory_equal(answer + 4, "bulkhead-0          ", 20);
    assert_memory_equal(answer + 24, "Bulkhead disk   ", 16);
    assert_int_equal(answer[77], 5);
    assert_int_equal(number(answer + 80, 4), 0x10400);
    assert_int_equal(number(answer + 256, 2), 0x100);
    assert_int_equal(number(answer + 512, 2), 0x4466);
    assert_int_equal(number(answer + 516, 4), 1);
    assert_int_equal(answer[520], 4);
    assert_int_equal(answer[525], 1);
    assert_string_equal((const char *)answer + 768,
                        "nqn.2014-08.org.nvmexpress:uuid:62756c6b-6865-8064-806e-766d65000000");
}

static void namespace_is_the_disk(void **state) {
    (void)state;
    const uint8_t *answer = identify(IDENTIFY_NAMESPACE, 1, NVME_OK);
    assert_int_equal(number(answer, 8), DRIVER_SECTORS);
    assert_int_equal(number(answer + 8, 8), DRIVER_SECTORS);
    assert_int_equal(answer[99], 0);
    assert_int_equal(number(answer + 128, 4), 9 << 16);
    assert_int_equal(number(identify(IDENTIFY_LIST, 0, NVME_OK), 8), 1);
    assert_int_equal(number(identify(IDENTIFY_LIST, 1, NVME_OK), 8), 0);
    assert_int_equal(number(identify(IDENTIFY_DESCRIPTORS, 1, NVME_OK), 4), 0x1003);
}

static void other_namespaces_and_structures_are_refused(void **state) {
    (void)state;
    identify(IDENTIFY_NAMESPACE, 0, NVME_BAD_NAMESPACE);
    identify(IDENTIFY_NAMESPACE, 2, NVME_BAD_NAMESPACE);
    identify(IDENTIFY_DESCRIPTORS, 0xffffffff, NVME_BAD_NAMESPACE);
    identify(IDENTIFY_LIST, 0xfffffffe, NVME_BAD_NAMESPACE);
    identify(0x10, 1, NVME_BAD_FIELD);
}

static void readonly_disk_says_so(void **state) {
    (void)state;
    vm_fake.vm.nvme[0].backend.readonly = true;
    assert_int_equal(identify(IDENTIFY_NAMESPACE, 1, NVME_OK)[99], 1);
    const uint8_t *answer = identify(IDENTIFY_CONTROLLER, 0, NVME_OK);
    assert_int_equal(answer[520], 0);
    assert_int_equal(answer[525], 0);
}

/* ---- Queues ---- */

static uint16_t create(uint8_t opcode, uint32_t dword10, uint32_t dword11, uint64_t at) {
    struct nvme_entry entry = driver_entry(opcode, 4);
    entry.prp1 = at;
    entry.dword10 = dword10;
    entry.dword11 = dword11;
    return driver_admin(&entry, NULL);
}

static void queues_are_created_by_the_rules(void **state) {
    enum { CQ = ADMIN_CREATE_CQ, SQ = ADMIN_CREATE_SQ, AT = DRIVER_CQS + DRIVER_QUEUE };
    (void)state;
    assert_int_equal(create(CQ, 7 << 16, 3, AT), NVME_BAD_QUEUE);
    assert_int_equal(create(CQ, 7 << 16 | NVME_QUEUES, 3, AT), NVME_BAD_QUEUE);
    assert_int_equal(create(CQ, 1, 3, AT), NVME_BAD_QUEUE_SIZE);
    assert_int_equal(create(CQ, 256 << 16 | 1, 3, AT), NVME_BAD_QUEUE_SIZE);
    assert_int_equal(create(CQ, 7 << 16 | 1, 2, AT), NVME_BAD_FIELD);
    assert_int_equal(create(CQ, 7 << 16 | 1, 3 | NVME_QUEUES << 16, AT), NVME_BAD_VECTOR);
    assert_int_equal(create(CQ, 7 << 16 | 1, 3, AT + 16), NVME_PRP_OFFSET);
    assert_int_equal(create(CQ, 255u << 16 | 1, 3, FAKE_RAM - 0x0), NVME_TRANSFER);
    assert_int_equal(create(SQ, 7 << 16 | 1, 1 | 1 << 16, AT), NVME_BAD_CQ);
    assert_int_equal(create(CQ, 7 << 16 | 1, 3, AT), NVME_OK);
    assert_int_equal(create(CQ, 7 << 16 | 1, 3, AT), NVME_BAD_QUEUE);
    assert_int_equal(create(SQ, 255u << 16 | 1, 1 | 1 << 16, FAKE_RAM - 0x3000), NVME_TRANSFER);
    assert_int_equal(create(SQ, 7 << 16 | 1, 1, AT), NVME_BAD_CQ);
    assert_int_equal(create(SQ, 255u << 16 | 1, 1 | 1 << 16, FAKE_RAM - 0x4000), NVME_OK);
    assert_int_equal(create(SQ, 7 << 16 | 1, 1 | 1 << 16, AT), NVME_BAD_QUEUE);
}

static void queues_are_deleted_in_order(void **state) {
    (void)state;
    driver_create_pair(1, 1);
    assert_int_equal(create(ADMIN_DELETE_CQ, 1, 0, 0), NVME_BAD_DELETION);
    assert_int_equal(create(ADMIN_DELETE_SQ, 2, 0, 0), NVME_BAD_QUEUE);
    assert_int_equal(create(ADMIN_DELETE_SQ, 0, 0, 0), NVME_BAD_QUEUE);
    assert_int_equal(create(ADMIN_DELETE_SQ, 1, 0, 0), NVME_OK);
    assert_int_equal(create(ADMIN_DELETE_SQ, 1, 0, 0), NVME_BAD_QUEUE);
    assert_int_equal(create(ADMIN_DELETE_CQ, 1, 0, 0), NVME_OK);
    assert_int_equal(create(ADMIN_DELETE_CQ, 1, 0, 0), NVME_BAD_QUEUE);
    assert_int_equal(create(ADMIN_DELETE_CQ, 0xffff, 0, 0), NVME_BAD_QUEUE);
}

/* ---- Features, logs, events ---- */

static uint16_t feature(uint8_t opcode, uint32_t dword10, uint32_t value, uint32_t *result) {
    struct nvme_entry entry = driver_entry(opcode, 5);
    entry.dword10 = dword10;
    entry.dword11 = value;
    return driver_admin(&entry, result);
}

static void features_are_kept(void **state) {
    enum { SET = ADMIN_SET_FEATURES, GET = ADMIN_GET_FEATURES };
    uint32_t value = 0;
    (void)state;
    assert_int_equal(feature(SET, FEATURE_QUEUES, 0x00070007, &value), NVME_OK);
    assert_int_equal(value, 0x00030003);
    assert_int_equal(feature(GET, FEATURE_QUEUES, 0, &value), NVME_OK);
    assert_int_equal(value, 0x00030003);
    assert_int_equal(feature(SET, FEATURE_QUEUES, 0xffff, NULL), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, FEATURE_QUEUES, 0xffff0000, NULL), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, FEATURE_CACHE, 0, NULL), NVME_OK);
    assert_int_equal(feature(GET, FEATURE_CACHE, 0, &value), NVME_OK);
    assert_int_equal(value, 0);
    assert_int_equal(feature(GET, FEATURE_CACHE | SELECT_DEFAULT << 8, 0, &value), NVME_OK);
    assert_int_equal(value, 1);
    assert_int_equal(feature(GET, FEATURE_CACHE | SELECT_SUPPORTED << 8, 0, &value), NVME_OK);
    assert_int_equal(value, 4);
    assert_int_equal(feature(GET, FEATURE_CACHE | 7 << 8, 0, &value), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, FEATURE_CACHE, 2, NULL), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, FEATURE_POWER, 1, NULL), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, FEATURE_VECTOR, 0x10002, NULL), NVME_OK);
    assert_int_equal(feature(GET, FEATURE_VECTOR, 2, &value), NVME_OK);
    assert_int_equal(value, 0x10002);
    assert_int_equal(feature(GET, FEATURE_VECTOR, NVME_QUEUES, &value), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, FEATURE_VECTOR, 0xffff, NULL), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, 3, 0, NULL), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, 0x7f, 0, NULL), NVME_BAD_FIELD);
    assert_int_equal(feature(SET, FEATURE_CACHE | FEATURE_SAVE, 0, NULL), NVME_NOT_SAVEABLE);
}

static uint16_t get_log(uint32_t page, uint32_t dwords) {
    struct nvme_entry entry = driver_entry(ADMIN_GET_LOG, 6);
    entry.prp1 = DRIVER_ANSWER;
    entry.dword10 = page | (dwords - 1) << 16;
    return driver_admin(&entry, NULL);
}

static void logs_are_read(void **state) {
    (void)state;
    assert_int_equal(get_log(LOG_HEALTH, 128), NVME_OK);
    assert_int_equal(driver_ram(DRIVER_ANSWER, 4)[3], 100);
    assert_int_equal(get_log(LOG_FIRMWARE, 128), NVME_OK);
    assert_int_equal(driver_ram(DRIVER_ANSWER, 16)[0], 1);
    assert_int_equal(driver_ram(DRIVER_ANSWER, 16)[8], '1');
    assert_int_equal(get_log(LOG_ERRORS, 16), NVME_OK);
    assert_int_equal(driver_ram(DRIVER_ANSWER, 16)[8], 0);
    assert_int_equal(driver_ram(DRIVER_ANSWER + 64, 1)[0], 0);
    assert_int_equal(get_log(LOG_ERRORS, 1025), NVME_BAD_FIELD);
    assert_int_equal(get_log(0x70, 16), NVME_BAD_LOG);
}

static void request_event(uint16_t id, uint16_t status) {
    struct nvme_entry entry = driver_entry(ADMIN_EVENT_REQUEST, id);
    assert_int_equal(driver_admin(&entry, NULL), status);
}

static void bad_doorbells_are_told(void **state) {
    struct driver_done done;
    (void)state;
    driver_set_register(NVME_DOORBELLS + 4 * 2, 1);   /* no such queue */
    driver_run();
    assert_false(driver_done(0, &done));
    struct nvme_entry entry = driver_entry(ADMIN_EVENT_REQUEST, 0x55);
    driver_submit(0, &entry);
    assert_true(driver_done(0, &done));
    driver_consume(0);
    assert_int_equal(done.id, 0x55);
    assert_int_equal(done.result, 0x00010000);
    request_event(0x56, 0xffff);
    driver_set_register(NVME_DOORBELLS, DRIVER_ADMIN_SIZE);
    driver_run();
    assert_false(driver_done(0, &done));              /* the log wasn't read yet */
    entry = driver_entry(ADMIN_GET_LOG, 6);
    entry.prp1 = DRIVER_ANSWER;
    entry.dword10 = LOG_ERRORS | 15 << 16;
    driver_submit(0, &entry);
    assert_true(driver_done(0, &done));
    assert_true(driver_done(0, &done));
    driver_consume(0);
    assert_int_equal(done.id, 0x56);
    assert_int_equal(done.result, 0x00010100);
}

static void completion_doorbell_beyond_the_tail_is_told(void **state) {
    struct driver_done done;
    (void)state;
    request_event(0x60, 0xffff);
    driver_set_register(NVME_DOORBELLS + 4, 5);
    driver_run();
    assert_true(driver_done(0, &done));
    assert_int_equal(done.result, 0x00010100);
}

static void few_events_are_requested_at_once(void **state) {
    (void)state;
    for (uint16_t i = 0; i < NVME_EVENT_REQUESTS; i++)
        request_event(i, 0xffff);
    request_event(99, NVME_TOO_MANY_EVENTS);
    for (unsigned i = 0; i < 3 * DRIVER_ADMIN_SIZE; i++)
        assert_int_equal(get_log(LOG_ERRORS, 16), NVME_OK);
}

static void another_size_is_told_to_who_asks(void **state) {
    struct driver_done done;
    (void)state;
    request_event(0x70, 0xffff);
    identify(IDENTIFY_NAMESPACE, 1, NVME_OK);
    mux_announce(DRIVER_SECTORS / 2, 0);
    assert_false(driver_done(0, &done));
    assert_int_equal(feature(ADMIN_SET_FEATURES, FEATURE_EVENTS, EVENTS_NAMESPACE, NULL), NVME_OK);
    mux_announce(DRIVER_SECTORS / 4, 0);
    assert_true(driver_done(0, &done));
    driver_consume(0);
    assert_int_equal(done.result, 0x00040002);
    assert_int_equal(get_log(LOG_CHANGED, 1024), NVME_OK);
    assert_int_equal(driver_word(DRIVER_ANSWER), 1);
    assert_int_equal(get_log(LOG_CHANGED, 1024), NVME_OK);
    assert_int_equal(driver_word(DRIVER_ANSWER), 0);
    assert_int_equal(number(identify(IDENTIFY_NAMESPACE, 1, NVME_OK), 8), DRIVER_SECTORS / 4);
}

static void unknown_commands_are_refused(void **state) {
    (void)state;
    struct nvme_entry entry = driver_entry(0x18, 1);      /* keep alive */
    assert_int_equal(driver_admin(&entry, NULL), NVME_BAD_OPCODE);
    entry = driver_entry(ADMIN_ABORT, 1);
    entry.control |= 1u << 14;
    assert_int_equal(driver_admin(&entry, NULL), NVME_BAD_FIELD);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, driver_teardown)
    const struct CMUnitTest tests[] = {
        TEST(controller_is_where_a_virtio_disk_would_be),
        TEST(admin_queues_stay_while_it_is_enabled),
        TEST(bad_settings_are_fatal),
        TEST(shutdown_is_over_when_the_disk_has_all),
        TEST(controller_waits_until_the_disk_is_known),
        TEST(nothing_is_taken_without_bus_mastering),
        TEST(absent_controllers_answer_nothing),
        TEST(controller_says_what_it_is),
        TEST(namespace_is_the_disk),
        TEST(other_namespaces_and_structures_are_refused),
        TEST(readonly_disk_says_so),
        TEST(queues_are_created_by_the_rules),
        TEST(queues_are_deleted_in_order),
        TEST(features_are_kept),
        TEST(logs_are_read),
        TEST(bad_doorbells_are_told),
        TEST(completion_doorbell_beyond_the_tail_is_told),
        TEST(few_events_are_requested_at_once),
        TEST(another_size_is_told_to_who_asks),
        TEST(unknown_commands_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
