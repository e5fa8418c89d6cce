/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the console's core and monitor: what the person at the serial line sees, where the keys
 * go, and what clients can't do to the line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "abi/info.h"
#include "lib/call/call.h"
#include "services/console/console.h"
#include "services/console/monitor.h"
#include "services/console/names.h"
#include "tests/fake/program.h"

static struct console *console;
static struct bh_counters counters;
static char seen[CONSOLE_SCREEN + 1];

/* What came to the serial line since the last look. */
static const char *look(void) {
    seen[console_take(console, seen, CONSOLE_SCREEN)] = 0;
    return seen;
}

static void say(unsigned client, const char *text) {
    console_client_output(console, client, text, (uint32_t)strlen(text), 1000);
}

/* All of the keys; what the focused clients get on the way goes nowhere. */
static const char *type(const char *keys) {
    look();
    while (*keys) {
        keys += console_keys(console, keys, (uint32_t)strlen(keys));
        console->typed_length = 0;
    }
    return look();
}

static int setup(void **state) {
    (void)state;
    console = malloc(sizeof(*console));
    fake_manifest_start();
    fake_manifest_add(BH_ENTRY_COUNTERS, "counters")->address = (uint64_t)&counters;
    fake_manifest_add(BH_ENTRY_MACHINE, "machine")->slot = 6;
    fake_manifest_add(BH_ENTRY_COMPARTMENT, "web")->slot = 7;
    fake_manifest_add(BH_ENTRY_MODE, "night")->slot = 8;
    memset(&fake_calls, 0, sizeof(fake_calls));
    console_init(console);
    monitor_start();
    assert_int_equal(console_add(console, "netswitch"), 0);
    assert_int_equal(console_add(console, "web.serial"), 1);
    assert_int_equal(console_add(console, "client.serial"), 2);
    console_keys(console, "\r", 1);
    look();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(console);
    return 0;
}

static void test_lines_have_names(void **state) {
    (void)state;
    say(1, "hello\r\nwor");
    say(0, "3 ports\n");
    say(1, "ld\n");
    assert_string_equal(look(), "\r\033[Kweb.serial| hello\r\nbulkhead> "
                                "\r\033[Knetswitch| 3 ports\r\nbulkhead> "
                                "\r\033[Kweb.serial| world\r\nbulkhead> ");
}

static void test_typed_command_survives_output(void **state) {
    (void)state;
    type("stat");
    say(0, "x\n");
    assert_string_equal(look(), "\r\033[Knetswitch| x\r\nbulkhead> stat");
}

static void test_no_forgery(void **state) {
    (void)state;
    say(1, "a\rbulkhead| b\n");
    assert_string_equal(look(), "\r\033[Kweb.serial| abulkhead| b\r\nbulkhead> ");
    say(1, "\033[2J\033[1;1H\033]0;title\007c\b\b\x7f\x9b" "1A\x1bP secret \033\\d\n");
    assert_string_equal(look(), "\r\033[Kweb.serial| c?1Ad\r\nbulkhead> ");
    say(1, "\033]never ended\nnext\n");
    assert_string_equal(look(), "\r\033[Kweb.serial| \r\nbulkhead> "
                                "\r\033[Kweb.serial| next\r\nbulkhead> ");
}

static void test_long_lines_are_broken(void **state) {
    char text[CONSOLE_LINE * 2 + 10];

    (void)state;
    memset(text, 'y', sizeof(text));
    text[sizeof(text) - 1] = 0;
    say(1, text);
    assert_non_null(strstr(look(), "web.serial| yyy"));
    assert_int_equal(console->client[1].length, 9);
}

static void test_prompt_is_shown_after_a_while(void **state) {
    (void)state;
    say(1, "login: ");
    assert_string_equal(look(), "");
    assert_int_equal(console_tick(console, 1100), 1000 + CONSOLE_PARTIAL_MS);
    assert_int_equal(console_tick(console, 1000 + CONSOLE_PARTIAL_MS), 0);
    assert_string_equal(look(), "\r\033[Kweb.serial| login: \r\nbulkhead> ");
    assert_int_equal(console_tick(console, 9000), 0);
    assert_string_equal(look(), "");
}

