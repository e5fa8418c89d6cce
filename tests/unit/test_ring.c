/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of lib/ring: exchange, wake-ups, new lives, peers that break the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/ring/ring.h"
#include "tests/unit/link_pair.h"

static struct link_pair pair;
static struct ring a, b;

static void connect_both(void) {
    for (unsigned i = 0; i < 3; i++) {
        ring_check(&a);
        ring_check(&b);
    }
}

static int setup(void **state) {
    (void)state;
    link_pair_make(&pair, 4096, 4096);
    ring_open(&a, &pair.a, 11);
    ring_open(&b, &pair.b, 22);
    memset(&fake_calls, 0, sizeof(fake_calls));
    return 0;
}

static int setup_up(void **state) {
    setup(state);
    connect_both();
    memset(&fake_calls, 0, sizeof(fake_calls));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    link_pair_free(&pair);
    return 0;
}

static struct ring_descriptor numbered(uint32_t number) {
    return (struct ring_descriptor){
        .offset = number, .length = (uint16_t)(number * 3), .kind = 7, .port = 9,
        .extra = 0x123456789abcdefull + number };
}

static void test_connects_in_either_order(void **state) {
    (void)state;
    assert_int_equal(ring_check(&a), RING_SAME);       /* B hasn't acknowledged yet */
    assert_int_equal(ring_check(&b), RING_NEW);
    assert_int_equal(ring_check(&a), RING_NEW);
    assert_int_equal(ring_check(&a), RING_SAME);
    assert_true(ring_up(&a) && ring_up(&b));
}

static void test_alone_is_down(void **state) {
    struct ring alone;
    struct link_pair other;

    (void)state;
    link_pair_make(&other, 4096, 4096);
    ring_open(&alone, &other.a, 5);
    assert_int_equal(ring_check(&alone), RING_SAME);
    assert_int_equal(ring_space(&alone), 0);
    assert_int_equal(ring_available(&alone), 0);
    assert_true(ring_sleep(&alone));
    link_pair_free(&other);
}

/* What is known already needs no look at the peer's half; what isn't is looked for. */
static void test_counts_are_asked_for_when_used_up(void **state) {
    uint32_t depth = ring_space(&a);

    (void)state;
    assert_false(ring_has_more(&b));
    ring_put(&a, numbered(0));
    ring_put(&a, numbered(1));
    ring_flush(&a);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(ring_has_more(&b));
        assert_int_equal(ring_get(&b).offset, i);
    }
    assert_false(ring_has_more(&b));
    for (uint32_t i = 2; i < depth; i++) {
        assert_true(ring_has_space(&a));
        ring_put(&a, numbered(i));
    }
    assert_false(ring_has_space(&a));
    ring_done(&b, 1);
    ring_flush(&b);
    assert_true(ring_has_space(&a));
    ring_put(&a, numbered(depth));
    assert_false(ring_has_space(&a));
}

static void test_exchange_wraps_around(void **state) {
    uint32_t sent = 0, got = 0;

    (void)state;
    assert_int_equal(a.out_depth, 128);
    for (unsigned round = 0; round < 1000; round++) {
        for (uint32_t i = ring_space(&a); i > round % 7; i--)
            ring_put(&a, numbered(sent++));
        ring_flush(&a);
        for (uint32_t i = ring_available(&b); i > 0; i--) {
            struct ring_descriptor want = numbered(got++);
            struct ring_descriptor have = ring_get(&b);

            assert_memory_equal(&have, &want, sizeof(want));
            ring_done(&b, 1);
        }
        ring_flush(&b);
    }
    assert_int_equal(sent, got);
    assert_true(sent > 100000);
}

static void test_full_until_released(void **state) {
    (void)state;
    while (ring_space(&a) > 0)
        ring_put(&a, numbered(1));
    ring_flush(&a);
    assert_int_equal(ring_available(&b), 128);
    ring_get(&b);
    ring_flush(&b);
    assert_int_equal(ring_space(&a), 0);
    ring_done(&b, 1);
    ring_flush(&b);
    assert_int_equal(ring_space(&a), 1);
}

static void test_busy_receiver_is_not_signalled(void **state) {
    (void)state;
    assert_int_equal(ring_available(&b), 0);
    assert_true(ring_sleep(&b));
    ring_put(&a, numbered(1));
    ring_flush(&a);
    assert_int_equal(fake_calls.notifies, 1);
    ring_put(&a, numbered(2));
    ring_flush(&a);
    assert_int_equal(fake_calls.notifies, 1);
    assert_int_equal(ring_available(&b), 2);
    ring_get(&b);
    ring_get(&b);
    ring_put(&a, numbered(3));
    ring_flush(&a);
    assert_false(ring_sleep(&b));
    assert_int_equal(ring_available(&b), 1);
    ring_get(&b);
    assert_true(ring_sleep(&b));
    ring_put(&a, numbered(4));
    ring_flush(&a);
    assert_int_equal(fake_calls.notifies, 2);
}

