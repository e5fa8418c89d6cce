/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's screen: what the seat is told, what is in the picture, and what registers a guest finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"

enum { CRTC = 0x3d4, ATTRIBUTE = 0x3c0, GRAPHICS = 0x3ce, STATUS = 0x3da, DISPI = 0x1ce };
enum { WIDTH = 1, HEIGHT = 2, DEPTH = 3, ENABLE = 4, VIRTUAL_WIDTH = 6, VIRTUAL_HEIGHT = 7, X = 8,
       Y = 9, MEMORY = 10, ON = 0x41, KEEP = 0x80, ASK_MOST = 2 };
enum { VGA = LAYOUT_PCI_VGA, BAR0 = 0x10, BAR2 = 0x18, GREY = 0xaaaaaa, TURNS = 32 };

static struct vm *vm;

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_screen();
    vm = &vm_fake.vm;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

/* A look later: the time of the slowest. */
static void pass_time(void) {
    vm_fake.now += 6 * vm->screen.period;
    for (unsigned i = 0; devices_run(vm); i++)
        assert_true(i < TURNS);
    assert_true(devices_settle(vm));
}

/* The last picture that the seat was told; false: it was told nothing new. */
static bool told(struct screen_picture *picture) {
    bool any = false;
    for (uint32_t n = ring_available(&vm_fake.seat_peer); n > 0; n--) {
        struct ring_descriptor message = ring_get(&vm_fake.seat_peer);
        assert_int_equal(message.kind, SCREEN_SHOW);
        *picture = screen_picture(message);
        ring_done(&vm_fake.seat_peer, 1);
        any = true;
    }
    ring_flush(&vm_fake.seat_peer);
    return any;
}

static struct screen_picture look(void) {
    struct screen_picture picture = { 0 };
    pass_time();
    assert_true(told(&picture));
    return picture;
}

static void set_crtc(uint8_t index, uint8_t value) {
    vm_fake_out(CRTC, 2, index | (uint32_t)value << 8);
}

static void set_dispi(uint16_t index, uint16_t value) {
    vm_fake_out(DISPI, 2, index);
    vm_fake_out(DISPI + 1, 2, value);
}

static uint16_t get_dispi(uint16_t index) {
    vm_fake_out(DISPI, 2, index);
    return (uint16_t)vm_fake_in(DISPI + 1, 2);
}

static void set_mode(uint16_t width, uint16_t height, uint16_t enable) {
    set_dispi(ENABLE, 0);
    set_dispi(WIDTH, width);
    set_dispi(HEIGHT, height);
    set_dispi(DEPTH, 32);
    set_dispi(ENABLE, enable);
}

static void put_cell(unsigned number, uint16_t cell) {
    vm_fake_poke(LAYOUT_TEXT + 2 * number, &cell, sizeof(cell));
}

/* A pixel of the text picture, as the seat sees it. */
static uint32_t pixel(unsigned x, unsigned y) {
    uint32_t value;
    memcpy(&value, vm_fake.seat_peer.in + SCREEN_TEXT_AT + 4 * (y * TEXT_WIDTH + x), sizeof(value));
    return value;
}

static void assert_cell(unsigned number, uint8_t character, uint32_t ink, uint32_t ground) {
    unsigned left = number % TEXT_COLUMNS * FONT_WIDTH, top = number / TEXT_COLUMNS * FONT_HEIGHT;
    for (unsigned y = 0; y < FONT_HEIGHT; y++)
        for (unsigned x = 0; x < FONT_WIDTH; x++)
            assert_int_equal(pixel(left + x, top + y),
                             font_glyph[character][y] & 0x80 >> x ? ink : ground);
}

/* ---- Text ---- */

static void text_mode_is_shown_at_the_start(void **state) {
    (void)state;
    struct screen_picture picture = look();
    assert_int_equal(picture.offset, SCREEN_TEXT_AT);
    assert_int_equal(picture.width, 640);
    assert_int_equal(picture.height, 400);
    assert_int_equal(picture.stride, 2560);
    assert_true(screen_valid(picture, SCREEN_AREA));
}

