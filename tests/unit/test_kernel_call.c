/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls: every number with every slot, kind, right and wild argument. What may be performed is
 * written down here once more, by hand; fakes of the kernel's parts note what was performed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/plan.h"

#include "core/compartment.h"
#include "core/context.h"
#include "core/core.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/plan.h"
#include "core/thread.h"
#include "core/vcpu.h"
#include "core/vcpu_arch.h"

enum { THREAD = 1, FIRST_SLOT = 3, SLOTS = BH_SLOT_MACHINE + 1 };

struct thread threads[BH_MAX_THREADS];
struct plan_view plan_tables;
struct bh_counters counters;

static struct bh_plan_slot slots[FIRST_SLOT + SLOTS + 1];
static struct bh_plan_vcpu vcpus[2];

static unsigned performed, answers, object;
static enum bh_status answer;

static enum bh_status note(uint32_t what) {
    performed++;
    object = what;
    return BH_OK;
}

void channel_signal(uint32_t channel) { note(channel); }
void thread_wait(uint32_t thread, uint64_t deadline) { (void)deadline; answers++; note(thread); }
void thread_enter_guest(uint32_t thread, uint32_t vcpu, uint64_t deadline) {
    (void)thread, (void)vcpu, (void)deadline;
    answers++;
}
enum bh_status vcpu_arch_load(uint32_t vcpu) { return note(vcpu); }
enum bh_status vcpu_place(uint32_t region, uint32_t space, uint64_t gpa, bool present,
                          uint32_t rights) {
    (void)space, (void)present, (void)rights;
    assert_int_equal(gpa & 1, 0);
    return note(region);
}
enum bh_status device_control(uint32_t device, enum bh_device_operation operation) {
    assert_true(operation <= BH_DEVICE_RESET);
    return note(device);
}
enum bh_status device_read(uint32_t device, enum bh_device_value what, uint64_t argument,
                           uint64_t *value) {
    (void)argument, (void)value;
    assert_true(what <= BH_DEVICE_BUS_ADDRESS);
    return note(device);
}
void compartment_call(uint32_t thread, uint32_t compartment,
                      enum bh_compartment_operation operation) {
    (void)thread;
    assert_true(operation <= BH_COMPARTMENT_RESET);
    answers++;
    note(compartment);
}
enum bh_status mode_enter(uint32_t mode) { return note(mode); }
void machine_end(enum bh_machine_operation how) {
    assert_true(how <= BH_MACHINE_POWEROFF);
    note(0);
}
void context_answer(uint32_t thread, enum bh_status status, uint64_t value) {
    (void)value;
    assert_int_equal(thread, THREAD);
    answers++;
    answer = status;
}

static int install(void **state) {
    (void)state;
    memset(slots, 0, sizeof slots);
    threads[THREAD].compartment = 1;
    threads[THREAD].first_slot = FIRST_SLOT;
    vcpus[1].thread = THREAD;
    for (uint32_t i = 0; i < SLOTS; i++)
        slots[FIRST_SLOT + i] = (struct bh_plan_slot){
            .compartment = 1, .kind = i, .object = 1, .rights = ~0u,
        };
    slots[FIRST_SLOT + SLOTS] = slots[FIRST_SLOT];
    slots[FIRST_SLOT + SLOTS].compartment = 0;          /* somebody else's */
    plan_tables = (struct plan_view){ .slot = slots, .vcpu = vcpus,
                                      .count = { [BH_TABLE_SLOT] = FIRST_SLOT + SLOTS + 1 } };
    return 0;
}

static enum bh_status perform(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    struct call call = { number, { a, b, c, d } };

    performed = answers = 0;
    answer = BH_OK;
    call_perform(THREAD, &call);
    assert_int_equal(answers, 1);      /* exactly one answer, now or promised */
    return answer;
}

static uint64_t slot_of(enum bh_slot_kind kind) {
    return kind;
}

/* The kind of slot that each call needs; BH_NONE: none. */
static const uint32_t needs[BH_CALL_COUNT] = {
    BH_SLOT_CHANNEL, BH_NONE, BH_SLOT_CHANNEL, BH_SLOT_VCPU, BH_SLOT_PLACE,
    BH_SLOT_DEVICE, BH_SLOT_DEVICE, BH_SLOT_COMPARTMENT, BH_SLOT_MODE, BH_SLOT_MACHINE,
};

static void test_each_call_takes_its_own_kind_only(void **state) {
    (void)state;
    for (uint64_t number = 0; number < BH_CALL_COUNT; number++) {
        for (uint64_t slot = 0; slot < SLOTS && needs[number] != BH_NONE; slot++) {
            enum bh_status status = perform(number, slot, 0, 0, 0);
            bool right = slot == slot_of(needs[number]);
            assert_int_equal(performed > 0, right);
            if (!right)
                assert_int_equal(status, BH_E_SLOT);
        }
    }
}

static void test_slots_of_others_are_out_of_range(void **state) {
    static const uint64_t wild[] = { SLOTS, SLOTS + 1, 0xffffffff, 0x100000000, UINT64_MAX,
                                     (uint64_t)0 - FIRST_SLOT };

    (void)state;
    for (uint64_t number = 0; number < BH_CALL_COUNT; number++)
        for (unsigned i = 0; i < sizeof wild / sizeof wild[0] && needs[number] != BH_NONE; i++) {
            assert_int_equal(perform(number, wild[i], 0, 0, 0), BH_E_SLOT);
            assert_int_equal(performed, 0);
        }
}

