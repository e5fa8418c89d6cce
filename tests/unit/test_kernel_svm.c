/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel takes from a VMM's state page, what it gives back, and what an exit means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "abi/call.h"
#include "x86/svm_state.h"

enum { CR0_PG_PE = 1 << 31 | 1, CR4_PAE = 1 << 5, EFER_LME = 1 << 8, EFER_LMA = 1 << 10,
       EFER_SVME = 1 << 12, VALID = 1 << 31 };
#define EVENT(type, vector) ((uint64_t)(uint32_t)VALID | (type) << 8 | (vector))

static struct vmcb vmcb;
static struct bh_vcpu_state page;
static struct vcpu_leaving leaving;

static int begin(void **state) {
    (void)state;
    memset(&vmcb, 0, sizeof(vmcb));
    memset(&page, 0, sizeof(page));
    memset(&leaving, 0x5a, sizeof(leaving));
    svm_state_reset(&vmcb);
    return 0;
}

static void leave(uint64_t code, uint64_t info1, uint64_t info2) {
    vmcb.control.exit_code = code;
    vmcb.control.exit_info1 = info1;
    vmcb.control.exit_info2 = info2;
    svm_decode(&vmcb, &leaving);
}

static void test_events(void **state) {
    (void)state;
    assert_true(svm_event_allowed(0));
    assert_true(svm_event_allowed(EVENT(0, 0x31)));
    assert_true(svm_event_allowed(EVENT(2, 2)));
    assert_true(svm_event_allowed(EVENT(3, 14) | 1 << 11 | 7ull << 32));
    assert_true(svm_event_allowed(EVENT(4, 0x80)));
    assert_false(svm_event_allowed(0x31));              /* not valid, but not empty */
    assert_false(svm_event_allowed(EVENT(1, 0x31)));
    assert_false(svm_event_allowed(EVENT(5, 0x31)));
    assert_false(svm_event_allowed(EVENT(2, 3)));
    assert_false(svm_event_allowed(EVENT(3, 2)));
    assert_false(svm_event_allowed(EVENT(3, 32)));
    assert_false(svm_event_allowed(EVENT(0, 0x31) | 1 << 12));
}

static void test_events_again(void **state) {
    (void)state;
    assert_int_equal(svm_event_again(0), 0);
    assert_int_equal(svm_event_again(EVENT(0, 0x31)), EVENT(0, 0x31));
    assert_int_equal(svm_event_again(EVENT(3, 14)), EVENT(3, 14));
    assert_int_equal(svm_event_again(EVENT(4, 0x80)), 0);   /* INTn is run again */
    assert_int_equal(svm_event_again(EVENT(3, 3)), 0);
    assert_int_equal(svm_event_again(EVENT(3, 4)), 0);
    assert_int_equal(svm_event_again(EVENT(7, 1)), 0);      /* never back into VMRUN */
}

static void test_xcr0(void **state) {
    (void)state;
    assert_true(xcr0_allowed(1, 0x2ff));
    assert_true(xcr0_allowed(7, 0x2ff));
    assert_true(xcr0_allowed(0x1f, 0x2ff));
    assert_true(xcr0_allowed(0x2e7, 0x2ff));
    assert_false(xcr0_allowed(0, 0x2ff));
    assert_false(xcr0_allowed(6, 0x2ff));
    assert_false(xcr0_allowed(5, 0x2ff));
    assert_false(xcr0_allowed(0x9, 0x2ff));
    assert_false(xcr0_allowed(0x27, 0x2ff));
    assert_false(xcr0_allowed(0xe3, 0x2ff));
    assert_false(xcr0_allowed(0x207, 7));
    assert_false(xcr0_allowed(1ull << 62 | 7, 0x2ff));
}

static void test_reset_intercepts(void **state) {
    (void)state;
    assert_int_equal(svm_state_take(&vmcb, &page, 0), BH_OK);
    assert_true(vmcb.control.intercept_misc1 & SVM_INTERCEPT_INTR);
    assert_true(vmcb.control.intercept_misc1 & SVM_INTERCEPT_IO);
    assert_true(vmcb.control.intercept_misc1 & SVM_INTERCEPT_MSR);
    assert_true(vmcb.control.intercept_misc1 & SVM_INTERCEPT_SHUTDOWN);
    assert_true(vmcb.control.intercept_misc2 & SVM_INTERCEPT_VMRUN);   /* VMRUN requires it */
    assert_int_equal(vmcb.control.virtual_interrupt, SVM_V_INTR_MASKING);
    assert_int_equal(vmcb.save.efer, EFER_SVME);
    assert_int_equal(vmcb.save.rflags, 2);
}

