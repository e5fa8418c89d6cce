/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what the boot loader's framebuffer must be like to be used, and where it then lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/bootscreen/left.h"

#define BASE 0xc0000000ull
#define SIZE 0x400000ull

static struct bh_framebuffer told;
static struct display display;
static uint8_t bytes[1];

static int set_up(void **state) {
    (void)state;
    told = (struct bh_framebuffer){
        .address = BASE + 0x1000, .pitch = 5120, .width = 1280, .height = 800, .bits = 32, .type = 1,
        .red_at = 16, .red_bits = 8, .green_at = 8, .green_bits = 8, .blue_at = 0, .blue_bits = 8,
    };
    display = (struct display){ .width = 7 };
    return 0;
}

static const char *take(uint64_t base, uint64_t size) {
    return left_take(&told, (struct left_memory){ bytes, base, size }, &display);
}

static void good_screen_is_taken(void **state) {
    (void)state;
    assert_null(take(BASE, SIZE));
    assert_ptr_equal(display.framebuffer, bytes + 0x1000);
    assert_int_equal(display.width, 1280);
    assert_int_equal(display.height, 800);
    assert_int_equal(display.pitch, 5120);
}

static void refused(void) {
    assert_non_null(take(BASE, SIZE));
    assert_int_equal(display.width, 7);
    set_up(NULL);
}

static void none_and_senseless_ones_are_refused(void **state) {
    (void)state;
    told.address = 0;
    refused();
    told.width = 0;
    refused();
    told.height = SCREEN_SIDE_MOST + 1;
    refused();
    told.pitch = 1280 * 4 - 4;
    refused();
    told.pitch = 5122;
    refused();
}

static void other_pixels_are_refused(void **state) {
    (void)state;
    told.bits = 24;
    refused();
    told.type = 2;
    refused();
    told.red_at = 0;
    refused();
    told.green_at = 0;
    refused();
    told.blue_at = 16;
    refused();
    told.red_bits = told.green_bits = told.blue_bits = 10;
    refused();
}

static void it_lies_in_the_mapped_memory(void **state) {
    (void)state;
    told.address = BASE - 0x1000;
    refused();
    told.address = BASE + SIZE - 5120 * 800;
    assert_null(take(BASE, SIZE));
    told.address += 4;
    set_up(state);
    told.address = BASE + SIZE - 5120 * 800 + 4;
    refused();
    told.height = 820;                                /* longer than the BAR */
    told.address = BASE;
    refused();
    told.pitch = UINT32_MAX - 3;
    refused();
    told.address = UINT64_MAX - 3;
    refused();
}

static void bars_of_both_widths(void **state) {
    (void)state;
    assert_int_equal(left_bar_address(0xfd000008, 0x12345678), 0xfd000000);
    assert_int_equal(left_bar_address(0xc000000c, 0x40), 0x40c0000000);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(good_screen_is_taken),
        TEST(none_and_senseless_ones_are_refused),
        TEST(other_pixels_are_refused),
        TEST(it_lies_in_the_mapped_memory),
        TEST(bars_of_both_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
