/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's walks of guest page tables and its emulation of instructions on device memory, through
 * whole exits of a vCPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"
#include "vmm/cpu/x86.h"

enum { IOAPIC_SELECT = 0xfec00000u, IOAPIC_WINDOW = 0xfec00010u };

static struct bh_vcpu_state *cpu;

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    cpu = vm_fake.vm.vcpu[0].state;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

/* Runs one instruction that faults at `at`. */
static void touch(const void *code, size_t size, uint64_t at) {
    cpu->inject = 0;
    vm_fake_code(code, size);
    vm_fake_exit(BH_EXIT_MEMORY, 0x100000004ull, at, 0);
}

#define TOUCH(at, ...) do { static const uint8_t code_[] = { __VA_ARGS__ }; \
                            touch(code_, sizeof(code_), at); } while (0)

static void loads_and_stores_reach_the_device(void **state) {
    (void)state;
    uint64_t rip = cpu->rip;
    cpu->gpr[BH_RCX] = 0xffffffff00000001ull;
    TOUCH(IOAPIC_SELECT, 0x89, 0x0f);                   /* mov [rdi], ecx */
    assert_int_equal(cpu->rip, rip + 2);
    assert_int_equal(vm_fake.vm.ioapic.select, 1);
    cpu->gpr[BH_RAX] = ~0ull;
    TOUCH(IOAPIC_WINDOW, 0x8b, 0x07);                   /* mov eax, [rdi] */
    assert_int_equal(cpu->gpr[BH_RAX], 0x00170020);     /* the upper half is cleared */
    cpu->gpr[BH_RAX] = ~0ull;
    TOUCH(IOAPIC_WINDOW, 0x66, 0x8b, 0x07);             /* mov ax, [rdi] */
    assert_int_equal(cpu->gpr[BH_RAX], 0xffffffffffff0020ull);
    TOUCH(IOAPIC_WINDOW, 0x8a, 0x27);                   /* mov ah, [rdi] */
    assert_int_equal(cpu->gpr[BH_RAX], 0xffffffffffff2020ull);
    TOUCH(IOAPIC_WINDOW, 0x0f, 0xb7, 0x07);             /* movzx eax, word [rdi] */
    assert_int_equal(cpu->gpr[BH_RAX], 0x20);
    TOUCH(IOAPIC_SELECT, 0xc7, 0x07, 0x10, 0, 0, 0);    /* mov dword [rdi], 0x10 */
    assert_int_equal(vm_fake.vm.ioapic.select, 0x10);
}

static void arithmetic_sets_flags(void **state) {
    (void)state;
    TOUCH(IOAPIC_SELECT, 0xc7, 0x07, 0x12, 0, 0, 0);
    cpu->rflags = RFLAGS_FIXED;
    TOUCH(IOAPIC_SELECT, 0x83, 0x0f, 0x01);             /* or dword [rdi], 1 */
    assert_int_equal(vm_fake.vm.ioapic.select, 0x13);
    TOUCH(IOAPIC_SELECT, 0x83, 0x27, 0xf0);             /* and dword [rdi], -16 */
    assert_int_equal(vm_fake.vm.ioapic.select, 0x10);
    TOUCH(IOAPIC_SELECT, 0x83, 0x3f, 0x10);             /* cmp dword [rdi], 16 */
    assert_int_equal(cpu->rflags, RFLAGS_FIXED | RFLAGS_ZF | RFLAGS_PF);
    TOUCH(IOAPIC_SELECT, 0x83, 0x3f, 0x11);             /* cmp dword [rdi], 17 */
    assert_true((cpu->rflags & RFLAGS_CF) && (cpu->rflags & RFLAGS_SF));
    TOUCH(IOAPIC_SELECT, 0xf7, 0x07, 0x10, 0, 0, 0);    /* test dword [rdi], 16 */
    assert_false(cpu->rflags & (RFLAGS_ZF | RFLAGS_CF));
    cpu->gpr[BH_RAX] = 0x15;
    TOUCH(IOAPIC_SELECT, 0x87, 0x07);                   /* xchg [rdi], eax */
    assert_int_equal(vm_fake.vm.ioapic.select, 0x15);
    assert_int_equal(cpu->gpr[BH_RAX], 0x10);
    TOUCH(IOAPIC_SELECT, 0x0f, 0xba, 0x37, 0x00);       /* btr dword [rdi], 0 */
    assert_true(cpu->rflags & RFLAGS_CF);
    assert_int_equal(vm_fake.vm.ioapic.select, 0x14);
}