static void test_disarmed_isnt_signalled(void **state) {
    (void)state;
    assert_true(ring_sleep(&b));
    ring_disarm(&b);
    ring_put(&a, numbered(1));
    ring_flush(&a);
    assert_int_equal(fake_calls.notifies, 0);
    assert_false(ring_sleep(&b));
    assert_int_equal(ring_available(&b), 1);
    ring_get(&b);
    ring_disarm(&b);
    assert_true(ring_sleep(&b));
    ring_put(&a, numbered(2));
    ring_flush(&a);
    assert_int_equal(fake_calls.notifies, 1);
}

/* Only who will be woken for whatever comes may look away, and until something comes. */
static void test_quiet_until_something_comes(void **state) {
    (void)state;
    assert_true(ring_sleep(&b));
    assert_true(ring_quiet(&b));
    ring_disarm(&b);
    assert_false(ring_quiet(&b));
    assert_true(ring_sleep(&b));
    ring_put(&a, numbered(1));
    assert_true(ring_quiet(&b));
    ring_flush(&a);
    assert_false(ring_quiet(&b));
    assert_int_equal(ring_available(&b), 1);
    ring_get(&b);
    assert_false(ring_quiet(&b));
    assert_true(ring_sleep(&b));
    assert_true(ring_quiet(&b));
}

/* Though it has sent nothing, as in its last life. */
static void test_new_life_isnt_quiet(void **state) {
    (void)state;
    assert_true(ring_sleep(&b));
    assert_true(ring_quiet(&b));
    ring_open(&a, &pair.a, 33);
    assert_false(ring_quiet(&b));
    ring_check(&b);
    assert_true(ring_sleep(&b));
    assert_false(ring_quiet(&b));                     /* it isn't up, and not armed */
}

static void test_release_wakes_only_who_waits(void **state) {
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        ring_put(&a, numbered(i));
    ring_flush(&a);
    ring_space(&a);
    assert_true(ring_await_release(&a, 4));
    fake_calls.notifies = 0;
    ring_available(&b);
    for (unsigned i = 0; i < 8; i++) {
        ring_get(&b);
        assert_int_equal(ring_release_wanted(&b), i >= 3);
    }
    ring_done(&b, 3);
    ring_flush(&b);
    assert_int_equal(fake_calls.notifies, 0);
    ring_done(&b, 1);
    ring_flush(&b);
    assert_int_equal(fake_calls.notifies, 1);
    assert_false(ring_await_release(&a, 4));
}

static void test_new_life_forgets(void **state) {
    (void)state;
    ring_put(&a, numbered(1));
    ring_flush(&a);
    ring_open(&b, &pair.b, 33);
    assert_int_equal(ring_check(&b), RING_SAME);      /* A still acknowledges the old life */
    assert_int_equal(ring_available(&b), 0);
    assert_int_equal(ring_check(&a), RING_NEW);
    assert_int_equal(ring_check(&b), RING_NEW);
    assert_int_equal(ring_available(&b), 0);
    assert_int_equal(ring_space(&a), 128);
}

static void test_peer_gone(void **state) {
    (void)state;
    ((struct ring_half *)pair.half_b)->generation = 0;
    assert_int_equal(ring_check(&a), RING_LOST);
    assert_int_equal(ring_check(&a), RING_SAME);
    assert_int_equal(ring_space(&a), 0);
}

static void test_tail_too_far_breaks(void **state) {
    (void)state;
    ((struct ring_half *)pair.half_b)->tail = 129;
    assert_int_equal(ring_available(&a), 0);
    assert_int_equal(a.state, RING_BROKEN);
    assert_int_equal(ring_check(&a), RING_SAME);
    ring_open(&b, &pair.b, 44);
    assert_int_equal(ring_check(&a), RING_LOST);
    connect_both();
    assert_true(ring_up(&a) && ring_up(&b));
}

static void test_tail_backwards_breaks(void **state) {
    (void)state;
    ((struct ring_half *)pair.half_b)->tail = 5;
    assert_int_equal(ring_available(&a), 5);
    ((struct ring_half *)pair.half_b)->tail = 4;
    assert_int_equal(ring_available(&a), 0);
    assert_int_equal(a.state, RING_BROKEN);
}

static void test_head_beyond_sent_breaks(void **state) {
    (void)state;
    ((struct ring_half *)pair.half_b)->head = 1;
    assert_int_equal(ring_space(&a), 0);
    assert_int_equal(a.state, RING_BROKEN);
}

static void test_inside(void **state) {
    (void)state;
    assert_true(ring_inside(0, 4096, 4096));
    assert_true(ring_inside(4096, 0, 4096));
    assert_false(ring_inside(1, 4096, 4096));
    assert_false(ring_inside(UINT64_MAX, 2, 4096));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_connects_in_either_order, setup, teardown),
        cmocka_unit_test(test_alone_is_down),
        cmocka_unit_test_setup_teardown(test_counts_are_asked_for_when_used_up, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_exchange_wraps_around, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_full_until_released, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_busy_receiver_is_not_signalled, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_disarmed_isnt_signalled, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_quiet_until_something_comes, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_new_life_isnt_quiet, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_release_wakes_only_who_waits, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_new_life_forgets, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_peer_gone, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_tail_too_far_breaks, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_tail_backwards_breaks, setup_up, teardown),
        cmocka_unit_test_setup_teardown(test_head_beyond_sent_breaks, setup_up, teardown),
        cmocka_unit_test(test_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
