/* SPDX-License-Identifier: BSD-2-Clause */
/* When the VMM believes that an instruction that exited before is still the one that exits now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/cpu/x86.h"
#include "vmm/platform/layout.h"

/* The page of code at 0x40000000: an entry of each level leads there. */
enum { CODE = 0x40000100, PAGE_A = 0x5000, PAGE_B = 0x6000, PLACE = CODE % 0x1000 };
enum { ROOT = LAYOUT_PAGE_TABLES, POINTERS = ROOT + 0x1008, DIRECTORY = 0x20000, TABLE = 0x21000 };
#define IOAPIC_WINDOW 0xfec00010ull

static const uint8_t store[] = { 0x89, 0x07 };             /* mov %eax, (%rdi) */
static const uint8_t load[] = { 0x8b, 0x07 };              /* mov (%rdi), %eax */

static struct bh_vcpu_state *cpu;
static struct vcpu *vcpu;

static void put(uint64_t at, uint64_t entry) {
    vm_fake_poke(at, &entry, sizeof(entry));
}

static uint64_t entry_at(uint64_t at) {
    uint64_t entry;
    guest_read(&vm_fake.vm.memory, (struct gpa){ at }, &entry, sizeof(entry));
    return entry;
}

static void run(void) {
    cpu->rip = CODE;
    cpu->gpr[BH_RAX] = 0;
    vm_fake_exit(BH_EXIT_MEMORY, 0x100000004ull, IOAPIC_WINDOW, 0);
    cpu->rip = CODE;
}

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vcpu = &vm_fake.vm.vcpu[0];
    cpu = vcpu->state;
    put(ROOT, entry_at(ROOT) | PTE_USER);
    put(POINTERS, DIRECTORY | 7);
    put(DIRECTORY, TABLE | 7);
    put(TABLE, PAGE_A | 3);
    vm_fake_poke(PAGE_A + PLACE, store, sizeof(store));
    vm_fake_poke(PAGE_B + PLACE, load, sizeof(load));
    irq_ioapic_write(&vm_fake.vm, 0, 1);                   /* its version: reads as no zero */
    run();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static bool is_known(void) {
    struct insn insn;
    return known_insn(vcpu, &insn) && insn.op == INSN_MOV && insn.form == INSN_FORM_RM_REG &&
           insn.length == sizeof(store);
}

static bool loaded(void) {
    return cpu->gpr[BH_RAX] != 0;
}

static void what_exited_is_known(void **state) {
    (void)state;
    assert_true(is_known());
    run();
    assert_false(loaded());
    cpu->rip++;
    assert_false(is_known());
}

static void other_bytes_are_another_instruction(void **state) {
    (void)state;
    vm_fake_poke(PAGE_A + PLACE, load, sizeof(load));
    assert_false(is_known());
    run();
    assert_true(loaded());
}

static void every_byte_of_it_counts(void **state) {
    static const uint8_t longest[] = { 0xc7, 0x87, 0, 0, 0, 0, 1, 0, 0, 0 };
    struct insn insn;                                      /* movl $1, 0(%rdi) */
    (void)state;
    vm_fake_poke(PAGE_A + PLACE, longest, sizeof(longest));
    run();
    for (unsigned i = 0; i < sizeof(longest); i++) {
        uint8_t other = longest[i] ^ 0x20;
        assert_true(known_insn(vcpu, &insn));
        vm_fake_poke(PAGE_A + PLACE + i, &other, 1);
        assert_false(known_insn(vcpu, &insn));
        vm_fake_poke(PAGE_A + PLACE + i, &longest[i], 1);
    }
}

/* The old page is as it was, but it isn't there any more. */
static void another_page_has_another_instruction(void **state) {
    (void)state;
    put(TABLE, PAGE_B | 3);
    assert_false(is_known());
    run();
    assert_true(loaded());
}