static void test_take_groups(void **state) {
    (void)state;
    page.rip = 0x1000;
    page.rflags = ~0ull;
    page.gpr[BH_RSP] = 0x2000;
    page.cr3 = 0x3000;
    page.star = 0x5555;
    page.sysenter_eip = 0x6666;
    page.pat = 0x7777;
    page.segment[BH_TR].base = 0x8888;
    page.tsc_offset = 0x9999;
    assert_int_equal(svm_state_take(&vmcb, &page, 0), BH_OK);
    assert_int_equal(vmcb.save.rip, 0);
    assert_int_equal(svm_state_take(&vmcb, &page, BH_STATE_GPR), BH_OK);
    assert_int_equal(vmcb.save.rip, 0x1000);
    assert_int_equal(vmcb.save.rsp, 0x2000);
    assert_int_equal(vmcb.save.rflags, 0x3f7fd7);
    assert_int_equal(vmcb.save.cr3, 0);
    assert_int_equal(svm_state_take(&vmcb, &page, BH_STATE_ALL), BH_OK);
    assert_int_equal(vmcb.save.cr3, 0x3000);
    assert_int_equal(vmcb.save.msr[0], 0x5555);
    assert_int_equal(vmcb.save.msr[7], 0x6666);
    assert_int_equal(vmcb.save.pat, 0x7777);
    assert_int_equal(vmcb.save.segment[BH_TR].base, 0x8888);
    assert_int_equal(vmcb.control.tsc_offset, 0x9999);
    assert_int_equal(vmcb.control.flush_wanted, 1);
}

static void test_take_masks(void **state) {
    (void)state;
    page.cr4 = CR4_PAE;
    page.efer = EFER_LMA;
    page.cpl = 0xff;
    page.shadow = ~0u;
    page.exceptions = ~0u;
    assert_int_equal(svm_state_take(&vmcb, &page, BH_STATE_CONTROL), BH_OK);
    assert_int_equal(vmcb.save.efer, EFER_SVME);        /* LMA only with LME and paging */
    assert_int_equal(vmcb.save.cr4, CR4_PAE | 1 << 6);  /* MCE: the host's checks stay on */
    assert_int_equal(vmcb.save.cpl, 3);
    assert_int_equal(vmcb.control.shadow, 1);
    assert_int_equal(vmcb.control.intercept_exceptions, ~4u);   /* vector 2 has its own intercept */
    page.efer = EFER_LME;
    page.cr0 = (uint32_t)CR0_PG_PE;
    page.exceptions = 0;
    assert_int_equal(svm_state_take(&vmcb, &page, BH_STATE_CONTROL), BH_OK);
    assert_int_equal(vmcb.save.efer, EFER_SVME | EFER_LME | EFER_LMA);
    assert_int_equal(vmcb.control.intercept_exceptions, 1 << 1 | 1 << 17 | 1 << 18);
}

static void test_take_refuses(void **state) {
    struct vmcb before = vmcb;

    (void)state;
    page.efer = EFER_LME;                               /* no PAE, no paging */
    page.rip = 0x1000;
    assert_int_equal(svm_state_take(&vmcb, &page, BH_STATE_ALL), BH_E_ARGUMENT);
    assert_memory_equal(&vmcb, &before, sizeof(vmcb));
    page.efer = 0;
    page.inject = EVENT(1, 1);
    assert_int_equal(svm_state_take(&vmcb, &page, BH_STATE_ALL), BH_E_ARGUMENT);
    assert_memory_equal(&vmcb, &before, sizeof(vmcb));
}

static void test_windows(void **state) {
    (void)state;
    page.want = BH_WANT_WINDOW | BH_WANT_NMI_WINDOW;
    assert_int_equal(svm_state_take(&vmcb, &page, 0), BH_OK);
    assert_true(vmcb.control.intercept_misc1 & SVM_INTERCEPT_VINTR);
    assert_true(vmcb.control.intercept_misc1 & SVM_INTERCEPT_IRET);
    assert_true(vmcb.control.virtual_interrupt & SVM_V_IRQ);
    assert_true(vmcb.control.virtual_interrupt & SVM_V_INTR_MASKING);
    page.want = 0;
    assert_int_equal(svm_state_take(&vmcb, &page, 0), BH_OK);
    assert_false(vmcb.control.intercept_misc1 & (SVM_INTERCEPT_VINTR | SVM_INTERCEPT_IRET));
    assert_false(vmcb.control.virtual_interrupt & SVM_V_IRQ);
}