static void cells_are_drawn_in_their_colours(void **state) {
    (void)state;
    put_cell(2, 0x0741);
    put_cell(81, 0x1e42);
    put_cell(TEXT_CELLS - 1, 0x2fdb);
    look();
    assert_cell(2, 'A', GREY, 0);
    assert_cell(81, 'B', 0xffff55, 0x0000aa);
    assert_cell(TEXT_CELLS - 1, 0xdb, 0xffffff, 0x00aa00);
    assert_cell(1, 0, 0, 0);
}

static void cursor_is_drawn_and_goes(void **state) {
    (void)state;
    put_cell(0, 0x0741);
    put_cell(732, 0x0720);
    set_crtc(0x0e, 732 >> 8);
    set_crtc(0x0f, 732 & 0xff);
    pass_time();
    assert_int_equal(pixel(12 * 8, 9 * 16 + 13), GREY);
    assert_int_equal(pixel(12 * 8 + 7, 9 * 16 + 14), GREY);
    assert_int_equal(pixel(12 * 8, 9 * 16 + 12), 0);
    set_crtc(0x0a, 0x20);
    pass_time();
    assert_int_equal(pixel(12 * 8, 9 * 16 + 13), 0);
    assert_cell(0, 'A', GREY, 0);
}

static void start_and_pitch_scroll_and_wrap(void **state) {
    (void)state;
    set_crtc(0x0c, 0x3f);            /* 80 cells before the end of the text memory */
    set_crtc(0x0d, 0xb0);
    put_cell(0x3fb0, 0x0741);
    put_cell(0, 0x0742);             /* the row beyond the end is the first one */
    pass_time();
    assert_cell(0, 'A', GREY, 0);
    assert_cell(80, 'B', GREY, 0);
    set_crtc(0x13, 0);               /* each row is the first */
    pass_time();
    assert_cell(80, 'A', GREY, 0);
}

static void palette_and_blinking_change_all_cells(void **state) {
    (void)state;
    put_cell(5, 0x8741);             /* ground 8, or blinking */
    pass_time();
    assert_cell(5, 'A', GREY, 0);
    vm_fake_in(STATUS, 1);
    vm_fake_out(ATTRIBUTE, 1, 0x10);
    vm_fake_out(ATTRIBUTE, 1, 0x04);
    vm_fake_out(ATTRIBUTE, 1, 0x20);
    pass_time();
    assert_cell(5, 'A', GREY, 0x555555);
    vm_fake_out(0x3c8, 1, 7);
    for (unsigned i = 0; i < 3; i++)
        vm_fake_out(0x3c9, 1, i == 0 ? 0x3f : 0);
    pass_time();
    assert_cell(5, 'A', 0xff0000, 0x555555);
}

static void only_what_changed_is_drawn_and_turns_are_bounded(void **state) {
    (void)state;
    enum { BUDGET = 100 };
    unsigned turns = 1;
    while (text_draw(&vm->screen.text, &vm->screen.vga, vm->memory.part[0].base + LAYOUT_TEXT,
                     (uint32_t *)(void *)(vm->screen.link.out + SCREEN_TEXT_AT), BUDGET))
        turns++;
    assert_int_equal(turns, TEXT_CELLS / BUDGET);
    memset(vm->screen.link.out + SCREEN_TEXT_AT, 0x77, TEXT_PICTURE);
    put_cell(3, 0x0741);
    pass_time();
    assert_cell(3, 'A', GREY, 0);
    assert_int_equal(pixel(0, 32), 0x77777777);
}

/* ---- Linear pictures ---- */

