/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of lib/pace: floods are looked at once a period, single frames at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/pace/pace.h"

enum { PERIOD = 100 };

static void flood(struct pace *pace, uint64_t *now) {
    for (unsigned i = 0; i <= PACE_BURST + 1; i++)
        pace_looked(pace, *now += 10, 1);
}

static void test_single_frames_never_wait(void **state) {
    struct pace pace = { .period = PERIOD };

    (void)state;
    for (uint64_t now = 1000; now < 100000; now += PERIOD) {
        pace_looked(&pace, now, 1);
        pace_looked(&pace, now + 1, 0);
        assert_false(pace.on);
    }
}

static void test_flood_begins_and_ends(void **state) {
    struct pace pace = { .period = PERIOD };
    uint64_t now = 1000;

    (void)state;
    flood(&pace, &now);
    assert_true(pace.on);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t due = pace.due;

        pace_looked(&pace, due - 1, 1);
        assert_int_equal(pace.due, due);
        pace_looked(&pace, due, 5);
        assert_int_equal(pace.due, due + PERIOD);
    }
    pace_looked(&pace, pace.due, 1);
    assert_false(pace.on);
}

static void test_off_without_a_period(void **state) {
    struct pace pace = { .period = 0 };
    uint64_t now = 1000;

    (void)state;
    flood(&pace, &now);
    assert_false(pace.on);
}

static void test_stop(void **state) {
    struct pace pace = { .period = PERIOD };
    uint64_t now = 1000;

    (void)state;
    flood(&pace, &now);
    pace_stop(&pace);
    assert_false(pace.on);
    pace_looked(&pace, now + 1, 1);
    assert_false(pace.on);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_frames_never_wait),
        cmocka_unit_test(test_flood_begins_and_ends),
        cmocka_unit_test(test_off_without_a_period),
        cmocka_unit_test(test_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