static void test_give(void **state) {
    (void)state;
    vmcb.save.efer = EFER_SVME | EFER_LME;
    vmcb.save.rax = 1;
    vmcb.save.msr[2] = 2;
    vmcb.control.exit_info2 = 0x1234;
    vmcb.control.event_injection = EVENT(0, 0x40);
    leave(BH_EXIT_CPUID, 0, 0);
    svm_state_give(&vmcb, &page, leaving.exit);
    assert_int_equal(page.exit, BH_EXIT_CPUID);
    assert_int_equal(page.efer, EFER_LME);
    assert_int_equal(page.gpr[BH_RAX], 1);
    assert_int_equal(page.inject, EVENT(0, 0x40));
    assert_int_equal(page.next_rip, 0);
    assert_int_equal(page.cstar, 0);
    leave(BH_EXIT_MSR, 1, 0);
    svm_state_give(&vmcb, &page, leaving.exit);
    assert_int_equal(page.cstar, 2);
    assert_int_equal(page.info1, 1);
    leave(BH_EXIT_PORT, 0x3f80010, 0x1002);
    svm_state_give(&vmcb, &page, leaving.exit);
    assert_int_equal(page.next_rip, 0x1002);
}

static void test_decode_ports(void **state) {
    (void)state;
    leave(BH_EXIT_PORT, 0xc0040010, 0x1002);
    assert_int_equal(leaving.kind, VCPU_PORT_WRITE);
    assert_int_equal(leaving.address, 0xc004);
    leave(BH_EXIT_PORT, 0xc0040011, 0x1002);             /* IN */
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    leave(BH_EXIT_PORT, 0xc0040014, 0x1002);             /* OUTS */
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    assert_int_equal(leaving.exit, BH_EXIT_PORT);
}

/* One that an interrupt will end which the guest can't take yet is none to wait in. */
static void test_decode_halt(void **state) {
    (void)state;
    leave(BH_EXIT_HLT, 0, 0);
    assert_true(leaving.kind == VCPU_FOR_VMM && leaving.halts);
    leave(BH_EXIT_CPUID, 0, 0);
    assert_false(leaving.halts);
    page.dirty = BH_STATE_ALL;
    page.want = BH_WANT_WINDOW;
    assert_int_equal(svm_state_take(&vmcb, &page, page.dirty), BH_OK);
    leave(BH_EXIT_HLT, 0, 0);
    assert_false(leaving.halts);
}

static void test_decode_memory(void **state) {
    (void)state;
    leave(BH_EXIT_MEMORY, 1ull << 32 | 6, 0xfe000010);
    assert_int_equal(leaving.kind, VCPU_PAGE_WRITE);
    assert_int_equal(leaving.address, 0xfe000010);
    leave(BH_EXIT_MEMORY, 1ull << 33 | 6, 0xfe000010);   /* the guest's own table walk */
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    leave(BH_EXIT_MEMORY, 1ull << 32 | 4, 0xfe000010);   /* a read */
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    vmcb.control.exit_event = EVENT(0, 0x31);                   /* the push of an event */
    leave(BH_EXIT_MEMORY, 1ull << 32 | 6, 0xfe000010);
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    assert_int_equal(leaving.exit, BH_EXIT_MEMORY);
}

static void test_decode_others(void **state) {
    (void)state;
    leave(BH_EXIT_EVENT, 0, 0);
    assert_int_equal(leaving.kind, VCPU_FOR_KERNEL);
    leave(BH_EXIT_EXCEPTION + 18, 0, 0);                /* the host's machine check */
    assert_int_equal(leaving.kind, VCPU_FOR_KERNEL);
    svm_deliver_later(&vmcb, &leaving);
    assert_int_equal(vmcb.control.event_injection, 0);
    leave(BH_EXIT_CR_WRITE + 4, 0, 0);
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    assert_int_equal(leaving.exit, BH_EXIT_CR_WRITE + 4);
    leave(BH_EXIT_EXCEPTION + 14, 4, 0x1234);
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    svm_state_give(&vmcb, &page, leaving.exit);
    assert_int_equal(page.exit, BH_EXIT_EXCEPTION + 14);
    assert_int_equal(page.info1, 4);
    assert_int_equal(page.info2, 0x1234);
    leave(0xffffffff, 0, 0);
    assert_int_equal(leaving.exit, BH_EXIT_INVALID);
    leave(~0ull, 0, 0);
    assert_int_equal(leaving.exit, BH_EXIT_INVALID);
}

