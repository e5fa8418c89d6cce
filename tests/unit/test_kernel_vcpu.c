/* SPDX-License-Identifier: BSD-2-Clause */
/* core/vcpu.c over a fake architecture: doorbells, outcomes, counters, changes of a guest space. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/atomic.h"
#include "core/core.h"
#include "core/counter.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/thread.h"
#include "core/vcpu.h"
#include "core/vcpu_arch.h"

enum { PORT_CHANNEL = 7, PAGE_CHANNEL = 8 };

struct bh_counters counters;

static struct vcpu_leaving next_exit;
static bool skippable, ran_flushed;
static uint32_t signalled, this_core, alerted, stored;
static enum bh_exit stored_exit;
static bool halts;

static const struct bh_plan_vcpu vcpus[] = {
    { .space = 3, .state_region = 0 }, { .space = 4, .state_region = 1 },
};
static const struct bh_plan_space spaces[] = {
    [3] = { .first_doorbell = 0 },
    [4] = { .first_doorbell = 1 },
};
static const struct bh_plan_doorbell doorbells[] = {
    { .space = 3, .kind = BH_DOORBELL_PORT, .address = 0xc000, .length = 4, .channel = PORT_CHANNEL },
    { .space = 3, .kind = BH_DOORBELL_PAGE, .address = 0xfe000000, .length = 0x1000,
      .channel = PAGE_CHANNEL },
};
struct plan_view plan_tables = {
    .vcpu = vcpus, .space = spaces, .doorbell = doorbells,
    .count = { [BH_TABLE_VCPU] = 2, [BH_TABLE_DOORBELL] = 2 },
};

uint64_t atomic_load(const uint64_t *word) {
    return *word;
}

uint64_t atomic_add(uint64_t *word, uint64_t value) {
    uint64_t before = *word;
    *word += value;
    return before;
}

uint64_t atomic_exchange(uint64_t *word, uint64_t value) {
    uint64_t before = *word;
    *word = value;
    return before;
}

void lock_take(struct lock *lock) {
    assert_int_equal(lock->held, 0);
    lock->held = 1;
}

void lock_drop(struct lock *lock) {
    lock->held = 0;
}

uint32_t core_this(void) {
    return this_core;
}

void core_alert(uint32_t core) {
    alerted = core;
}

paddr_t region_base(uint32_t region) {
    return paddr(0x1000 * (region + 1ull));
}

enum bh_status space_place(uint32_t space, uint32_t region, gpaddr_t address, uint32_t rights) {
    (void)space, (void)region, (void)rights;
    return address.value == 0 ? BH_E_ARGUMENT : BH_OK;
}

enum bh_status space_unplace(uint32_t space, uint32_t region) {
    (void)space, (void)region;
    return BH_OK;
}

void channel_signal(uint32_t channel) {
    signalled = channel;
}

void fpu_use_vcpu(uint32_t vcpu) {
    (void)vcpu;
}

void vcpu_arch_install(void) {
}

void vcpu_arch_install_core(void) {
}

void vcpu_arch_create(uint32_t vcpu, uint32_t space, paddr_t state_page) {
    assert_int_equal(space, vcpus[vcpu].space);
    assert_int_equal(state_page.value, 0x1000 * (vcpu + 1));
}

void vcpu_arch_reset(uint32_t vcpu) {
    (void)vcpu;
}

enum bh_status vcpu_arch_load(uint32_t vcpu) {
    (void)vcpu;
    return BH_OK;
}

void vcpu_arch_store(uint32_t vcpu, enum bh_exit exit) {
    (void)vcpu;
    stored++;
    stored_exit = exit;
}

void vcpu_arch_run(uint32_t vcpu, uint32_t core, bool flush, struct vcpu_leaving *leaving) {
    (void)vcpu;
    assert_int_equal(core, this_core);
    ran_flushed = flush;
    *leaving = next_exit;
}

bool vcpu_arch_skip(uint32_t vcpu, enum vcpu_leaving_kind kind) {
    (void)vcpu;
    assert_true(kind == VCPU_PORT_WRITE || kind == VCPU_PAGE_WRITE);
    return skippable;
}

static int begin(void **state) {
    (void)state;
    signalled = alerted = BH_NONE;
    stored = 0;
    skippable = true;
    this_core = 0;
    vcpu_install();
    vcpu_install_core();
    vcpu_reset(0);
    vcpu_reset(1);
    return 0;
}

static bool enter(uint32_t vcpu, enum vcpu_leaving_kind kind, enum bh_exit exit,
                  uint64_t address) {
    next_exit = (struct vcpu_leaving){ .kind = kind, .exit = exit, .address = address };
    return vcpu_enter(vcpu, &halts);
}

static void test_for_kernel(void **state) {
    uint64_t before = counters.vcpu[0][BH_VCPU_KERNEL_EXITS];

    (void)state;
    assert_false(enter(0, VCPU_FOR_KERNEL, BH_EXIT_EVENT, 0));
    assert_int_equal(stored, 0);
    assert_int_equal(counters.vcpu[0][BH_VCPU_KERNEL_EXITS], before + 1);
}

static void test_for_vmm(void **state) {
    uint64_t before = counters.vcpu[0][BH_VCPU_EXITS];

    (void)state;
    assert_true(enter(0, VCPU_FOR_VMM, BH_EXIT_CPUID, 0));
    assert_int_equal(stored, 1);
    assert_int_equal(stored_exit, BH_EXIT_CPUID);
    assert_int_equal(counters.vcpu[0][BH_VCPU_EXITS], before + 1);
}

static void test_port_doorbell(void **state) {
    (void)state;
    assert_false(enter(0, VCPU_PORT_WRITE, BH_EXIT_PORT, 0xc003));
    assert_int_equal(signalled, PORT_CHANNEL);
    assert_true(enter(0, VCPU_PORT_WRITE, BH_EXIT_PORT, 0xc004));
    assert_true(enter(0, VCPU_PORT_WRITE, BH_EXIT_PORT, 0xbfff));
    assert_int_equal(stored, 2);
}

static void test_page_doorbell(void **state) {
    (void)state;
    assert_false(enter(0, VCPU_PAGE_WRITE, BH_EXIT_MEMORY, 0xfe000ffc));
    assert_int_equal(signalled, PAGE_CHANNEL);
    signalled = BH_NONE;
    skippable = false;                      /* no hint for this instruction yet */
    assert_true(enter(0, VCPU_PAGE_WRITE, BH_EXIT_MEMORY, 0xfe000ffc));
    assert_int_equal(signalled, BH_NONE);
    assert_int_equal(stored_exit, BH_EXIT_MEMORY);
}

