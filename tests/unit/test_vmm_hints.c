/* SPDX-License-Identifier: BSD-2-Clause */
/* Which stores to an NVMe controller's doorbells the VMM leaves to the kernel, and when no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_driver.h"
#include "vmm/cpu/x86.h"

enum { TAIL_1 = NVME_DOORBELLS + 8, STORE_LENGTH = 2 };

static const uint8_t store[] = { 0x89, 0x10 };             /* mov %edx, (%rax) */

static struct bh_vcpu_state *cpu(void) { return vm_fake.vm.vcpu[0].state; }

static int setup(void **state) {
    (void)state;
    vm_fake_make(2);
    vm_fake_use_nvme();
    mux_announce(DRIVER_SECTORS, 0);
    driver_start();
    return 0;
}

/* The guest's instruction at `rip` stores to a register. */
static void run_at(uint64_t rip, const uint8_t *code, size_t size, uint32_t reg, uint64_t value) {
    cpu()->rip = rip;
    cpu()->gpr[BH_RDX] = value;
    vm_fake_code(code, size);
    vm_fake_exit(BH_EXIT_MEMORY, 2, DRIVER_BAR + reg, 0);
}

static void store_at(uint64_t rip, uint32_t reg, uint64_t value) {
    run_at(rip, store, sizeof(store), reg, value);
}

/* The length that the kernel is told for the instruction there. */
static uint32_t hint_at(uint64_t rip) {
    for (unsigned i = 0; i < BH_VCPU_HINTS; i++)
        if (cpu()->hint[i].rip == rip)
            return cpu()->hint[i].length;
    return 0;
}

static void store_is_left_to_the_kernel(void **state) {
    (void)state;
    driver_use_memory();
    store_at(0x3000, TAIL_1, 0);
    assert_int_equal(cpu()->rip, 0x3000 + STORE_LENGTH);
    assert_int_equal(hint_at(0x3000), STORE_LENGTH);
    assert_int_equal(vm_fake.vm.vcpu[1].state->hint[0].length, 0);   /* its own thread's business */
}

static void values_in_registers_matter(void **state) {
    (void)state;
    store_at(0x3000, TAIL_1, 0);
    assert_int_equal(hint_at(0x3000), 0);
    driver_use_memory();
    store_at(0x3000, NVME_DOORBELLS, driver_pair[0].tail); /* the admin queue's */
    store_at(0x3000, NVME_DOORBELLS + 4, driver_pair[0].head);
    store_at(0x3000, NVME_MSIX + 12, 0);
    assert_int_equal(hint_at(0x3000), 0);
}

static void only_plain_stores_are_left(void **state) {
    static const struct { uint8_t code[3]; size_t size; } others[] = {
        { { 0x01, 0x10 }, 2 },                             /* add %edx, (%rax) */
        { { 0x87, 0x10 }, 2 },                             /* xchg %edx, (%rax) */
        { { 0x8b, 0x10 }, 2 },                             /* mov (%rax), %edx */
        { { 0xab }, 1 },                                   /* stos */
    };
    (void)state;
    driver_use_memory();
    cpu()->gpr[BH_RDI] = DRIVER_BAR + TAIL_1;
    for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++) {
        run_at(0x3000 + 16 * i, others[i].code, others[i].size, TAIL_1, 0);
        assert_true(cpu()->rip > 0x3000 + 16 * i);
        assert_int_equal(hint_at(0x3000 + 16 * i), 0);
    }
}

/* In a program, or in 32 bits, an address may be anyone's. */
static void only_the_kernel_s_stores_are_left(void **state) {
    (void)state;
    driver_use_memory();
    for (uint64_t *entry = (uint64_t *)(void *)driver_ram(0xa000, 0x6000), i = 0; i < 3072; i++)
        entry[i] |= entry[i] != 0 ? 4 : 0;                 /* the page tables let programs in */
    cpu()->cpl = 3;
    store_at(0x3000, TAIL_1, 0);
    assert_int_equal(cpu()->rip, 0x3000 + STORE_LENGTH);
    assert_int_equal(hint_at(0x3000), 0);
    cpu()->cpl = 0;
    cpu()->segment[BH_CS].attributes = (uint16_t)(cpu()->segment[BH_CS].attributes & ~SEGMENT_LONG);
    cpu()->segment[BH_CS].attributes |= SEGMENT_DEFAULT_32;
    store_at(0x3100, TAIL_1, 0);
    assert_int_equal(cpu()->rip, 0x3100 + STORE_LENGTH);
    assert_int_equal(hint_at(0x3100), 0);
}