static void test_line_that_paused_is_shown_whole(void **state) {
    (void)state;
    say(1, "hostile: ");
    console_tick(console, 1000 + CONSOLE_PARTIAL_MS);
    look();
    say(1, "triple\n");
    assert_string_equal(look(), "\r\033[Kweb.serial| hostile: triple\r\nbulkhead> ");
    say(1, "ready");
    console_tick(console, 1000 + CONSOLE_PARTIAL_MS);
    look();
    say(1, "\n");
    assert_string_equal(look(), "");
}

static void test_focus_is_raw(void **state) {
    (void)state;
    say(1, "~ # ");
    assert_non_null(strstr(type("\035" "1"), "web.serial (Ctrl-] 0: back) ---\r\n~ # "));
    say(1, "\033[6n\001x");
    assert_string_equal(look(), "\033[6n\001x");
    say(2, "not now\n");
    assert_string_equal(look(), "");
    assert_int_equal(console_keys(console, "ls\r\003", 4), 4);
    assert_memory_equal(console->typed, "ls\r\003", 4);
    console_kernel_output(console, "web: page fault\n", 16);
    assert_string_equal(look(), "\r\nbulkhead| web: page fault\r\n");
    assert_non_null(strstr(type("\035" "0"), "overview"));
    assert_int_equal(console->focus, CONSOLE_OVERVIEW);
    assert_int_equal(console->typed_length, 0);
}

/* "ls", then at once the keys for another client: these wait until the first has its own. */
static void test_keys_before_a_change_of_focus_arrive(void **state) {
    static const char keys[] = "ls\r\035" "2df\r";

    (void)state;
    type("\035" "1");
    assert_int_equal(console_keys(console, keys, sizeof(keys) - 1), 4);
    assert_int_equal(console->focus, 1);
    assert_int_equal(console->typed_length, 3);
    assert_memory_equal(console->typed, "ls\r", 3);
    console->typed_length = 0;
    assert_int_equal(console_keys(console, keys + 4, sizeof(keys) - 5), 4);
    assert_int_equal(console->focus, 2);
    assert_memory_equal(console->typed, "df\r", 3);
}

static void test_focus_keys(void **state) {
    (void)state;
    type("\035n");
    assert_int_equal(console->focus, 1);
    type("\035n");
    assert_int_equal(console->focus, 2);
    type("\035n");
    assert_int_equal(console->focus, CONSOLE_OVERVIEW);
    type("\035" "2");
    assert_int_equal(console->focus, 2);
    type("\035" "9");
    assert_int_equal(console->focus, CONSOLE_OVERVIEW);
    type("focus cl\r");
    assert_int_equal(console->focus, 2);
}

static void test_line_editing(void **state) {
    (void)state;
    assert_non_null(strstr(type("hexx\177\177lp\r"), "status"));
    assert_non_null(strstr(type("junk\025help\r"), "poweroff"));
    assert_string_equal(type("\r\n"), "\r\nbulkhead> ");
}

static void test_escape_sequences_are_no_commands(void **state) {
    (void)state;
    assert_non_null(strstr(type("\033[39;15Rhel\033[Ap\033OP\r"), "poweroff"));
    assert_non_null(strstr(type("\033[1\rhelp\r"), "poweroff"));
    type("\033\035" "1");
    assert_int_equal(console->focus, 1);
}

static void test_commands(void **state) {
    (void)state;
    assert_non_null(strstr(type("status\r"), "system test"));
    assert_non_null(strstr(type("devices\r"), "bulkhead> "));
    assert_non_null(strstr(type("faults\r"), "0 faults"));
    assert_non_null(strstr(type("counters\r"), "bulkhead> "));
    assert_non_null(strstr(type("focus\r"), "client.serial"));
    assert_non_null(strstr(type("focus zzz\r"), "names no client"));
    assert_non_null(strstr(type("log x\r"), "not a number"));
    assert_non_null(strstr(type("frobnicate\r"), "\"frobnicate\" is no command"));
}