/* The plan says where to begin; whose a slot is, the slot says. */
static void test_a_wrong_first_slot_finds_nothing(void **state) {
    static const uint32_t wrong[] = { FIRST_SLOT + SLOTS, FIRST_SLOT + SLOTS + 1, UINT32_MAX };

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        threads[THREAD].first_slot = wrong[i];
        for (uint64_t number = 0; number < BH_CALL_COUNT; number++)
            for (uint64_t slot = 0; slot < SLOTS && needs[number] != BH_NONE; slot++) {
                assert_int_equal(perform(number, slot, 0, 0, 0), BH_E_SLOT);
                assert_int_equal(performed, 0);
            }
    }
}

static void test_unknown_numbers(void **state) {
    static const uint64_t wild[] = { BH_CALL_COUNT, 255, 1ull << 32, UINT64_MAX };

    (void)state;
    for (unsigned i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        assert_int_equal(perform(wild[i], 0, 0, 0, 0), BH_E_CALL);
        assert_int_equal(performed, 0);
    }
}

static void check_operations(uint64_t number, enum bh_slot_kind kind, uint64_t count) {
    for (uint64_t allowed = 0; allowed < count; allowed++) {
        slots[FIRST_SLOT + slot_of(kind)].rights = 1u << allowed;
        for (uint64_t operation = 0; operation < count; operation++) {
            enum bh_status status = perform(number, slot_of(kind), operation, 0, 0);
            assert_int_equal(performed > 0, operation == allowed);
            if (operation != allowed)
                assert_int_equal(status, BH_E_RIGHT);
        }
    }
    slots[FIRST_SLOT + slot_of(kind)].rights = ~0u;
    assert_int_equal(perform(number, slot_of(kind), count, 0, 0), BH_E_ARGUMENT);
    assert_int_equal(perform(number, slot_of(kind), 1ull << 32, 0, 0), BH_E_ARGUMENT);
    assert_int_equal(perform(number, slot_of(kind), UINT64_MAX, 0, 0), BH_E_ARGUMENT);
    assert_int_equal(performed, 0);
}

static void test_operations_need_their_right(void **state) {
    (void)state;
    check_operations(BH_CALL_DEVICE_CONTROL, BH_SLOT_DEVICE, BH_DEVICE_RESET + 1);
    check_operations(BH_CALL_COMPARTMENT_CONTROL, BH_SLOT_COMPARTMENT, BH_COMPARTMENT_RESET + 1);
    check_operations(BH_CALL_MACHINE_CONTROL, BH_SLOT_MACHINE, BH_MACHINE_POWEROFF + 1);
}

static void test_device_read(void **state) {
    uint64_t slot = slot_of(BH_SLOT_DEVICE);

    (void)state;
    assert_int_equal(perform(BH_CALL_DEVICE_READ, slot, BH_DEVICE_BUS_ADDRESS, 0, 0), BH_OK);
    assert_int_equal(perform(BH_CALL_DEVICE_READ, slot, BH_DEVICE_BUS_ADDRESS + 1, 0, 0),
                     BH_E_ARGUMENT);
    slots[FIRST_SLOT + slot].rights = ~(1u << BH_DEVICE_READ);
    assert_int_equal(perform(BH_CALL_DEVICE_READ, slot, 0, 0, 0), BH_E_RIGHT);
    assert_int_equal(performed, 0);
}

static void test_only_its_thread_runs_a_vcpu(void **state) {
    (void)state;
    vcpus[1].thread = 0;
    assert_int_equal(perform(BH_CALL_VCPU_RUN, slot_of(BH_SLOT_VCPU), BH_FOREVER, 0, 0),
                     BH_E_STATE);
    assert_int_equal(performed, 0);
}

static void test_machine_that_stays_on(void **state) {
    (void)state;
    assert_int_equal(perform(BH_CALL_MACHINE_CONTROL, slot_of(BH_SLOT_MACHINE),
                             BH_MACHINE_POWEROFF, 0, 0), BH_E_DEVICE);
}

/* Whatever is in the registers: one answer, and nothing performed on an object that isn't ours. */
static void test_random_registers(void **state) {
    (void)state;
    srand(4);
    for (unsigned round = 0; round < 200000; round++) {
        uint64_t r[5];
        for (unsigned i = 0; i < 5; i++)
            r[i] = rand() % 3 ? (uint64_t)(rand() % 16) : (uint64_t)rand() * (uint64_t)rand() << 7;
        perform(r[0], r[1], r[2], r[3], r[4]);
        if (performed > 0 && r[0] != BH_CALL_WAIT)
            assert_true(r[1] < SLOTS && object <= 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_call_takes_its_own_kind_only, install),
        cmocka_unit_test_setup(test_slots_of_others_are_out_of_range, install),
        cmocka_unit_test_setup(test_a_wrong_first_slot_finds_nothing, install),
        cmocka_unit_test_setup(test_unknown_numbers, install),
        cmocka_unit_test_setup(test_operations_need_their_right, install),
        cmocka_unit_test_setup(test_device_read, install),
        cmocka_unit_test_setup(test_only_its_thread_runs_a_vcpu, install),
        cmocka_unit_test_setup(test_machine_that_stays_on, install),
        cmocka_unit_test_setup(test_random_registers, install),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