static void linear_mode_is_the_framebuffer(void **state) {
    (void)state;
    look();
    memset(vm->screen.link.out, 0x55, DISPI_MEMORY);
    set_mode(800, 600, ON);
    struct screen_picture picture = look();
    assert_int_equal(picture.offset, 0);
    assert_int_equal(picture.width, 800);
    assert_int_equal(picture.height, 600);
    assert_int_equal(picture.stride, 3200);
    assert_int_equal(vm->screen.link.out[800 * 600 * 4 - 1], 0);     /* cleared, and no more */
    assert_int_equal(vm->screen.link.out[800 * 600 * 4], 0x55);
    set_mode(640, 480, ON | KEEP);
    set_dispi(VIRTUAL_WIDTH, 700);
    set_dispi(X, 3);
    set_dispi(Y, 5);
    assert_int_equal(get_dispi(VIRTUAL_HEIGHT), DISPI_MEMORY / 2800);
    picture = look();
    assert_int_equal(picture.offset, 5 * 2800 + 12);
    assert_int_equal(picture.stride, 2800);
    assert_int_equal(vm->screen.link.out[800 * 600 * 4], 0x55);
    set_dispi(ENABLE, 0);
    assert_int_equal(look().offset, SCREEN_TEXT_AT);
}

static void picture_outside_the_memory_is_none(void **state) {
    (void)state;
    static const uint16_t bad[][5] = {                   /* width, height, virtual width, x, y */
        { 1024, 769, 0, 0, 0 }, { 1024, 768, 0, 1, 0 }, { 1024, 768, 0, 0, 1 },
        { 0xffff, 0xffff, 0xffff, 0xffff, 0xffff }, { 0, 600, 0, 0, 0 }, { 800, 0, 0, 0, 0 },
        { 4097, 1, 0, 0, 0 }, { 1, 4097, 0, 0, 0 }, { 64, 64, 0x4000, 0, 0 },
        { 64, 64, 0xffff, 0xffff, 0xffff }, { 64, 64, 64, 0, 0xffff },
    };
    struct screen_picture picture;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_mode(64, 64, ON);
        assert_int_equal(look().width, 64);
        set_mode(bad[i][0], bad[i][1], ON);
        set_dispi(VIRTUAL_WIDTH, bad[i][2]);
        set_dispi(X, bad[i][3]);
        set_dispi(Y, bad[i][4]);
        pass_time();
        assert_true(told(&picture));
        assert_int_equal(picture.width, 0);
    }
}

static void other_depths_and_planes_and_darkness_show_nothing(void **state) {
    (void)state;
    set_mode(640, 480, ON);
    look();
    set_dispi(DEPTH, 16);
    assert_int_equal(look().width, 0);
    set_dispi(ENABLE, 0);
    assert_int_equal(look().width, 640);
    vm_fake_out(GRAPHICS, 2, 0x0506);
    assert_int_equal(look().width, 0);
    vm_fake_out(GRAPHICS, 2, 0x0e06);
    assert_int_equal(look().width, 640);
    vm_fake_in(STATUS, 1);
    vm_fake_out(ATTRIBUTE, 1, 0);
    assert_int_equal(look().width, 0);
}

static void display_interface_identifies_itself(void **state) {
    (void)state;
    assert_int_equal(get_dispi(0), 0xb0c5);
    set_dispi(0, 0xb0c2);
    assert_int_equal(get_dispi(0), 0xb0c2);
    set_dispi(0, 0x1234);
    assert_int_equal(get_dispi(0), 0xb0c2);
    assert_int_equal(get_dispi(MEMORY), 48);
    set_dispi(ENABLE, ASK_MOST);
    assert_int_equal(get_dispi(DEPTH), 32);
    assert_int_equal(get_dispi(WIDTH), SCREEN_SIDE_MOST);
    set_dispi(ENABLE, 0);
    assert_int_equal(get_dispi(WIDTH), 0);
    assert_int_equal(get_dispi(0xffff), 0);
    set_dispi(0xffff, 1);
}

/* ---- The PCI function ---- */

static void function_is_a_standard_vga(void **state) {
    (void)state;
    assert_int_equal(vm_fake_config_read(VGA, 0), 0x11111234);
    assert_int_equal(vm_fake_config_read(VGA, 8) >> 8, 0x030000);
    vm_fake_config_write(VGA, BAR0, 0xffffffff);
    assert_int_equal(vm_fake_config_read(VGA, BAR0), 0xffc00008);
    vm_fake_config_write(VGA, BAR2, 0xffffffff);
    assert_int_equal(vm_fake_config_read(VGA, BAR2), 0xfffff000);
}