static void test_control(void **state) {
    (void)state;
    assert_non_null(strstr(type("restart  web \r"), "restart: web\r\n"));
    type("stop web\r");
    type("start web\r");
    assert_int_equal(fake_calls.compartment_controls, 3);
    assert_non_null(strstr(type("stop netswitch\r"), "no compartment that the console"));
    assert_int_equal(fake_calls.compartment_controls, 3);
    assert_non_null(strstr(type("mode night\r"), "entered"));
    type("poweroff\r");
    type("reboot\r");
    assert_int_equal(fake_calls.machine_controls, 2);
    fake_calls.status = BH_E_STATE;
    assert_non_null(strstr(type("stop web\r"), "refused (-5)"));
}

static void test_names_from_the_plan(void **state) {
    struct {
        struct bh_plan_header header;
        struct bh_plan_compartment compartment;
        struct bh_plan_device device;
    } plan = { 0 };

    (void)state;
    plan.header.table[BH_TABLE_COMPARTMENT] = (struct bh_plan_table){
        (uintptr_t)&plan.compartment - (uintptr_t)&plan, 1, sizeof(plan.compartment) };
    plan.header.table[BH_TABLE_DEVICE] = (struct bh_plan_table){
        (uintptr_t)&plan.device - (uintptr_t)&plan, 1, sizeof(plan.device) };
    strcpy(plan.compartment.name, "gateway");
    strcpy(plan.device.name, "nic0");
    plan.device.requester_id = 0x0310;
    names_set_plan(&plan.header);
    counters.device[0][BH_DEVICE_COUNT_STATE] = BH_DEVICE_QUIET;
    counters.device[0][BH_DEVICE_FAULTS] = 1;
    counters.machine[BH_MACHINE_CORES] = 1;
    counters.core[0][BH_CORE_SWITCHES] = 77;
    assert_non_null(strstr(type("status\r"), "switches 77 "));
    assert_non_null(strstr(type("status\r"), "gateway"));
    assert_non_null(strstr(type("devices\r"), "nic0             03:02.0   gateway          quiet"));
    assert_non_null(strstr(type("faults\r"), "nic0 of gateway: 1 DMA faults"));
    names_set_plan(NULL);
}

static void test_history(void **state) {
    const char *text;

    (void)state;
    say(0, "one\n");
    say(1, "guest line\n");
    say(0, "two\n");
    console_kernel_output(console, "three\n", 6);
    text = type("log 2\r");
    assert_null(strstr(text, "one"));
    assert_non_null(strstr(text, "netswitch| two\r\nbulkhead| three\r\n"));
    assert_null(strstr(type("log\r"), "guest line"));
}

static void test_flood_is_bounded(void **state) {
    char text[256];
    uint64_t said = 0;

    (void)state;
    memset(text, 'z', sizeof(text));
    text[255] = '\n';
    console_allowance(console, 1, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t count = console_allowance(console, 1, 1000);

        count = count < sizeof(text) ? count : sizeof(text);
        console_client_output(console, 1, text, count, 1000);
        said += count;
        look();
    }
    assert_int_equal(said, CONSOLE_BURST);
    assert_in_range(console_allowance(console, 1, 1010), 1, 10 * CONSOLE_RATE);
}

static void test_full_screen_keeps_room_for_us(void **state) {
    char text[256];

    (void)state;
    memset(text, '\n', sizeof(text));
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t count = console_allowance(console, 1, i * 1000);

        console_client_output(console, 1, text, count < 256 ? count : 256, i * 1000);
    }
    assert_in_range(console->screen_length, CONSOLE_SCREEN - CONSOLE_RESERVE - CONSOLE_WORST,
                    CONSOLE_SCREEN - CONSOLE_RESERVE);
    console_kernel_output(console, "still heard\n", 12);
    assert_non_null(strstr(look(), "bulkhead| still heard"));
    assert_int_equal(console->screen_lost, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_lines_have_names), TEST(test_typed_command_survives_output),
        TEST(test_no_forgery), TEST(test_long_lines_are_broken),
        TEST(test_prompt_is_shown_after_a_while),
        TEST(test_line_that_paused_is_shown_whole), TEST(test_focus_is_raw),
        TEST(test_keys_before_a_change_of_focus_arrive), TEST(test_focus_keys),
        TEST(test_line_editing),
        TEST(test_escape_sequences_are_no_commands), TEST(test_commands), TEST(test_control),
        TEST(test_names_from_the_plan), TEST(test_history), TEST(test_flood_is_bounded),
        TEST(test_full_screen_keeps_room_for_us),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
