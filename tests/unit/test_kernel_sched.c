/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler's pure parts: queues by priority, budgets per period. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/budget.h"
#include "core/ready.h"

static void test_best_is_highest_then_first(void **state) {
    struct ready ready;

    (void)state;
    ready_clear(&ready, 0);
    assert_int_equal(ready_best(&ready), BH_NONE);
    ready_add(&ready, 7, 3);
    ready_add(&ready, 8, 3);
    ready_add(&ready, 9, 31);
    ready_add(&ready, 10, 0);
    assert_int_equal(ready_best(&ready), 9);
    ready_remove(&ready, 9, 31);
    assert_int_equal(ready_best(&ready), 7);
    ready_remove(&ready, 7, 3);
    ready_add(&ready, 7, 3);
    assert_int_equal(ready_best(&ready), 8);
    ready_remove(&ready, 8, 3);
    ready_remove(&ready, 7, 3);
    assert_int_equal(ready_best(&ready), 10);
    ready_remove(&ready, 10, 0);
    assert_int_equal(ready_best(&ready), BH_NONE);
}

static void test_equals(void **state) {
    struct ready ready;

    (void)state;
    ready_clear(&ready, 0);
    ready_add(&ready, 1, 5);
    assert_false(ready_has_equal(1));
    ready_add(&ready, 2, 5);
    assert_true(ready_has_equal(1));
    assert_true(ready_has_equal(2));
}

/* Random additions and removals against arrays of what should be queued, in order. */
static void test_random_against_lists(void **state) {
    struct ready ready;
    uint32_t list[BH_PRIORITIES][BH_MAX_THREADS], count[BH_PRIORITIES] = { 0 };
    uint32_t priority_of[BH_MAX_THREADS];
    bool queued[BH_MAX_THREADS] = { false };

    (void)state;
    srand(2);
    ready_clear(&ready, 0);
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t t = (uint32_t)rand() % BH_MAX_THREADS, p = (uint32_t)rand() % BH_PRIORITIES;
        if (!queued[t]) {
            ready_add(&ready, t, p);
            list[p][count[p]++] = t;
            priority_of[t] = p;
        } else {
            p = priority_of[t];
            ready_remove(&ready, t, p);
            uint32_t at = 0;
            while (list[p][at] != t)
                at++;
            for (count[p]--; at < count[p]; at++)
                list[p][at] = list[p][at + 1];
        }
        queued[t] = !queued[t];
        uint32_t best = BH_NONE;
        for (uint32_t q = 0; q < BH_PRIORITIES; q++)
            if (count[q] > 0)
                best = list[q][0];
        assert_int_equal(ready_best(&ready), best);
    }
}

static void test_budget_runs_out_and_comes_again(void **state) {
    struct budget b = { .amount = 100, .period = 1000, .left = 100, .renew_at = 1000 };

    (void)state;
    assert_false(budget_charge(&b, 60, 60));
    assert_true(budget_charge(&b, 50, 110));
    assert_int_equal(b.left, 0);
    budget_renew(&b, 999);
    assert_int_equal(b.left, 0);
    budget_renew(&b, 1000);
    assert_int_equal(b.left, 100);
    assert_int_equal(b.renew_at, 2000);
}

static void test_budget_skips_missed_periods(void **state) {
    struct budget b = { .amount = 100, .period = 1000, .left = 0, .renew_at = 1000 };

    (void)state;
    budget_renew(&b, 5432);
    assert_int_equal(b.left, 100);
    assert_int_equal(b.renew_at, 6000);
    assert_false(budget_charge(&b, 99, 5999));
    assert_false(budget_charge(&b, 99, 6001));
    assert_int_equal(b.left, 1);
}

static void test_whole_period_is_no_limit(void **state) {
    struct budget b = { .amount = 1000, .period = 1000, .left = 1000, .renew_at = 1000 };

    (void)state;
    assert_false(budget_limited(&b));
    assert_false(budget_charge(&b, UINT64_MAX, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best_is_highest_then_first),
        cmocka_unit_test(test_equals),
        cmocka_unit_test(test_random_against_lists),
        cmocka_unit_test(test_budget_runs_out_and_comes_again),
        cmocka_unit_test(test_budget_skips_missed_periods),
        cmocka_unit_test(test_whole_period_is_no_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
