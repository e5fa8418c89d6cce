/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the Bochs display's driver: the mode, and lines of a client that may say anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/bochs/mode.h"
#include "lib/mmio/mmio.h"
#include "tests/unit/link_pair.h"

enum { HALF = 4096 };

static uint8_t registers[BOCHS_SIZE];
static bool palette_feeds_screen;
static bool index_is_next;
static uint16_t most_height;        /* that the device's memory suffices for */

static struct display display;
static struct link_pair pair;
static struct ring seat;
static uint8_t *framebuffer;

static uint16_t *dispi(enum bochs_dispi which) {
    return (uint16_t *)(void *)&registers[BOCHS_DISPI + 2 * (unsigned)which];
}

uint8_t mmio_read8(const volatile void *base, uint32_t offset) {
    (void)base;
    assert_in_range(offset, BOCHS_VGA, BOCHS_VGA + 0x1f);
    if (offset == BOCHS_VGA + VGA_STATUS_1)
        index_is_next = registers[BOCHS_VGA + VGA_MISCELLANEOUS] & VGA_COLOUR_PORTS;
    return registers[offset];
}

void mmio_write8(volatile void *base, uint32_t offset, uint8_t value) {
    (void)base;
    assert_in_range(offset, BOCHS_VGA, BOCHS_VGA + 0x1f);
    if (offset == BOCHS_VGA + VGA_ATTRIBUTE && index_is_next)
        palette_feeds_screen = value & VGA_UNBLANK;
    registers[offset] = value;
}

uint16_t mmio_read16(const volatile void *base, uint32_t offset) {
    (void)base;
    assert_in_range(offset, BOCHS_DISPI, BOCHS_DISPI + 0x15);
    return *(uint16_t *)(void *)&registers[offset];
}

/* A size that is written while the interface is on doesn't count. */
void mmio_write16(volatile void *base, uint32_t offset, uint16_t value) {
    unsigned which = (offset - BOCHS_DISPI) / 2;

    (void)base;
    assert_in_range(offset, BOCHS_DISPI, BOCHS_DISPI + 0x15);
    if (which >= DISPI_WIDTH && which <= DISPI_BITS && *dispi(DISPI_ENABLE) & DISPI_ENABLED)
        return;
    if (which == DISPI_HEIGHT && value > most_height)
        value = most_height;
    *dispi(which) = value;
}

static int set_up(void **state) {
    (void)state;
    memset(registers, 0, sizeof(registers));
    memset(&display, 0, sizeof(display));
    *dispi(DISPI_ID) = 0xb0c5;
    *dispi(DISPI_ENABLE) = DISPI_ENABLED;
    most_height = 4096;
    palette_feeds_screen = index_is_next = false;
    framebuffer = malloc(MODE_BYTES);
    memset(framebuffer, 0x55, MODE_BYTES);
    link_pair_make(&pair, HALF, MODE_BYTES);
    display.framebuffer = framebuffer;
    ring_open(&display.client, &pair.b, 1);
    ring_open(&seat, &pair.a, 2);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(framebuffer);
    link_pair_free(&pair);
    return 0;
}

static bool turn(void) {
    uint32_t notify = BH_NONE;

    display_turn(&display);
    bool settled = display_settle(&display, &notify);
    ring_check(&seat);
    return settled;
}

static void connect(void) {
    assert_true(mode_start(registers, &display));
    for (int i = 0; i < 3; i++)
        turn();
    assert_int_equal(ring_available(&seat), 1);
}

static void say(uint8_t kind, uint32_t first, uint16_t count) {
    assert_true(ring_space(&seat) > 0);
    ring_put(&seat, (struct ring_descriptor){ .kind = kind, .offset = first, .length = count });
    ring_flush(&seat);
}

static uint8_t *drawn(uint32_t line) {
    return seat.out + (size_t)line * MODE_PITCH;
}

static const uint8_t *shown(uint32_t line) {
    return framebuffer + (size_t)line * MODE_PITCH;
}