static void test_unwanted_exception(void **state) {
    (void)state;
    leave(BH_EXIT_EXCEPTION + 17, 0, 0);
    svm_deliver_later(&vmcb, &leaving);
    assert_int_equal(leaving.kind, VCPU_FOR_KERNEL);
    assert_int_equal(vmcb.control.event_injection, EVENT(3, 17) | 1 << 11);
    vmcb.control.exceptions_wanted = 1 << 17;
    leave(BH_EXIT_EXCEPTION + 17, 0, 0);
    svm_deliver_later(&vmcb, &leaving);
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
}

/* #AC whose delivery raises #AC: the guest can't be let go on by itself. */
static void test_exception_loop(void **state) {
    (void)state;
    vmcb.control.exit_event = EVENT(3, 17);
    leave(BH_EXIT_EXCEPTION + 17, 0, 0);
    svm_deliver_later(&vmcb, &leaving);
    assert_int_equal(leaving.kind, VCPU_FOR_VMM);
    assert_int_equal(vmcb.control.exit_event, EVENT(3, 17));
}

static void test_cut_off_by_interrupt(void **state) {
    (void)state;
    vmcb.control.exit_event = EVENT(0, 0x31);
    leave(BH_EXIT_EVENT, 0, 0);
    svm_deliver_later(&vmcb, &leaving);
    assert_int_equal(vmcb.control.event_injection, 0);
    assert_true(vmcb.control.virtual_interrupt & SVM_V_IRQ);
    assert_int_equal(vmcb.control.virtual_vector, 0x31);
    assert_int_equal(vmcb.control.exit_event, 0);
}

/* The same exit for the VMM: it gets the event, once, whatever the emulator calls it. */
static void test_cut_off_for_vmm(void **state) {
    (void)state;
    page.inject = EVENT(0, 0x31);
    assert_int_equal(svm_state_take(&vmcb, &page, 0), BH_OK);
    vmcb.control.exit_event = EVENT(3, 0x31);
    leave(BH_EXIT_MEMORY, 1ull << 32 | 6, 0x1000);
    svm_deliver_later(&vmcb, &leaving);
    svm_state_give(&vmcb, &page, leaving.exit);
    assert_int_equal(page.pending_event, EVENT(0, 0x31));
    assert_int_equal(page.inject, 0);
}

/* An interrupt goes in as a virtual one, and stays in the page until the guest took it. */
static void test_interrupt_injection(void **state) {
    (void)state;
    page.inject = EVENT(0, 0x31);
    page.want = BH_WANT_WINDOW;
    assert_int_equal(svm_state_take(&vmcb, &page, 0), BH_OK);
    assert_int_equal(vmcb.control.event_injection, 0);
    assert_int_equal(vmcb.control.virtual_vector, 0x31);
    assert_false(vmcb.control.intercept_misc1 & SVM_INTERCEPT_VINTR);
    leave(BH_EXIT_CPUID, 0, 0);
    svm_state_give(&vmcb, &page, leaving.exit);
    assert_int_equal(page.inject, EVENT(0, 0x31));
    vmcb.control.virtual_interrupt &= ~SVM_V_IRQ;
    svm_state_give(&vmcb, &page, leaving.exit);
    assert_int_equal(page.inject, 0);
    page.inject = EVENT(3, 14);
    assert_int_equal(svm_state_take(&vmcb, &page, 0), BH_OK);
    assert_int_equal(vmcb.control.event_injection, EVENT(3, 14));
    assert_true(vmcb.control.intercept_misc1 & SVM_INTERCEPT_VINTR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_events, begin),
        cmocka_unit_test_setup(test_events_again, begin),
        cmocka_unit_test_setup(test_xcr0, begin),
        cmocka_unit_test_setup(test_reset_intercepts, begin),
        cmocka_unit_test_setup(test_take_groups, begin),
        cmocka_unit_test_setup(test_take_masks, begin),
        cmocka_unit_test_setup(test_take_refuses, begin),
        cmocka_unit_test_setup(test_windows, begin),
        cmocka_unit_test_setup(test_give, begin),
        cmocka_unit_test_setup(test_decode_ports, begin),
        cmocka_unit_test_setup(test_decode_halt, begin),
        cmocka_unit_test_setup(test_decode_memory, begin),
        cmocka_unit_test_setup(test_decode_others, begin),
        cmocka_unit_test_setup(test_unwanted_exception, begin),
        cmocka_unit_test_setup(test_exception_loop, begin),
        cmocka_unit_test_setup(test_cut_off_by_interrupt, begin),
        cmocka_unit_test_setup(test_cut_off_for_vmm, begin),
        cmocka_unit_test_setup(test_interrupt_injection, begin),
    };
    return cmocka_run_group_tests_name("svm", tests, NULL, NULL);
}
