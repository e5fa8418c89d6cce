/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest at its screen and keyboard, and a hostile seat: the input is a list of accesses
 * to the registers of VGA and display interface (by ports and in the BAR), to the keyboard
 * controller and to the function's configuration space, cells of text, messages of the seat, lies
 * in its half of the link, and turns of the I/O thread. Whatever comes, nothing but guest RAM and
 * the picture area is written (the sanitizers watch), each turn ends, looks are no closer than a
 * period, what the seat is told is a picture in the area or none, and the framebuffer lies in the
 * hole or nowhere.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 300, TURNS = 64, DISPI_ON = 0x41, DISPI_ENABLE = 4 };

static uint16_t take_port(struct input *in) {
    static const uint16_t ports[] = { 0x1ce, 0x1cf, 0x1d0, 0x3b4, 0x3ba, 0x3c0, 0x3c4, 0x3c8, 0x3cc,
                                      0x3ce, 0x3d4, 0x3da, 0x60, 0x64 };
    return (uint16_t)(ports[take(in, 1) % (sizeof(ports) / sizeof(ports[0]))] + take(in, 1) % 2);
}

static void set_dispi(uint16_t index, uint16_t value) {
    vm_fake_out(DISPI_PORT_INDEX, 2, index);
    vm_fake_out(DISPI_PORT_DATA, 2, value);
}

/* A mode that is likely to be one, so that what is near its limits is reached. */
static void set_mode(struct input *in) {
    set_dispi(DISPI_ENABLE, 0);
    for (unsigned i = 1; i < 3; i++)
        set_dispi((uint16_t)i, (uint16_t)(take(in, 1) * 8));
    set_dispi(DISPI_ENABLE, DISPI_ON | (uint16_t)take(in, 1));
    for (unsigned i = 6; i < 10; i++)
        if (take(in, 1) % 2)
            set_dispi((uint16_t)i, (uint16_t)take(in, 2));
}

static void use_bar(struct input *in) {
    uint64_t at = LAYOUT_VGA_REGISTERS + take(in, 2) % SCREEN_REGISTERS_SIZE;
    vm_fake_store(at, 1u << take(in, 1) % 4, take(in, 8));
    vm_fake_load(at, 1u << take(in, 1) % 4);
}

static void put_cells(struct input *in) {
    uint64_t at = LAYOUT_TEXT + take(in, 2);
    uint64_t cells = take(in, 8);
    vm_fake_poke(at, &cells, sizeof(cells));
}

static void seat_speaks(struct input *in) {
    struct ring_descriptor message = {
        .kind = (uint8_t)take(in, 1) % 5, .length = (uint16_t)take(in, 1),
        .offset = (uint32_t)take(in, 4), .extra = take(in, 8) };
    if (ring_space(&vm_fake.seat_peer) > 0)
        ring_put(&vm_fake.seat_peer, message);
    ring_flush(&vm_fake.seat_peer);
}

static void seat_lies(struct input *in) {
    uint32_t *half = (uint32_t *)(void *)vm_fake.seat_peer.own;
    half[take(in, 1) % 64] = (uint32_t)take(in, 4);
}

static void seat_begins_anew(struct input *in) {
    ring_open(&vm_fake.seat_peer, &vm_fake.seat.b, (uint32_t)take(in, 1) + 1);
    for (unsigned i = 0; i < 3; i++) {
        devices_run(&vm_fake.vm);
        ring_check(&vm_fake.seat_peer);
    }
}

/* What the seat is told, as any reader of the link may see it. */
static void seat_hears(void) {
    for (uint32_t n = ring_available(&vm_fake.seat_peer); n > 0; n--) {
        struct ring_descriptor message = ring_get(&vm_fake.seat_peer);
        struct screen_picture picture = screen_picture(message);
        if (message.kind != SCREEN_SHOW ||
            (picture.width != 0 && !screen_valid(picture, SCREEN_AREA)))
            abort();
        ring_done(&vm_fake.seat_peer, 1);
    }
    ring_flush(&vm_fake.seat_peer);
}

static void run_io(struct input *in) {
    const struct screen *screen = &vm_fake.vm.screen;
    vm_fake.now += take(in, 4);
    unsigned turns = 0;
    while (devices_run(&vm_fake.vm))
        if (++turns > TURNS)
            abort();
    devices_settle(&vm_fake.vm);
    if (ring_up(&screen->link) &&
        devices_screen_deadline(&vm_fake.vm) < screen->last_look + screen->period)
        abort();
}

static void check_framebuffer(void) {
    uint64_t at = vm_fake.framebuffer_at;
    if (at != vm_fake.vm.framebuffer_at ||
        (at != 0 && (at < FAKE_RAM || at + SCREEN_AREA - 1 > LAYOUT_HOLE_BARS_END)))
        abort();
}

static void step(struct input *in) {
    switch (take(in, 1) % 12) {
    case 0:
    case 1: vm_fake_out(take_port(in), 1u << take(in, 1) % 3, (uint32_t)take(in, 4)); break;
    case 2: vm_fake_in(take_port(in), 1u << take(in, 1) % 3); break;
    case 3: set_dispi((uint16_t)take(in, 1) % 16, (uint16_t)take(in, 2)); break;
    case 4: set_mode(in); break;
    case 5: use_bar(in); break;
    case 6: put_cells(in); break;
    case 7: vm_fake_config_write(LAYOUT_PCI_VGA, (unsigned)take(in, 1) % 64,
                                 (uint32_t)take(in, 4)); break;
    case 8: seat_speaks(in); break;
    case 9: seat_lies(in); break;
    case 10: seat_begins_anew(in); break;
    default: run_io(in); break;
    }
    seat_hears();
    check_framebuffer();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };
    vm_fake_make(1);
    vm_fake_use_screen();
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    vm_fake_free();
    return 0;
}
