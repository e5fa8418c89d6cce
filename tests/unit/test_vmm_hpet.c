/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The high precision event timer of a VM with firmware, as its guest sees it: counter, matches, where
 * their interrupts go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"

enum {
    CONFIGURATION = 0x10, STATUS = 0x20, COUNTER = 0xf0, CONFIG = 0x100, COMPARATOR = 0x108,
    NEXT = 0x20,                     /* from one comparator's registers to the next one's */
    ENABLE = 1, LEGACY = 2, LEVEL = 2, INTERRUPT = 4, PERIODIC = 8, SET_VALUE = 0x40, WIDTH_32 = 0x100,
    ROUTE_14 = 14 << 9, ROUTE_15 = 15 << 9,
    PIC1 = 0x20, PIC2 = 0xa0, TICK = 10, /* the fake host's clocks, of 1 GHz, of one of ours */
};

static struct vm *vm;

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_firmware();
    vm = &vm_fake.vm;
    vm->has_hpet = true;
    assert_true(vm_load(vm));
    vm_fake_program_pics();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static uint64_t get(unsigned offset) {
    return vm_fake_load(HPET_PAGE + offset, 8);
}

static void set(unsigned offset, uint64_t value) {
    vm_fake_store(HPET_PAGE + offset, 8, value);
}

/* The vector of the interrupt that the 8259s hold; 0: none. */
static unsigned taken(void) {
    devices_run(vm);
    if (!irq_external(vm))
        return 0;
    unsigned vector = irq_acknowledge_external(vm);
    vm_fake_out(PIC2, 1, 0x20);
    vm_fake_out(PIC1, 1, 0x20);
    return vector;
}

static void counter_counts_while_enabled(void **state) {
    (void)state;
    assert_int_equal(get(0), HPET_ID | 10000000ull << 32);
    vm_fake.now += 1000;
    assert_int_equal(get(COUNTER), 0);
    set(COUNTER, 0x1fffffff0);
    set(CONFIGURATION, ENABLE);
    vm_fake.now += 32 * TICK;
    assert_int_equal(get(COUNTER), 0x200000010);
    set(COUNTER, 7);                                      /* not while it runs */
    assert_int_equal(vm_fake_load(HPET_PAGE + COUNTER, 4), 0x10);
    assert_int_equal(vm_fake_load(HPET_PAGE + COUNTER + 4, 4), 2);
    set(CONFIGURATION, 0);
    vm_fake.now += 1000;
    assert_int_equal(get(COUNTER), 0x200000010);
    assert_int_equal(vm_fake_load(HPET_PAGE + COUNTER, 1), 0);
}

static void one_shot_takes_the_old_timers_place(void **state) {
    (void)state;
    vm_fake_out(0x43, 1, 0x34);                           /* the 8254, 1 ms */
    vm_fake_out(0x40, 1, 0xa9);
    vm_fake_out(0x40, 1, 0x04);
    set(CONFIGURATION, ENABLE | LEGACY);
    set(CONFIG, INTERRUPT);
    set(COMPARATOR, 300000);
    vm_fake.now += 2999000;
    assert_int_equal(taken(), 0);                         /* nor the 8254's */
    vm_fake.now += 1000;
    assert_int_equal(taken(), 0x08);
    vm_fake.now += 100000000;
    assert_int_equal(taken(), 0);
}

static void second_comparator_is_the_clocks(void **state) {
    (void)state;
    set(CONFIGURATION, ENABLE | LEGACY);
    set(CONFIG + NEXT, INTERRUPT | PERIODIC);
    assert_int_equal(get(CONFIG + NEXT) & PERIODIC, 0);   /* it can't */
    set(COMPARATOR + NEXT, 100);
    assert_int_equal(timers_deadline(vm), vm_fake.now + 100 * TICK + 1);
    vm_fake.now += 100 * TICK;
    assert_int_equal(taken(), 0x70);
    assert_int_equal(timers_deadline(vm) > vm_fake.now + (1ull << 60), true);
}

static void periodic_comparator_goes_on(void **state) {
    (void)state;
    set(CONFIGURATION, ENABLE);
    set(CONFIG, INTERRUPT | PERIODIC | SET_VALUE | WIDTH_32 | ROUTE_14);
    set(COMPARATOR, 200000);
    set(COMPARATOR, 100000);
    vm_fake.now += 100000 * TICK;
    assert_int_equal(taken(), 0);
    vm_fake.now += 100000 * TICK;
    assert_int_equal(taken(), 0x76);
    assert_int_equal(taken(), 0);
    vm_fake.now += 550000 * TICK;                         /* what is late counts once */
    assert_int_equal(taken(), 0x76);
    assert_int_equal(taken(), 0);
    vm_fake.now += 50000 * TICK;
    assert_int_equal(taken(), 0x76);
}

static void fastest_period_is_half_a_millisecond(void **state) {
    (void)state;
    set(CONFIGURATION, ENABLE);
    set(CONFIG, INTERRUPT | PERIODIC | SET_VALUE | ROUTE_14);
    set(COMPARATOR, 1);
    set(COMPARATOR, 1);
    vm_fake.now += TICK;
    assert_int_equal(taken(), 0x76);
    vm_fake.now += HPET_PERIOD_MIN * TICK - 2 * TICK;
    assert_int_equal(taken(), 0);
    vm_fake.now += 2 * TICK;
    assert_int_equal(taken(), 0x76);
}

static void level_stays_until_its_status_is_cleared(void **state) {
    (void)state;
    vm_fake_out(0x4d1, 1, 0x80);                          /* 15 is a level */
    set(CONFIGURATION, ENABLE);
    set(CONFIG + 2 * NEXT, INTERRUPT | LEVEL | ROUTE_15);
    set(COMPARATOR + 2 * NEXT, 100);
    vm_fake.now += 100 * TICK;
    assert_int_equal(taken(), 0x77);
    assert_int_equal(get(STATUS), 4);
    assert_int_equal(taken(), 0x77);
    set(STATUS, 3);                                       /* others' */
    assert_int_equal(taken(), 0x77);
    vm_fake_store(HPET_PAGE + STATUS, 4, 4);
    assert_int_equal(taken(), 0);
    assert_int_equal(get(STATUS), 0);
}

static void routes_that_are_not_there_lead_nowhere(void **state) {
    (void)state;
    set(CONFIGURATION, ENABLE);
    set(CONFIG, INTERRUPT | ROUTE_14);
    assert_int_equal(get(CONFIG) >> 9 & 31, 14);
    set(CONFIG, INTERRUPT | 4 << 9);                      /* the serial port's */
    assert_int_equal(get(CONFIG) >> 9 & 31, 0);
    set(COMPARATOR, 100);
    vm_fake.now += 100 * TICK;
    assert_int_equal(taken(), 0);
}

static void without_it_nothing_is_there(void **state) {
    (void)state;
    vm->has_hpet = false;
    assert_int_equal(get(0), UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(counter_counts_while_enabled),
        TEST(one_shot_takes_the_old_timers_place),
        TEST(second_comparator_is_the_clocks),
        TEST(periodic_comparator_goes_on),
        TEST(fastest_period_is_half_a_millisecond),
        TEST(level_stays_until_its_status_is_cleared),
        TEST(routes_that_are_not_there_lead_nowhere),
        TEST(without_it_nothing_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