static void a_walk_leaves_its_marks_each_time(void **state) {
    static const uint64_t levels[] = { ROOT, POINTERS, DIRECTORY, TABLE };
    (void)state;
    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        uint64_t entry = entry_at(levels[i]);
        assert_true(entry & PTE_ACCESSED);
        put(levels[i], entry & ~(uint64_t)PTE_ACCESSED);
        assert_false(is_known());
        run();
        assert_int_equal(entry_at(levels[i]), entry);
        assert_true(is_known());
    }
}

static void absent_page_faults(void **state) {
    (void)state;
    put(DIRECTORY, 0);
    run();
    assert_int_equal(cpu->inject & 0xff, VECTOR_PF);
    assert_int_equal(cpu->inject >> 32, WALK_FETCH);
    assert_int_equal(cpu->cr2, CODE);
}

static void expect_unknown_with(uint64_t *field, uint64_t value) {
    uint64_t old = *field;
    *field = value;
    assert_false(is_known());
    *field = old;
    assert_true(is_known());
}

/* With other registers the same tables may mean something else. */
static void registers_are_part_of_it(void **state) {
    (void)state;
    expect_unknown_with(&cpu->cr0, cpu->cr0 ^ CR0_WP);
    expect_unknown_with(&cpu->cr3, cpu->cr3 + 0x1000);
    expect_unknown_with(&cpu->cr4, cpu->cr4 ^ CR4_SMEP);
    expect_unknown_with(&cpu->efer, cpu->efer ^ EFER_NXE);
    expect_unknown_with(&cpu->cpl, 3);
    uint16_t code = cpu->segment[BH_CS].attributes;
    cpu->segment[BH_CS].attributes = (uint16_t)((code & ~SEGMENT_LONG) | SEGMENT_DEFAULT_32);
    assert_false(is_known());
    cpu->segment[BH_CS].attributes = code;
    assert_true(is_known());
}

/* A program's pages may be moved without any register or entry of the kernel's changing. */
static void programs_instructions_are_fetched_each_time(void **state) {
    (void)state;
    put(TABLE, PAGE_A | 7);
    cpu->cpl = 3;
    run();
    assert_int_equal(cpu->inject, 0);
    assert_false(is_known());
    cpu->cpl = 0;
    assert_false(is_known());
}

/* An exit that proves what its instruction does asks for the length of such a one only. */
static void length_is_known_of_what_the_exit_proves(void **state) {
    (void)state;
    assert_int_equal(known_length(vcpu, INSN_MOV), sizeof(store));
    assert_int_equal(known_length(vcpu, INSN_HLT), 0);
    put(TABLE, PAGE_B | 3);
    assert_int_equal(known_length(vcpu, INSN_MOV), sizeof(store));
    vm_fake_poke(PAGE_A + PLACE, load, 1);
    assert_int_equal(known_length(vcpu, INSN_MOV), 0);
}

/* What comes behind it there isn't on the same page, and may be anything. */
static void code_at_a_page_s_end_isn_t_kept(void **state) {
    (void)state;
    uint64_t last = 0x1000 - sizeof(store);
    vm_fake_poke(PAGE_A + last, store, sizeof(store));
    cpu->rip = CODE - PLACE + last;
    vm_fake_exit(BH_EXIT_MEMORY, 0x100000004ull, IOAPIC_WINDOW, 0);
    assert_int_equal(cpu->rip, CODE - PLACE + 0x1000);
    cpu->rip -= sizeof(store);
    assert_false(is_known());
    assert_int_equal(known_length(vcpu, INSN_MOV), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_exited_is_known),
        TEST(other_bytes_are_another_instruction),
        TEST(every_byte_of_it_counts),
        TEST(another_page_has_another_instruction),
        TEST(a_walk_leaves_its_marks_each_time),
        TEST(absent_page_faults),
        TEST(registers_are_part_of_it),
        TEST(programs_instructions_are_fetched_each_time),
        TEST(length_is_known_of_what_the_exit_proves),
        TEST(code_at_a_page_s_end_isn_t_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
