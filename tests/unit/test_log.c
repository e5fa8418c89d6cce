/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of lib/log: lines arrive whole and in order, are kept while nobody listens, and aren't lost
 * because another thread of the program is logging.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/stream/stream.h"
#include "lib/time/time.h"
#include "tests/unit/link_pair.h"

static struct link_pair pair;
static struct ring console;

const struct bh_manifest_entry *manifest_find(enum bh_manifest_kind kind, const char *name) {
    return kind == BH_ENTRY_LINK && strcmp(name, "log") == 0 ? &pair.a : NULL;
}

uint32_t time_generation(void) { return 7; }
uint64_t time_after_ms(uint64_t milliseconds) { return milliseconds; }

static int setup(void **state) {
    (void)state;
    link_pair_make(&pair, BH_PAGE_SIZE, BH_PAGE_SIZE);
    log_start();
    fake_calls.on_notify = NULL;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    link_pair_free(&pair);
    return 0;
}

static void listen(void) {
    stream_open(&console, &pair.b, 8);
    log_poll();
    stream_check(&console);
    log_poll();
}

static const char *heard(void) {
    static char text[BH_PAGE_SIZE + 1];
    stream_check(&console);
    uint32_t count = stream_read(&console, text, BH_PAGE_SIZE);
    text[count] = 0;
    stream_flush(&console);
    stream_sleep(&console);
    return text;
}

static void lines_wait_for_a_listener(void **state) {
    (void)state;
    log_line("first %u", 1);
    log_line("second");
    listen();
    assert_string_equal(heard(), "first 1\nsecond\n");
    log_line("third");
    assert_string_equal(heard(), "third\n");
}

static void too_many_lines_are_counted(void **state) {
    (void)state;
    for (unsigned i = 0; i < LOG_KEPT / 8 + 10; i++)
        log_line("%07u", i);
    listen();
    heard();
    log_line("after");
    assert_non_null(strstr(heard(), "lines lost)\nafter\n"));
}

/* Two lines of others come while this one is passed on: the first is put aside, the second has no
 * place any more. */
static void interrupt(void) {
    fake_calls.on_notify = NULL;
    log_line("of another thread");
    log_line("of a third one");
}

static void line_of_another_thread_is_not_lost(void **state) {
    (void)state;
    listen();
    heard();
    fake_calls.on_notify = interrupt;
    log_line("of this thread");
    assert_null(fake_calls.on_notify);
    assert_string_equal(heard(), "of this thread\n(1 lines lost)\nof another thread\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lines_wait_for_a_listener),
        TEST(line_of_another_thread_is_not_lost),
        TEST(too_many_lines_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