static void test_mode_is_set_on_a_dark_screen(void **state) {
    (void)state;
    assert_true(mode_start(registers, &display));
    assert_int_equal(*dispi(DISPI_WIDTH), MODE_WIDTH);
    assert_int_equal(*dispi(DISPI_HEIGHT), MODE_HEIGHT);
    assert_int_equal(*dispi(DISPI_BITS), 32);
    assert_int_equal(*dispi(DISPI_ENABLE), DISPI_ENABLED | DISPI_LINEAR);
    assert_int_equal(*dispi(DISPI_Y_OFFSET), 0);
    assert_true(palette_feeds_screen);
    for (size_t i = 0; i < MODE_BYTES; i++)
        assert_int_equal(framebuffer[i], 0);
}

static void test_another_device_is_left_alone(void **state) {
    (void)state;
    *dispi(DISPI_ID) = 0x1234;
    assert_false(mode_start(registers, &display));
    assert_int_equal(framebuffer[0], 0x55);
    assert_int_equal(*dispi(DISPI_WIDTH), 0);
}

static void test_too_small_a_device_is_noticed(void **state) {
    (void)state;
    most_height = 600;
    assert_false(mode_start(registers, &display));
}

static void test_size_is_told_first(void **state) {
    (void)state;
    connect();
    struct ring_descriptor message = ring_get(&seat);
    assert_int_equal(message.kind, SCREEN_SIZE);
    assert_int_equal(screen_picture(message).width, MODE_WIDTH);
    assert_int_equal(screen_picture(message).height, MODE_HEIGHT);
}

static void test_only_named_lines_are_copied(void **state) {
    (void)state;
    connect();
    memset(seat.out, 0x11, MODE_BYTES);
    say(SCREEN_LINES, 10, 2);
    turn();
    assert_int_equal(shown(9)[MODE_PITCH - 1], 0);
    assert_memory_equal(shown(10), drawn(10), 2 * MODE_PITCH);
    assert_int_equal(shown(12)[0], 0);
}

static void test_whole_screen_takes_several_turns(void **state) {
    int turns = 1;

    (void)state;
    connect();
    memset(seat.out, 0x22, MODE_BYTES);
    for (int i = 0; i < 20; i++)
        say(SCREEN_LINES, 0, MODE_HEIGHT);
    while (!turn())
        turns++;
    assert_int_equal(turns, (MODE_HEIGHT + DISPLAY_SHARE - 1) / DISPLAY_SHARE);
    assert_memory_equal(framebuffer, seat.out, MODE_BYTES);
}

static void test_lines_outside_the_screen_are_ignored(void **state) {
    (void)state;
    connect();
    memset(seat.out, 0x33, MODE_BYTES);
    say(SCREEN_LINES, MODE_HEIGHT - 1, 2);
    say(SCREEN_LINES, UINT32_MAX, 1);
    say(SCREEN_LINES, 0, UINT16_MAX);
    say(SCREEN_SHOW, 0, 5);
    assert_true(turn());
    for (size_t i = 0; i < MODE_BYTES; i++)
        assert_int_equal(framebuffer[i], 0);
}

static void test_new_life_of_the_seat_learns_the_size(void **state) {
    (void)state;
    connect();
    ring_open(&seat, &pair.a, 3);
    for (int i = 0; i < 3; i++)
        turn();
    assert_int_equal(ring_available(&seat), 1);
    assert_int_equal(ring_get(&seat).kind, SCREEN_SIZE);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_mode_is_set_on_a_dark_screen),
        TEST(test_another_device_is_left_alone),
        TEST(test_too_small_a_device_is_noticed),
        TEST(test_size_is_told_first),
        TEST(test_only_named_lines_are_copied),
        TEST(test_whole_screen_takes_several_turns),
        TEST(test_lines_outside_the_screen_are_ignored),
        TEST(test_new_life_of_the_seat_learns_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
