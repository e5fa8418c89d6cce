/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that paints on its screen what it likes. Its command line's first word says how:
 *   strip     a false strip at the top of its whole framebuffer, and a colour of its own below,
 *             again and again, as fast as it can
 *   absurd    first writes anything to each register of its screen and keyboard, many times; then
 *             the same picture
 *   beyond    shows parts that begin or end outside of its video memory
 * It says on COM1 when it begins to paint.
 */
#include "guest.h"

enum { WIDTH = 1024, HEIGHT = 768, STRIP = 32, ROUNDS = 20000 };
enum { STRIP_COLOUR = 0x18386c, LETTERS = 0xffffff, GREEN = 0x00ff00 };
enum { BAR_FRAMEBUFFER = 0x10, BAR_REGISTERS = 0x18, COMMAND = 0x04, DECODE = 3 };
#define VGA_ID 0x11111234u

/* Bochs, VBE display extensions. */
enum {
    DISPI_INDEX = 0x1ce, DISPI_DATA = 0x1cf, DISPI_WIDTH = 1, DISPI_HEIGHT = 2, DISPI_DEPTH = 3,
    DISPI_ENABLE = 4, DISPI_VIRTUAL_WIDTH = 6, DISPI_X = 8, DISPI_Y = 9, DISPI_REGISTERS = 16,
    DISPI_ON = 0x41,
};

enum { VGA_MISCELLANEOUS = 0x3c2, VGA_COLOUR = 0x67, VGA_STATUS = 0x3da, VGA_ATTRIBUTE = 0x3c0,
       VGA_FIRST = 0x3b0, VGA_PORTS = 0x30, VGA_VISIBLE = 0x20, VGA_BAR = 0x400 };
enum { KEYBOARD_DATA = 0x60, KEYBOARD_COMMAND = 0x64, PULSE_FIRST = 0xf0 };

void main(const uint8_t *zero_page);

static unsigned vga;                 /* its PCI device number */
static uint32_t framebuffer;
static uint32_t registers;
static uint64_t random_state = 1;

static uint32_t next_random(void) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(random_state >> 32);
}

static uint32_t config_read(unsigned device, unsigned offset) {
    out32(0xcf8, 0x80000000u | device << 11 | offset);
    return in32(0xcfc);
}

static void config_write(unsigned device, unsigned offset, uint32_t value) {
    out32(0xcf8, 0x80000000u | device << 11 | offset);
    out32(0xcfc, value);
}

static void find(void) {
    for (unsigned device = 1; device < 32; device++)
        if (config_read(device, 0) == VGA_ID)
            vga = device;
    framebuffer = config_read(vga, BAR_FRAMEBUFFER) & ~0xfu;
    registers = config_read(vga, BAR_REGISTERS) & ~0xfu;
}

static void set_dispi(uint16_t index, uint16_t value) {
    out16(DISPI_INDEX, index);
    out16(DISPI_DATA, value);
}

/* Whatever was written before. */
static void set_mode(void) {
    config_write(vga, BAR_FRAMEBUFFER, framebuffer);
    config_write(vga, BAR_REGISTERS, registers);
    config_write(vga, COMMAND, DECODE);
    out8(VGA_MISCELLANEOUS, VGA_COLOUR);
    in8(VGA_STATUS);
    out8(VGA_ATTRIBUTE, VGA_VISIBLE);
    set_dispi(DISPI_ENABLE, 0);
    set_dispi(DISPI_WIDTH, WIDTH);
    set_dispi(DISPI_HEIGHT, HEIGHT);
    set_dispi(DISPI_DEPTH, 32);
    set_dispi(DISPI_ENABLE, DISPI_ON);
}

/* Something like letters, light on dark. */
static uint32_t colour_at(uint32_t x, uint32_t y) {
    if (y >= STRIP)
        return GREEN;
    return x % 32 < 8 && y % 16 >= 8 ? LETTERS : STRIP_COLOUR;
}

static void paint(void) {
    volatile uint32_t *pixel = (volatile uint32_t *)(uintptr_t)framebuffer;
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            pixel[y * WIDTH + x] = colour_at(x, y);
}

static void paint_for_ever(void) {
    set_mode();
    paint();
    say("painter: painted\n");
    for (;;)
        paint();
}

/* ---- Absurd values ---- */

/* Not the controller's commands that pulse the reset line. */
static void confuse_keyboard(uint32_t value) {
    uint8_t command = (uint8_t)(value >> 8);
    out8(KEYBOARD_DATA, (uint8_t)value);
    out8(KEYBOARD_COMMAND, command < PULSE_FIRST ? command : 0);
    in8(KEYBOARD_DATA);
}

static void confuse_bar(uint32_t place, uint32_t value) {
    volatile uint8_t *bar = (volatile uint8_t *)(uintptr_t)registers;
    volatile uint16_t *word = (volatile uint16_t *)(uintptr_t)(registers + VGA_BAR);
    config_write(vga, BAR_REGISTERS, registers);
    config_write(vga, COMMAND, DECODE);
    bar[VGA_BAR + place % 32] = (uint8_t)value;
    word[place % 256] = (uint16_t)value;
}

static void confuse_once(void) {
    static const uint8_t places[] = { COMMAND, BAR_FRAMEBUFFER, BAR_REGISTERS, 0x30, 0x3c };
    uint32_t place = next_random(), value = next_random();
    set_dispi((uint16_t)(place % DISPI_REGISTERS), (uint16_t)value);
    out16((uint16_t)(VGA_FIRST + (place >> 8) % VGA_PORTS), (uint16_t)(value >> 8));
    out8((uint16_t)(VGA_FIRST + (place >> 16) % VGA_PORTS), (uint8_t)value);
    confuse_keyboard(value);
    config_write(vga, places[(place >> 24) % sizeof(places)], next_random());
    if (place % 4 == 0)
        confuse_bar(place >> 4, value >> 4);
}

static void absurd(void) {
    say("painter: writes anything to every register\n");
    for (unsigned i = 0; i < ROUNDS; i++)
        confuse_once();
    paint_for_ever();
}

/* ---- Beyond the video memory ---- */

static void pause(void) {
    for (volatile uint32_t i = 0; i < 5000000; i++) {
    }
}

/* Each one of these would be read beyond the area of pictures, if it were shown. */
static void beyond(void) {
    static const uint16_t views[][3] = {         /* virtual width, x, y */
        { WIDTH, 0, 1 }, { WIDTH, 0, 255 }, { WIDTH, 0, 256 }, { WIDTH, 0, 0xffff },
        { 16383, 0xffff, 0xffff }, { 0xffff, 0xffff, 0xffff }, { 16383, 0, 47 },
    };
    set_mode();
    paint();
    say("painter: painted\n");
    for (;;) {
        for (unsigned i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
            set_dispi(DISPI_VIRTUAL_WIDTH, views[i][0]);
            set_dispi(DISPI_X, views[i][1]);
            set_dispi(DISPI_Y, views[i][2]);
            pause();
        }
        say("painter: looked beyond\n");
    }
}

void main(const uint8_t *zero_page) {
    const char *line = command_line(zero_page);

    find();
    if (line && first_word_is(line, "strip"))
        paint_for_ever();
    if (line && first_word_is(line, "absurd"))
        absurd();
    if (line && first_word_is(line, "beyond"))
        beyond();
    rest();
}