/* A port is no page, and a guest has its own doorbells only. */
static void test_foreign_doorbells(void **state) {
    (void)state;
    assert_true(enter(0, VCPU_PAGE_WRITE, BH_EXIT_MEMORY, 0xc000));
    assert_true(enter(0, VCPU_PORT_WRITE, BH_EXIT_PORT, 0xfe000000));
    assert_true(enter(1, VCPU_PORT_WRITE, BH_EXIT_PORT, 0xc000));
    assert_int_equal(signalled, BH_NONE);
}

static void test_leave_without_exit(void **state) {
    (void)state;
    vcpu_leave(0);
    assert_int_equal(stored_exit, BH_EXIT_EVENT);
}

static bool enter_flushes(uint32_t vcpu) {
    enter(vcpu, VCPU_FOR_KERNEL, BH_EXIT_EVENT, 0);
    return ran_flushed;
}

static void test_flushes(void **state) {
    (void)state;
    assert_true(enter_flushes(0));          /* the first time */
    assert_false(enter_flushes(0));
    this_core = 1;
    assert_true(enter_flushes(0));          /* on another core */
    this_core = 0;
    assert_true(enter_flushes(0));
    assert_true(enter_flushes(1));
    assert_int_equal(vcpu_place(9, 3, 0x100000, true, BH_READ), BH_OK);
    assert_true(enter_flushes(0));
    assert_false(enter_flushes(1));         /* another space */
    assert_int_equal(vcpu_place(9, 3, 0, false, 0), BH_OK);
    assert_true(enter_flushes(0));
    assert_int_equal(vcpu_place(9, 3, 0, true, BH_READ), BH_E_ARGUMENT);
    assert_false(enter_flushes(0));
    assert_int_equal(alerted, BH_NONE);     /* nobody was in the guest */
    vcpu_reset(0);
    assert_true(enter_flushes(0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_for_kernel, begin),
        cmocka_unit_test_setup(test_for_vmm, begin),
        cmocka_unit_test_setup(test_port_doorbell, begin),
        cmocka_unit_test_setup(test_page_doorbell, begin),
        cmocka_unit_test_setup(test_foreign_doorbells, begin),
        cmocka_unit_test_setup(test_leave_without_exit, begin),
        cmocka_unit_test_setup(test_flushes, begin),
    };
    return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