static void framebuffer_goes_where_its_bar_says(void **state) {
    (void)state;
    assert_int_equal(vm_fake.framebuffer_at, LAYOUT_VGA_FRAMEBUFFER);
    vm_fake_config_write(VGA, BAR0, 0x80000000);
    assert_int_equal(vm_fake.framebuffer_at, 0x80000000);
    vm_fake_config_write(VGA, 4, 0);
    assert_int_equal(vm_fake.framebuffer_at, 0);
    vm_fake_config_write(VGA, BAR0, 0xe2000000);
    assert_int_equal(vm_fake.framebuffer_at, 0);
    vm_fake_config_write(VGA, 4, 3);
    assert_int_equal(vm_fake.framebuffer_at, 0xe2000000);
    devices_reset(vm);
    assert_int_equal(vm_fake.framebuffer_at, LAYOUT_VGA_FRAMEBUFFER);
}

static void framebuffer_never_covers_ram_apics_or_firmware(void **state) {
    (void)state;
    static const uint32_t bad[] = { 0, FAKE_RAM - 0x400000, 0xfec00000, 0xffc00000 };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vm_fake_config_write(VGA, BAR0, bad[i]);
        assert_int_equal(vm_fake.framebuffer_at, 0);
    }
    vm_fake_config_write(VGA, BAR0, 0xfe800000);
    assert_int_equal(vm_fake.framebuffer_at, 0xfe800000);
}

static void registers_are_in_a_bar_too(void **state) {
    (void)state;
    uint64_t bar = LAYOUT_VGA_REGISTERS;
    vm_fake_store(bar + 0x502, 2, 320);
    vm_fake_store(bar + 0x504, 2, 200);
    vm_fake_store(bar + 0x508, 2, ON);
    assert_int_equal(get_dispi(WIDTH), 320);
    assert_int_equal(vm_fake_load(bar + 0x500, 2), 0xb0c5);
    vm_fake_store(bar + 0x414, 2, 0x550f);
    vm_fake_out(CRTC, 1, 0x0f);
    assert_int_equal(vm_fake_in(CRTC + 1, 1), 0x55);
    assert_int_equal(vm_fake_load(bar + 0x415, 1), 0x55);
    assert_int_equal(vm_fake_load(bar, 4), 0);
    vm_fake_store(bar + 0x500, 4, 0xffffffff);
    vm_fake_store(bar + 0xffc, 4, 0xffffffff);
    assert_int_equal(look().width, 320);
}

/* ---- Registers of the VGA ---- */

static void files_keep_what_they_are_told(void **state) {
    (void)state;
    for (unsigned index = 0; index < 256; index++) {
        vm_fake_out(0x3c4, 2, index | 0xa500);
        vm_fake_out(GRAPHICS, 2, index | 0xa500);
        vm_fake_out(CRTC, 2, index | 0xa500);
        assert_int_equal(vm_fake_in(0x3c5, 1), 0xa5);
        assert_int_equal(vm_fake_in(0x3cf, 1), 0xa5);
    }
    assert_int_equal(vm_fake_in(0x3c4, 1), 7);
}

static void timing_is_protected_and_the_mono_ports_move(void **state) {
    (void)state;
    set_crtc(0, 0x11);               /* protected by bit 7 of register 0x11 */
    assert_int_equal(vm_fake_in(CRTC + 1, 1), 0x5f);
    set_crtc(0x11, 0);
    set_crtc(0, 0x11);
    assert_int_equal(vm_fake_in(CRTC + 1, 1), 0x11);
    assert_int_equal(vm_fake_in(0x3b5, 1), 0xff);
    vm_fake_out(0x3c2, 1, 0x66);
    assert_int_equal(vm_fake_in(CRTC + 1, 1), 0xff);
    assert_int_equal(vm_fake_in(0x3b5, 1), 0x11);
    assert_int_equal(vm_fake_in(0x3cc, 1), 0x66);
}

