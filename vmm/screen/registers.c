/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the guest reaches the registers of VGA and display interface: by ports, and in a BAR.
 */
#include "vmm/screen/screen.h"

#include "lib/c/string.h"
#include "vmm/platform/layout.h"

enum register_place {                /* standard-vga.rst, "Memory / IO bar": offsets in the BAR */
    BAR_VGA = 0x400, BAR_VGA_END = 0x420, BAR_VGA_PORT = 0x3c0,
    BAR_DISPI = 0x500, BAR_DISPI_END = BAR_DISPI + 2 * DISPI_REGISTERS,
};

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* The picture may be another one: the next look comes a period after the last. */
static bool note_change(struct screen *screen) {
    uint64_t was = screen->next_look;
    screen->quiet = 0;
    screen->next_look = earlier(was, screen->last_look + screen->period);
    return screen->next_look != was;
}

static bool write_dispi(struct screen *screen, unsigned index, uint16_t value) {
    enum dispi_effect effect = dispi_write(&screen->dispi, index, value);
    if (effect == DISPI_CLEAR) {
        struct screen_picture picture = dispi_picture(&screen->dispi);
        memset(screen->link.out, 0, (size_t)picture.stride * picture.height);
    }
    return effect != DISPI_NOTHING && note_change(screen);
}

static bool is_dispi(uint16_t port, unsigned size) {
    return size == 2 && port >= DISPI_PORT_INDEX && port < DISPI_PORT_INDEX + DISPI_PORTS;
}

/* Wider accesses are the bytes of several registers, index and data mostly. */
static bool is_vga(uint16_t port, unsigned size) {
    return port_in_range(port, size, VGA_PORT_FIRST, VGA_PORTS);
}

static uint64_t read_vga(struct screen *screen, uint16_t port, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte;
        bool known = vga_read(&screen->vga, (uint16_t)(port + i), &byte);
        value |= (uint64_t)(known ? byte : 0xff) << (8 * i);
    }
    return value;
}

static bool write_vga(struct screen *screen, uint16_t port, unsigned size, uint64_t value) {
    bool any = false;
    for (unsigned i = 0; i < size; i++) {
        bool changed;
        vga_write(&screen->vga, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)), &changed);
        any |= changed;
    }
    return any && note_change(screen);
}

bool screen_read_port(struct screen *screen, uint16_t port, unsigned size, uint32_t *value) {
    if (!screen->present || !(is_dispi(port, size) || is_vga(port, size)))
        return false;
    if (!is_dispi(port, size))
        *value = (uint32_t)read_vga(screen, port, size);
    else
        *value = port == DISPI_PORT_INDEX ? screen->dispi.index
                                          : dispi_read(&screen->dispi, screen->dispi.index);
    return true;
}

bool screen_write_port(struct screen *screen, uint16_t port, unsigned size, uint32_t value,
                       bool *work) {
    *work = false;
    if (!screen->present || !(is_dispi(port, size) || is_vga(port, size)))
        return false;
    if (!is_dispi(port, size))
        *work = write_vga(screen, port, size, value);
    else if (port == DISPI_PORT_INDEX)
        screen->dispi.index = (uint16_t)value;
    else
        *work = write_dispi(screen, screen->dispi.index, (uint16_t)value);
    return true;
}

static bool in_vga(uint32_t offset, unsigned size) {
    return size <= 2 && offset >= BAR_VGA && offset + size <= BAR_VGA_END;
}

static bool in_dispi(uint32_t offset, unsigned size) {
    return size == 2 && offset % 2 == 0 && offset >= BAR_DISPI && offset < BAR_DISPI_END;
}

/* What isn't there reads as zero: no EDID, no extensions. */
uint64_t screen_read(struct screen *screen, uint32_t offset, unsigned size) {
    if (in_vga(offset, size))
        return read_vga(screen, (uint16_t)(offset - BAR_VGA + BAR_VGA_PORT), size);
    return in_dispi(offset, size) ? dispi_read(&screen->dispi, (offset - BAR_DISPI) / 2) : 0;
}

bool screen_write(struct screen *screen, uint32_t offset, unsigned size, uint64_t value) {
    if (in_vga(offset, size))
        return write_vga(screen, (uint16_t)(offset - BAR_VGA + BAR_VGA_PORT), size, value);
    return in_dispi(offset, size) &&
           write_dispi(screen, (offset - BAR_DISPI) / 2, (uint16_t)value);
}