static void strings_move_between_device_and_memory(void **state) {
    (void)state;
    uint64_t rip = cpu->rip;
    vm_fake.vm.ioapic.select = 1;
    cpu->gpr[BH_RSI] = IOAPIC_WINDOW;
    cpu->gpr[BH_RDI] = 0x3000;
    cpu->gpr[BH_RCX] = 1;
    TOUCH(IOAPIC_WINDOW, 0xf3, 0xa5);                   /* rep movsd */
    uint32_t got;
    guest_read(&vm_fake.vm.memory, (struct gpa){ 0x3000 }, &got, 4);
    assert_int_equal(got, 0x00170020);
    assert_int_equal(cpu->gpr[BH_RCX], 0);
    assert_int_equal(cpu->gpr[BH_RDI], 0x3004);
    assert_int_equal(cpu->gpr[BH_RSI], IOAPIC_WINDOW + 4);
    assert_int_equal(cpu->rip, rip + 2);
}

static void long_repeats_are_done_in_pieces(void **state) {
    (void)state;
    uint64_t rip = cpu->rip;
    cpu->gpr[BH_RDI] = 0xd0000000;
    cpu->gpr[BH_RCX] = 1000000;
    TOUCH(0xd0000000, 0xf3, 0xab);                      /* rep stosd */
    assert_int_equal(cpu->gpr[BH_RCX], 1000000 - EMULATE_REP_LIMIT);
    assert_int_equal(cpu->rip, rip);
}

static void unmapped_operand_of_a_string_faults_in_the_guest(void **state) {
    (void)state;
    cpu->gpr[BH_RSI] = IOAPIC_WINDOW;
    cpu->gpr[BH_RDI] = 0x700000000000;                  /* no such entry in the tables */
    TOUCH(IOAPIC_WINDOW, 0xa5);                         /* movsd */
    assert_int_equal(cpu->inject & 0xffffffff, EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE |
                                               VECTOR_PF);
    assert_int_equal(cpu->inject >> 32, WALK_WRITE);
    assert_int_equal(cpu->cr2, 0x700000000000);
}

static void unknown_instruction_is_undefined(void **state) {
    (void)state;
    uint64_t rip = cpu->rip;
    TOUCH(IOAPIC_WINDOW, 0x0f, 0x6f, 0x07);             /* movq mm0, [rdi] */
    assert_int_equal(cpu->inject, EVENT_VALID | EVENT_EXCEPTION | VECTOR_UD);
    assert_int_equal(cpu->rip, rip);
}

static void code_in_device_memory_ends_the_vm(void **state) {
    (void)state;
    vm_fake_exit(BH_EXIT_MEMORY, 0x100000010ull, 0xd0000000, 0);
    assert_int_equal(vm_fake.vm.state, VM_ENDING);
    assert_non_null(strstr(vm_fake.last_log, "device memory"));
}

static struct walk_result walk_to(uint64_t address, uint32_t access) {
    return walk(&vm_fake.vm.memory, cpu, (struct gva){ address }, access);
}

