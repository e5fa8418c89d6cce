/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APICs, the I/O APIC and the routing between them; injection; start-up of further vCPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/cpu/x86.h"

enum { X2APIC = 0x800, ENABLE = 0x1ff };

static struct vcpu *cpus;

static int setup(void **state) {
    (void)state;
    vm_fake_make(4);
    cpus = vm_fake.vm.vcpu;
    for (unsigned i = 0; i < 4; i++) {
        assert_true(msr_write(&cpus[i], 0x1b, cpus[i].apic.base | APIC_BASE_X2));
        assert_true(msr_write(&cpus[i], X2APIC + APIC_SVR, ENABLE));
        cpus[i].state->rflags |= RFLAGS_IF;
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static uint64_t read_register(unsigned cpu, unsigned reg) {
    uint64_t value;
    assert_true(msr_read(&cpus[cpu], X2APIC + reg, &value));
    return value;
}

static void write_register(unsigned cpu, unsigned reg, uint64_t value) {
    assert_true(msr_write(&cpus[cpu], X2APIC + reg, value));
}

static int next(unsigned cpu) {
    apic_collect(&cpus[cpu].apic);
    return apic_next(&cpus[cpu].apic);
}

static void ipis_reach_their_targets_and_kick_once(void **state) {
    (void)state;
    write_register(0, APIC_ICR, 2ull << 32 | 0x41);
    write_register(0, APIC_ICR, 2ull << 32 | 0x42);
    assert_int_equal(vm_fake.kicks[2], 1);
    assert_int_equal(next(2), 0x42);
    assert_int_equal(next(1), APIC_NO_VECTOR);
    write_register(0, APIC_ICR, 0xc0000 | 0x43);        /* all but itself */
    assert_int_equal(next(0), APIC_NO_VECTOR);
    assert_int_equal(next(1), 0x43);
    assert_int_equal(next(3), 0x43);
    write_register(0, APIC_ICR, 0x40000 | 0x44);        /* itself: no kick needed */
    assert_int_equal(next(0), 0x44);
    assert_int_equal(vm_fake.kicks[0], 0);
    write_register(1, APIC_ICR, 0xaull << 32 | 0x845);  /* logical, cluster 0: 1 and 3 */
    assert_int_equal(next(1), 0x45);
    assert_int_equal(next(3), 0x45);
    assert_int_equal(next(2), 0x43);                    /* from before; nothing new */
}

static void priorities_nest(void **state) {
    (void)state;
    write_register(0, APIC_SELF_IPI, 0x51);
    write_register(0, APIC_SELF_IPI, 0x62);
    assert_int_equal(next(0), 0x62);
    apic_take(&cpus[0].apic, 0x62);
    assert_int_equal(next(0), APIC_NO_VECTOR);
    assert_int_equal(read_register(0, APIC_PPR), 0x60);
    write_register(0, APIC_SELF_IPI, 0x73);
    assert_int_equal(next(0), 0x73);
    write_register(0, APIC_EOI, 0);
    assert_int_equal(next(0), 0x73);
    write_register(0, APIC_TPR, 0x70);
    assert_int_equal(next(0), APIC_NO_VECTOR);
}

enum { EOI_MSR = 0x4b564d04, EOI_FLAG = 0x5000 };

static uint32_t eoi_flag(void) {
    uint32_t flag;
    assert_true(guest_load32(&vm_fake.vm.memory, (struct gpa){ EOI_FLAG }, &flag));
    return flag;
}

static void take_own(uint8_t vector) {
    write_register(0, APIC_SELF_IPI, vector);
    apic_take(&cpus[0].apic, vector);
    eoi_offer(&cpus[0]);
}

static void guest_ends_interrupts_by_a_flag(void **state) {
    (void)state;
    static const uint32_t ended = 0;
    take_own(0x51);
    assert_int_equal(eoi_flag(), 0);                    /* nobody asked for it */
    assert_true(msr_write(&cpus[0], EOI_MSR, EOI_FLAG | 1));
    eoi_offer(&cpus[0]);
    assert_int_equal(eoi_flag(), 1);
    eoi_collect(&cpus[0]);                              /* an exit before its end */
    assert_int_equal(eoi_flag(), 0);
    assert_int_equal(read_register(0, APIC_PPR), 0x50);
    eoi_offer(&cpus[0]);
    vm_fake_poke(EOI_FLAG, &ended, sizeof(ended));
    eoi_collect(&cpus[0]);
    assert_int_equal(read_register(0, APIC_PPR), 0);
    eoi_collect(&cpus[0]);                              /* ends once */
}

static void some_interrupts_end_by_the_register_only(void **state) {
    (void)state;
    assert_true(msr_write(&cpus[0], EOI_MSR, EOI_FLAG | 1));
    apic_post(&cpus[0].apic, 0x51, true);
    assert_int_equal(next(0), 0x51);
    apic_take(&cpus[0].apic, 0x51);
    eoi_offer(&cpus[0]);
    assert_int_equal(eoi_flag(), 0);                    /* level-triggered */
    write_register(0, APIC_EOI, 0);
    take_own(0x61);
    assert_int_equal(eoi_flag(), 1);
    write_register(0, APIC_SELF_IPI, 0x62);
    eoi_collect(&cpus[0]);
    eoi_offer(&cpus[0]);
    assert_int_equal(eoi_flag(), 0);                    /* another one waits for its end */
    apic_take(&cpus[0].apic, 0x62);
    eoi_offer(&cpus[0]);
    assert_int_equal(eoi_flag(), 0);                    /* which of the two would it be? */
}

static void eoi_flag_lies_in_ram(void **state) {
    (void)state;
    uint64_t value;
    assert_false(msr_write(&cpus[0], EOI_MSR, EOI_FLAG | 3));
    assert_false(msr_write(&cpus[0], EOI_MSR, (FAKE_RAM - 2) | 1));
    assert_false(msr_write(&cpus[0], EOI_MSR, APIC_PAGE | 1));
    assert_true(msr_write(&cpus[0], EOI_MSR, EOI_FLAG | 1));
    assert_true(msr_read(&cpus[0], EOI_MSR, &value));
    assert_int_equal(value, EOI_FLAG | 1);
    start_reset(&cpus[0]);
    take_own(0x51);
    assert_int_equal(eoi_flag(), 0);
}

static void timer_fires_at_its_deadline(void **state) {
    (void)state;
    write_register(0, APIC_LVT_TIMER, 2u << 17 | 0xec);
    assert_true(msr_write(&cpus[0], 0x6e0, vm_fake.now + 100));
    apic_timer_poll(&cpus[0].apic, vm_fake.now + 99);
    assert_int_equal(next(0), APIC_NO_VECTOR);
    apic_timer_poll(&cpus[0].apic, vm_fake.now + 100);
    assert_int_equal(next(0), 0xec);
    assert_int_equal(cpus[0].apic.timer_at, 0);
    assert_true(msr_write(&cpus[0], 0x6e0, 1));         /* in the past: at once */
    assert_int_equal(cpus[0].apic.timer_at, 0);
}

static void periodic_timer_counts_and_is_bounded(void **state) {
    (void)state;
    write_register(0, APIC_DIVIDE, 0xb);
    write_register(0, APIC_LVT_TIMER, 1u << 17 | 0x30);
    write_register(0, APIC_INITIAL_COUNT, 1);
    assert_true(cpus[0].apic.timer_period >= 20000);
    write_register(0, APIC_INITIAL_COUNT, 100000);
    vm_fake.now += 40000;
    assert_int_equal(read_register(0, APIC_CURRENT_COUNT), 60000);
    apic_timer_poll(&cpus[0].apic, vm_fake.now + 10000000);
    assert_int_equal(next(0), 0x30);
    assert_true(cpus[0].apic.timer_at > vm_fake.now + 10000000);
    write_register(0, APIC_INITIAL_COUNT, 0);
    assert_int_equal(cpus[0].apic.timer_at, 0);
}

static void reserved_accesses_are_refused(void **state) {
    (void)state;
    uint64_t value;
    for (uint32_t number = X2APIC; number < 0x900; number++) {
        msr_read(&cpus[0], number, &value);
        msr_write(&cpus[0], number, 0xdeadbeef);
    }
    assert_false(msr_read(&cpus[0], X2APIC + APIC_EOI, &value));
    assert_false(msr_write(&cpus[0], X2APIC + APIC_ID, 1));
    assert_false(msr_write(&cpus[0], X2APIC + APIC_EOI, 1));
    assert_false(msr_write(&cpus[0], X2APIC + APIC_TPR, 1ull << 32));
    assert_false(msr_write(&cpus[0], 0x1b, cpus[0].apic.base & ~(uint64_t)APIC_BASE_X2));
    assert_false(msr_write(&cpus[0], 0x1b, 0xfec00000 | APIC_BASE_ENABLE | APIC_BASE_X2));
    assert_false(msr_read(&cpus[0], 0x12345, &value));
    assert_false(msr_write(&cpus[0], 0xc0000080, 1u << 12));   /* EFER.SVME */
    assert_false(msr_write(&cpus[0], 0xc0000082, 1ull << 63));
}

static void level_lines_fire_again_until_served(void **state) {
    (void)state;
    irq_ioapic_write(&vm_fake.vm, 0, 0x10 + 2 * 9 + 1);
    irq_ioapic_write(&vm_fake.vm, 0x10, 1u << 24);      /* to vCPU 1 */
    irq_ioapic_write(&vm_fake.vm, 0, 0x10 + 2 * 9);
    irq_ioapic_write(&vm_fake.vm, 0x10, 0x8000 | 0x61);
    irq_line(&vm_fake.vm, 9, true);
    assert_int_equal(next(1), 0x61);
    apic_take(&cpus[1].apic, 0x61);
    irq_line(&vm_fake.vm, 9, true);
    assert_int_equal(next(1), APIC_NO_VECTOR);
    write_register(1, APIC_EOI, 0);
    assert_int_equal(next(1), 0x61);
    apic_take(&cpus[1].apic, 0x61);
    irq_line(&vm_fake.vm, 9, false);
    write_register(1, APIC_EOI, 0);
    assert_int_equal(next(1), APIC_NO_VECTOR);
}

static void edge_lines_fire_once(void **state) {
    (void)state;
    irq_ioapic_write(&vm_fake.vm, 0, 0x10 + 2 * 4);
    irq_ioapic_write(&vm_fake.vm, 0x10, 0x35);
    irq_line(&vm_fake.vm, 4, true);
    irq_line(&vm_fake.vm, 4, true);
    assert_int_equal(next(0), 0x35);
    apic_take(&cpus[0].apic, 0x35);
    write_register(0, APIC_EOI, 0);
    assert_int_equal(next(0), APIC_NO_VECTOR);
    irq_line(&vm_fake.vm, 40, true);                    /* no such pin */
}

static void interrupt_is_offered_before_it_can_be_taken(void **state) {
    (void)state;
    struct bh_vcpu_state *s = cpus[0].state;
    s->rflags &= ~(uint64_t)RFLAGS_IF;
    write_register(0, APIC_SELF_IPI, 0x55);
    inject_next(&cpus[0]);
    assert_int_equal(s->inject, EVENT_VALID | 0x55);
    assert_false(s->want & BH_WANT_WINDOW);
    inject_take_back(&cpus[0]);                         /* an exit before the guest took it */
    assert_int_equal(s->inject, 0);
    assert_int_equal(read_register(0, APIC_PPR), 0);
    write_register(0, APIC_SELF_IPI, 0x66);             /* a more urgent one came meanwhile */
    inject_next(&cpus[0]);
    assert_int_equal(s->inject, EVENT_VALID | 0x66);
    s->inject = 0;                                      /* taken */
    inject_take_back(&cpus[0]);
    assert_int_equal(read_register(0, APIC_PPR), 0x60);
    assert_int_equal(next(0), APIC_NO_VECTOR);
}

static void masked_interrupt_is_not_offered(void **state) {
    (void)state;
    struct bh_vcpu_state *s = cpus[0].state;
    s->rflags &= ~(uint64_t)RFLAGS_IF;
    write_register(0, APIC_SELF_IPI, 0x55);
    inject_next(&cpus[0]);
    inject_take_back(&cpus[0]);
    write_register(0, APIC_TPR, 0x50);
    inject_next(&cpus[0]);
    assert_int_equal(s->inject, 0);
}

/* What was cut off in delivery is in service: it isn't taken back, and the next one waits. */
static void interrupt_behind_another_event_waits_for_the_window(void **state) {
    (void)state;
    struct bh_vcpu_state *s = cpus[0].state;
    s->rflags |= RFLAGS_IF;
    write_register(0, APIC_SELF_IPI, 0x55);
    inject_next(&cpus[0]);
    s->inject = 0;
    s->pending_event = EVENT_VALID | 0x55;
    inject_take_back(&cpus[0]);
    inject_again(&cpus[0]);
    write_register(0, APIC_SELF_IPI, 0x66);
    inject_next(&cpus[0]);
    assert_int_equal(s->inject, EVENT_VALID | 0x55);
    assert_true(s->want & BH_WANT_WINDOW);
    inject_take_back(&cpus[0]);
    assert_int_equal(s->inject, EVENT_VALID | 0x55);
}

static void events_cut_off_are_delivered_again(void **state) {
    (void)state;
    struct bh_vcpu_state *s = cpus[0].state;
    s->pending_event = EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_PF | 2ull << 32;
    inject_again(&cpus[0]);
    assert_true(s->inject == (EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_PF |
                              2ull << 32));
    s->inject = 0;
    s->pending_event = EVENT_VALID | EVENT_SOFTWARE | 0x80;   /* INT 0x80 happens again */
    inject_again(&cpus[0]);
    assert_int_equal(s->inject, 0);
}

static void nmi_is_held_until_iret(void **state) {
    (void)state;
    write_register(1, APIC_ICR, 0x400);                 /* NMI to vCPU 0 */
    assert_int_equal(apic_collect(&cpus[0].apic), APIC_SIGNAL_NMI);
    cpus[0].nmi_waiting = true;
    inject_next(&cpus[0]);
    assert_int_equal(cpus[0].state->inject, EVENT_VALID | EVENT_NMI | VECTOR_NMI);
    cpus[0].state->inject = 0;
    cpus[0].nmi_waiting = true;
    inject_next(&cpus[0]);
    assert_int_equal(cpus[0].state->inject, 0);
    vm_fake_exit(BH_EXIT_NMI_WINDOW, 0, 0, 0);
    inject_next(&cpus[0]);
    assert_true(cpus[0].state->inject & EVENT_VALID);
}

static void further_cpus_start_in_real_mode(void **state) {
    (void)state;
    write_register(0, APIC_ICR, 1ull << 32 | 0x4500);   /* INIT */
    write_register(0, APIC_ICR, 1ull << 32 | 0x4698);   /* SIPI, vector 0x98 */
    uint32_t signals = apic_collect(&cpus[1].apic);
    assert_int_equal(signals, APIC_SIGNAL_INIT | APIC_SIGNAL_STARTUP);
    start_reset(&cpus[1]);
    start_at_vector(&cpus[1], (uint8_t)cpus[1].apic.startup_vector);
    assert_int_equal(cpus[1].state->segment[BH_CS].base, 0x98000);
    assert_int_equal(cpus[1].state->segment[BH_CS].selector, 0x9800);
    assert_int_equal(cpus[1].state->rip, 0);
    assert_false(cpus[1].state->cr0 & CR0_PE);
}

static void xapic_page_works_before_x2apic(void **state) {
    (void)state;
    apic_reset(&cpus[0].apic, 0);
    apic_reset(&cpus[2].apic, 2);
    assert_int_equal(vm_fake_load(0xfee00030, 4), 0x50014);
    vm_fake_store(0xfee000f0, 4, ENABLE);
    vm_fake_store(0xfee00310, 4, 2u << 24);
    vm_fake_store(0xfee00300, 4, 0x4500);
    assert_int_equal(apic_collect(&cpus[2].apic), APIC_SIGNAL_INIT);
    vm_fake_store(0xfee000d0, 4, 1u << 24);
    assert_int_equal(vm_fake_load(0xfee000d0, 4), 1u << 24);
    assert_int_equal(vm_fake_load(0xfee00020, 2), 0);   /* registers are 32 bits wide */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ipis_reach_their_targets_and_kick_once),
        TEST(priorities_nest),
        TEST(guest_ends_interrupts_by_a_flag),
        TEST(some_interrupts_end_by_the_register_only),
        TEST(eoi_flag_lies_in_ram),
        TEST(timer_fires_at_its_deadline),
        TEST(periodic_timer_counts_and_is_bounded),
        TEST(reserved_accesses_are_refused),
        TEST(level_lines_fire_again_until_served),
        TEST(edge_lines_fire_once),
        TEST(interrupt_is_offered_before_it_can_be_taken),
        TEST(masked_interrupt_is_not_offered),
        TEST(interrupt_behind_another_event_waits_for_the_window),
        TEST(events_cut_off_are_delivered_again),
        TEST(nmi_is_held_until_iret),
        TEST(further_cpus_start_in_real_mode),
        TEST(xapic_page_works_before_x2apic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