static void hints_are_used_in_turn(void **state) {
    (void)state;
    driver_use_memory();
    for (unsigned i = 0; i < BH_VCPU_HINTS; i++)
        store_at(0x3000 + 16 * i, TAIL_1, 0);
    for (unsigned i = 0; i < BH_VCPU_HINTS; i++)
        assert_int_equal(hint_at(0x3000 + 16 * i), STORE_LENGTH);
    store_at(0x3010, TAIL_1, 0);                           /* once more: no second one */
    store_at(0x4000, TAIL_1, 0);
    assert_int_equal(hint_at(0x3000), 0);
    assert_int_equal(hint_at(0x3010), STORE_LENGTH);
    assert_int_equal(hint_at(0x4000), STORE_LENGTH);
}

/* Another vCPU's reset ends it, too. */
static void an_enabled_controller_ends_it(void **state) {
    (void)state;
    driver_use_memory();
    store_at(0x3000, TAIL_1, 0);
    vm_fake.vm.vcpu[1].state->hint[2] = (struct bh_vcpu_hint){ 0x5000, 3, 0 };
    driver_set_register(NVME_CC, 0);
    driver_enable();
    assert_int_equal(hint_at(0x3000), 0);
    assert_int_equal(vm_fake.vm.vcpu[1].state->hint[2].length, 0);
    store_at(0x3000, TAIL_1, 0);
    assert_int_equal(hint_at(0x3000), 0);
    driver_create_pair(1, 1);
    driver_use_memory();
    store_at(0x3000, TAIL_1, 0);
    assert_int_equal(hint_at(0x3000), STORE_LENGTH);
}

static void registers_elsewhere_end_it(void **state) {
    (void)state;
    driver_use_memory();
    store_at(0x3000, TAIL_1, 0);
    vm_fake_config_write(DRIVER_PCI, PCI_BAR, 0xe0100000);
    assert_int_equal(hint_at(0x3000), 0);
    cpu()->rip = 0x3000;
    vm_fake_exit(BH_EXIT_MEMORY, 2, 0xe0100000 + TAIL_1, 0);
    assert_int_equal(hint_at(0x3000), 0);
    vm_fake_config_write(DRIVER_PCI, PCI_BAR, (uint32_t)DRIVER_BAR);
    store_at(0x3000, TAIL_1, 0);
    assert_int_equal(hint_at(0x3000), STORE_LENGTH);
}

static void a_new_life_of_the_vm_ends_it(void **state) {
    (void)state;
    driver_use_memory();
    store_at(0x3000, TAIL_1, 0);
    devices_reset(&vm_fake.vm);
    assert_int_equal(hint_at(0x3000), 0);
}

/* The kernel's notification has no value, and needs none. */
static void notification_is_served_alone(void **state) {
    struct nvme_entry entry = driver_transfer(IO_READ, 9, 10, 1);
    struct ring_descriptor request;
    (void)state;
    driver_use_memory();
    assert_true(devices_settle(&vm_fake.vm));
    driver_put(1, &entry);
    vm_fake_poke(DRIVER_DOORBELLS + 8, &driver_pair[1].tail, sizeof(uint32_t));
    assert_true(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
    assert_true(mux_request(&request));
    assert_int_equal(request.kind, BLOCK_READ);
    vm_fake_config_write(DRIVER_PCI, PCI_BAR, 0xe0100000);   /* then it may be anybody's */
    assert_false(devices_serve(&vm_fake.vm, FAKE_DISK_BELL));
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, driver_teardown)
    const struct CMUnitTest tests[] = {
        TEST(store_is_left_to_the_kernel),
        TEST(values_in_registers_matter),
        TEST(only_plain_stores_are_left),
        TEST(only_the_kernel_s_stores_are_left),
        TEST(hints_are_used_in_turn),
        TEST(an_enabled_controller_ends_it),
        TEST(registers_elsewhere_end_it),
        TEST(a_new_life_of_the_vm_ends_it),
        TEST(notification_is_served_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