static void walks_check_rights(void **state) {
    (void)state;
    /* One 4 KiB user page at 0x40000000: PML4[0], PDPT[1], PD 0x20000, PT 0x21000. */
    uint64_t directory = 0x20000 | 7, table = 0x21000 | 7, page = 0x5000 | 5;
    uint64_t pml4 = (LAYOUT_PAGE_TABLES + 0x1000) | 7;
    vm_fake_poke(LAYOUT_PAGE_TABLES, &pml4, 8);
    vm_fake_poke(LAYOUT_PAGE_TABLES + 0x1008, &directory, 8);
    vm_fake_poke(0x20000, &table, 8);
    vm_fake_poke(0x21000, &page, 8);
    struct walk_result result = walk_to(0x40000123, WALK_USER);
    assert_true(result.ok);
    assert_int_equal(result.gpa.value, 0x5123);
    result = walk_to(0x40000123, WALK_USER | WALK_WRITE);
    assert_false(result.ok);
    assert_int_equal(result.error, WALK_PRESENT | WALK_WRITE | WALK_USER);
    assert_false(walk_to(0x40001000, WALK_USER).ok);
    assert_false(walk_to(0x1000, WALK_USER).ok);        /* a supervisor page */
    cpu->cr4 |= CR4_SMAP;
    assert_false(walk_to(0x40000123, 0).ok);
    cpu->rflags |= RFLAGS_AC;
    assert_true(walk_to(0x40000123, 0).ok);
    cpu->cr4 |= CR4_SMEP;
    assert_false(walk_to(0x40000123, WALK_FETCH).ok);
    uint64_t marked;
    guest_read(&vm_fake.vm.memory, (struct gpa){ 0x21000 }, &marked, 8);
    assert_int_equal(marked, page | PTE_ACCESSED);
}

static void tables_outside_memory_are_absent(void **state) {
    (void)state;
    cpu->cr3 = 0xfffffffff000;
    assert_false(walk_to(0, 0).ok);
    cpu->cr3 = FAKE_RAM - 8;
    assert_false(walk_to(~0ull, 0).ok);
}

static void real_mode_and_legacy_paging_walk(void **state) {
    (void)state;
    cpu->cr0 = CR0_ET;
    cpu->efer = 0;
    assert_int_equal(walk_to(0x12345, 0).gpa.value, 0x12345);
    uint32_t directory = 0x22000 | 3, page = 0x7000 | 3, large = 0x00400000 | 0x83;
    vm_fake_poke(0x23000, &directory, 4);
    vm_fake_poke(0x23004, &large, 4);
    vm_fake_poke(0x22004, &page, 4);
    cpu->cr0 |= CR0_PE | CR0_PG;
    cpu->cr3 = 0x23000;
    cpu->cr4 = CR4_PSE;
    assert_int_equal(walk_to(0x1010, 0).gpa.value, 0x7010);
    assert_int_equal(walk_to(0x00412345, 0).gpa.value, 0x00412345);
    cpu->cr4 = CR4_PAE;
    uint64_t root = 0x25000 | 1, entry = 0x8000 | 3, middle = 0x26000 | 3;
    cpu->cr3 = 0x24020;
    vm_fake_poke(0x24020, &root, 8);
    vm_fake_poke(0x25000, &middle, 8);
    vm_fake_poke(0x26000, &entry, 8);
    assert_int_equal(walk_to(0x10, WALK_WRITE).gpa.value, 0x8010);
}

static void instruction_across_an_absent_page_faults_at_that_page(void **state) {
    (void)state;
    static const uint8_t half[] = { 0x0f };
    cpu->rip = 0x3fffffff;                              /* last byte of the first GiB */
    uint64_t absent = 0, last = 0x00200000 | 0x83;
    vm_fake_poke(LAYOUT_PAGE_TABLES + 0x1008, &absent, 8);
    vm_fake_poke(LAYOUT_PAGE_TABLES + 0x2000 + 511 * 8, &last, 8);
    vm_fake_poke(0x3fffff, half, 1);
    vm_fake_exit(BH_EXIT_CPUID, 0, 0, 0);
    assert_int_equal(cpu->cr2, 0x40000000);
    assert_int_equal(cpu->inject >> 32, WALK_FETCH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(loads_and_stores_reach_the_device),
        TEST(arithmetic_sets_flags),
        TEST(strings_move_between_device_and_memory),
        TEST(long_repeats_are_done_in_pieces),
        TEST(unmapped_operand_of_a_string_faults_in_the_guest),
        TEST(unknown_instruction_is_undefined),
        TEST(code_in_device_memory_ends_the_vm),
        TEST(walks_check_rights),
        TEST(tables_outside_memory_are_absent),
        TEST(real_mode_and_legacy_paging_walk),
        TEST(instruction_across_an_absent_page_faults_at_that_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