static void status_shows_both_edges(void **state) {
    (void)state;
    uint32_t first = vm_fake_in(STATUS, 1) & 8;
    assert_int_not_equal(vm_fake_in(STATUS, 1) & 8, first);
}

/* ---- Looks, and the seat ---- */

static void looks_are_few_and_none_without_need(void **state) {
    (void)state;
    look();
    uint64_t first = devices_screen_deadline(vm);
    assert_int_equal(first - vm_fake.now, vm->screen.period);
    for (unsigned i = 0; i < 40; i++)
        pass_time();
    assert_int_equal(devices_screen_deadline(vm) - vm_fake.now, 5 * vm->screen.period);
    unsigned kicks = vm_fake.io_kicks;
    set_crtc(0x0f, 7);
    set_crtc(0x0f, 8);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
    assert_int_equal(devices_screen_deadline(vm) - vm_fake.now, vm->screen.period);
    set_mode(64, 64, ON);
    look();
    assert_int_equal(devices_screen_deadline(vm), BH_FOREVER);
    kicks = vm_fake.io_kicks;
    set_dispi(Y, 1);
    set_dispi(Y, 2);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
    assert_true(devices_screen_deadline(vm) <= vm_fake.now + vm->screen.period);
}

static void new_seat_is_told_again(void **state) {
    (void)state;
    look();
    ring_open(&vm_fake.seat_peer, &vm_fake.seat.b, 3);
    for (unsigned i = 0; i < 3; i++) {
        devices_run(vm);
        ring_check(&vm_fake.seat_peer);
    }
    assert_int_equal(look().width, 640);
}

static void without_a_seat_there_are_no_looks(void **state) {
    (void)state;
    memset(vm_fake.seat_peer.own, 0, sizeof(struct ring_half));
    assert_false(devices_run(vm));
    assert_int_equal(devices_screen_deadline(vm), BH_FOREVER);
}

static void reset_clears_picture_and_mode(void **state) {
    (void)state;
    set_mode(64, 64, ON);
    look();
    vm->screen.link.out[0] = vm->screen.link.out[SCREEN_AREA - 1] = 0x55;
    devices_reset(vm);
    assert_int_equal(vm->screen.link.out[0] | vm->screen.link.out[SCREEN_AREA - 1], 0);
    assert_int_equal(look().offset, SCREEN_TEXT_AT);
}

static void vm_without_a_screen_has_no_vga(void **state) {
    (void)state;
    vm->screen.present = false;
    assert_int_equal(vm_fake_config_read(VGA, 0), 0xffffffff);
    assert_int_equal(vm_fake_in(0x3cc, 1), 0xff);
    assert_int_equal(vm_fake_in(DISPI + 1, 2), 0xffff);
    assert_int_equal(vm_fake_in(0x64, 1), 0xff);
    assert_int_equal(devices_screen_deadline(vm), BH_FOREVER);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(text_mode_is_shown_at_the_start),
        TEST(cells_are_drawn_in_their_colours),
        TEST(cursor_is_drawn_and_goes),
        TEST(start_and_pitch_scroll_and_wrap),
        TEST(palette_and_blinking_change_all_cells),
        TEST(only_what_changed_is_drawn_and_turns_are_bounded),
        TEST(linear_mode_is_the_framebuffer),
        TEST(picture_outside_the_memory_is_none),
        TEST(other_depths_and_planes_and_darkness_show_nothing),
        TEST(display_interface_identifies_itself),
        TEST(function_is_a_standard_vga),
        TEST(framebuffer_goes_where_its_bar_says),
        TEST(framebuffer_never_covers_ram_apics_or_firmware),
        TEST(registers_are_in_a_bar_too),
        TEST(files_keep_what_they_are_told),
        TEST(timing_is_protected_and_the_mono_ports_move),
        TEST(status_shows_both_edges),
        TEST(looks_are_few_and_none_without_need),
        TEST(new_seat_is_told_again),
        TEST(without_a_seat_there_are_no_looks),
        TEST(reset_clears_picture_and_mode),
        TEST(vm_without_a_screen_has_no_vga),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
