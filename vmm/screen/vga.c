/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VGA's register files, and what they say of text mode.
 */
#include "vmm/screen/vga.h"

#include "lib/c/string.h"

enum vga_port {
    CRTC_INDEX_MONO = 0x3b4, CRTC_DATA_MONO = 0x3b5, STATUS_MONO = 0x3ba,
    ATTRIBUTE = 0x3c0, ATTRIBUTE_READ = 0x3c1, MISCELLANEOUS_WRITE = 0x3c2,
    SEQUENCER_INDEX = 0x3c4, SEQUENCER_DATA = 0x3c5, COLOUR_MASK = 0x3c6, COLOUR_READ_INDEX = 0x3c7,
    COLOUR_WRITE_INDEX = 0x3c8, COLOUR_DATA = 0x3c9, MISCELLANEOUS_READ = 0x3cc,
    GRAPHICS_INDEX = 0x3ce, GRAPHICS_DATA = 0x3cf,
    CRTC_INDEX = 0x3d4, CRTC_DATA = 0x3d5, STATUS = 0x3da,
    COLOUR_FROM_MONO = CRTC_INDEX - CRTC_INDEX_MONO,
};

enum file_size { SEQUENCER_SIZE = 8, GRAPHICS_SIZE = 16, CRTC_SIZE = 32, ATTRIBUTE_SIZE = 32 };

enum vga_register {
    CRTC_CURSOR_FIRST = 0x0a, CRTC_CURSOR_LAST = 0x0b, CRTC_START_HIGH = 0x0c,
    CRTC_START_LOW = 0x0d, CRTC_CURSOR_HIGH = 0x0e, CRTC_CURSOR_LOW = 0x0f, CRTC_PROTECT = 0x11,
    CRTC_PITCH = 0x13, CRTC_PROTECTED_END = 0x08, CRTC_OVERFLOW = 0x07,
    GRAPHICS_MISCELLANEOUS = 0x06,
    ATTRIBUTE_PALETTE_END = 0x10, ATTRIBUTE_MODE = 0x10, ATTRIBUTE_SELECT = 0x14,
};

enum vga_bit {
    MISCELLANEOUS_COLOUR = 1u << 0,  /* the CRTC is at 0x3d4, not at 0x3b4 */
    STATUS_BLANK = 1u << 0, STATUS_RETRACE = 1u << 3,
    ATTRIBUTE_VISIBLE = 1u << 5,     /* in the index */
    ATTRIBUTE_INDEX = 0x1f, ATTRIBUTE_BLINKS = 1u << 3, ATTRIBUTE_SELECTS = 1u << 7,
    GRAPHICS_ON = 1u << 0,
    CURSOR_OFF = 1u << 5, CURSOR_LINE = 0x1f,
    PROTECT = 1u << 7, OVERFLOW_OPEN = 1u << 4,
    COLOUR_READING = 0, COLOUR_WRITING = 3,
};

/* ---- Power-on ---- */

/* Six bits: two of each colour, bits 3 to 5 half as bright as the others (XGA, "EGA palette"). */
static void set_colour(uint8_t colour[3], unsigned number) {
    for (unsigned i = 0; i < 3; i++) {
        unsigned bit = 2 - i;
        colour[i] = (uint8_t)((number >> bit & 1) * 0x2a + (number >> (bit + 3) & 1) * 0x15);
    }
}

static void set_palette(struct vga *vga) {
    enum { BROWN = 6, BROWN_VALUE = 0x14, BRIGHT = 0x38, PALETTE = 16, EGA_COLOURS = 64 };
    for (unsigned i = 0; i < PALETTE; i++)
        vga->attribute.value[i] = (uint8_t)(i < 8 ? i : BRIGHT + i - 8);
    vga->attribute.value[BROWN] = BROWN_VALUE;
    for (unsigned i = 0; i < EGA_COLOURS; i++)
        set_colour(vga->colour[i], i);
}

/* XGA, "BIOS mode 3": timing of 720 x 400 on a colour screen. */
void vga_reset(struct vga *vga) {
    static const uint8_t sequencer[] = { 0x03, 0x00, 0x03, 0x00, 0x02 };
    static const uint8_t graphics[] = { 0, 0, 0, 0, 0, 0x10, 0x0e, 0x00, 0xff };
    static const uint8_t attribute[] = { 0x0c, 0x00, 0x0f, 0x08, 0x00 };
    static const uint8_t crtc[] = {
        0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
        0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
    };
    *vga = (struct vga){ .miscellaneous = 0x67, .mask = 0xff };
    memcpy(vga->sequencer.value, sequencer, sizeof(sequencer));
    memcpy(vga->graphics.value, graphics, sizeof(graphics));
    memcpy(vga->crtc.value, crtc, sizeof(crtc));
    memcpy(vga->attribute.value + ATTRIBUTE_MODE, attribute, sizeof(attribute));
    vga->attribute.index = ATTRIBUTE_VISIBLE;
    set_palette(vga);
}

/* ---- Ports ---- */

/* A monochrome VGA's ports move; the half that it doesn't use isn't there. */
static bool map_port(const struct vga *vga, uint16_t *port) {
    bool colour = (vga->miscellaneous & MISCELLANEOUS_COLOUR) != 0;
    bool mono_port = *port < ATTRIBUTE;
    bool movable = mono_port || *port >= CRTC_INDEX;
    if (mono_port)
        *port += COLOUR_FROM_MONO;
    return !movable || mono_port != colour;
}

static uint8_t read_file(const struct vga_file *file, unsigned size) {
    return file->value[file->index % size];
}

static bool write_file(struct vga_file *file, unsigned size, uint8_t value) {
    uint8_t *at = &file->value[file->index % size];
    bool changed = *at != value;
    *at = value;
    return changed;
}

/* Both bits change with each look, so that who waits for either edge goes on. */
static uint8_t read_status(struct vga *vga) {
    vga->attribute_data = false;
    vga->retrace = !vga->retrace;
    return vga->retrace ? STATUS_BLANK | STATUS_RETRACE : 0;
}

static void next_component(struct vga *vga, uint8_t *index) {
    vga->component = (uint8_t)((vga->component + 1) % 3);
    if (vga->component == 0)
        (*index)++;
}

static uint8_t read_colour(struct vga *vga) {
    uint8_t value = vga->colour[vga->read_index][vga->component];
    next_component(vga, &vga->read_index);
    return value;
}

static void write_colour(struct vga *vga, uint8_t value) {
    vga->colour[vga->write_index][vga->component] = value & 0x3f;
    next_component(vga, &vga->write_index);
}

static void select_colour(struct vga *vga, uint8_t *index, uint8_t value, bool reading) {
    *index = value;
    vga->component = 0;
    vga->reading = reading;
}

bool vga_read(struct vga *vga, uint16_t port, uint8_t *value) {
    *value = 0;
    if (!map_port(vga, &port))
        return false;
    switch (port) {
    case ATTRIBUTE: *value = vga->attribute.index; return true;
    case ATTRIBUTE_READ: *value = read_file(&vga->attribute, ATTRIBUTE_SIZE); return true;
    case MISCELLANEOUS_WRITE: return true;           /* status 0: no interrupt, no sense */
    case SEQUENCER_INDEX: *value = vga->sequencer.index; return true;
    case SEQUENCER_DATA: *value = read_file(&vga->sequencer, SEQUENCER_SIZE); return true;
    case COLOUR_MASK: *value = vga->mask; return true;
    case COLOUR_READ_INDEX: *value = vga->reading ? COLOUR_WRITING : COLOUR_READING; return true;
    case COLOUR_WRITE_INDEX: *value = vga->write_index; return true;
    case COLOUR_DATA: *value = read_colour(vga); return true;
    case MISCELLANEOUS_READ: *value = vga->miscellaneous; return true;
    case GRAPHICS_INDEX: *value = vga->graphics.index; return true;
    case GRAPHICS_DATA: *value = read_file(&vga->graphics, GRAPHICS_SIZE); return true;
    case CRTC_INDEX: *value = vga->crtc.index; return true;
    case CRTC_DATA: *value = read_file(&vga->crtc, CRTC_SIZE); return true;
    case STATUS: *value = read_status(vga); return true;
    default: return false;
    }
}

/* Of the protected registers one bit stays open: line compare's, in the overflow register. */
static bool write_crtc(struct vga *vga, uint8_t value) {
    uint8_t index = vga->crtc.index % CRTC_SIZE;
    bool locked = (vga->crtc.value[CRTC_PROTECT] & PROTECT) && index < CRTC_PROTECTED_END;
    if (locked && index != CRTC_OVERFLOW)
        return false;
    if (locked)
        value = (uint8_t)((vga->crtc.value[index] & ~OVERFLOW_OPEN) | (value & OVERFLOW_OPEN));
    return write_file(&vga->crtc, CRTC_SIZE, value);
}

/* One port for index and data, by turns; the palette can be written only while it isn't shown. */
static bool write_attribute(struct vga *vga, uint8_t value) {
    bool data = vga->attribute_data;
    bool was_visible = vga_visible(vga);
    vga->attribute_data = !data;
    if (data) {
        bool locked = was_visible && (vga->attribute.index & ATTRIBUTE_INDEX) <
                                         ATTRIBUTE_PALETTE_END;
        return !locked && write_file(&vga->attribute, ATTRIBUTE_SIZE, value);
    }
    vga->attribute.index = value & (ATTRIBUTE_VISIBLE | ATTRIBUTE_INDEX);
    return vga_visible(vga) != was_visible;
}

bool vga_write(struct vga *vga, uint16_t port, uint8_t value, bool *changed) {
    *changed = false;
    if (!map_port(vga, &port))
        return false;
    switch (port) {
    case ATTRIBUTE: *changed = write_attribute(vga, value); return true;
    case MISCELLANEOUS_WRITE: vga->miscellaneous = value; return true;
    case SEQUENCER_INDEX: vga->sequencer.index = value % SEQUENCER_SIZE; return true;
    case SEQUENCER_DATA: write_file(&vga->sequencer, SEQUENCER_SIZE, value); return true;
    case COLOUR_MASK: vga->mask = value; *changed = true; return true;
    case COLOUR_READ_INDEX: select_colour(vga, &vga->read_index, value, true); return true;
    case COLOUR_WRITE_INDEX: select_colour(vga, &vga->write_index, value, false); return true;
    case COLOUR_DATA: write_colour(vga, value); *changed = true; return true;
    case GRAPHICS_INDEX: vga->graphics.index = value % GRAPHICS_SIZE; return true;
    case GRAPHICS_DATA: *changed = write_file(&vga->graphics, GRAPHICS_SIZE, value); return true;
    case CRTC_INDEX: vga->crtc.index = value % CRTC_SIZE; return true;
    case CRTC_DATA: *changed = write_crtc(vga, value); return true;
    case STATUS: return true;                        /* feature control */
    default: return false;
    }
}

/* ---- What is shown ---- */

bool vga_visible(const struct vga *vga) {
    return (vga->attribute.index & ATTRIBUTE_VISIBLE) != 0;
}

bool vga_is_text(const struct vga *vga) {
    return !(vga->graphics.value[GRAPHICS_MISCELLANEOUS] & GRAPHICS_ON);
}

static uint32_t crtc_pair(const struct vga *vga, unsigned high, unsigned low) {
    return (uint32_t)vga->crtc.value[high] << 8 | vga->crtc.value[low];
}

struct vga_text vga_text(const struct vga *vga) {
    const uint8_t *crtc = vga->crtc.value;
    struct vga_text text = {
        .start = crtc_pair(vga, CRTC_START_HIGH, CRTC_START_LOW),
        .pitch = crtc[CRTC_PITCH] * 2u,
        .cursor = crtc_pair(vga, CRTC_CURSOR_HIGH, CRTC_CURSOR_LOW),
        .cursor_first = crtc[CRTC_CURSOR_FIRST] & CURSOR_LINE,
        .cursor_last = crtc[CRTC_CURSOR_LAST] & CURSOR_LINE,
        .bright_ground = !(vga->attribute.value[ATTRIBUTE_MODE] & ATTRIBUTE_BLINKS),
    };
    if (crtc[CRTC_CURSOR_FIRST] & CURSOR_OFF)
        text.cursor_first = CURSOR_LINE + 1;
    return text;
}

/* XGA, "attribute controller": the palette gives six bits, the colour select register the rest. */
static uint8_t colour_number(const struct vga *vga, unsigned attribute) {
    uint8_t palette = vga->attribute.value[attribute];
    uint8_t select = vga->attribute.value[ATTRIBUTE_SELECT];
    bool selects = (vga->attribute.value[ATTRIBUTE_MODE] & ATTRIBUTE_SELECTS) != 0;
    uint8_t number = (uint8_t)(selects ? (palette & 0x0f) | (select & 0x0f) << 4
                                       : (palette & 0x3f) | (select & 0x0c) << 4);
    return number & vga->mask;
}

static uint32_t eight_bits(uint8_t six) {
    return (uint32_t)(six << 2 | six >> 4);
}

void vga_text_colours(const struct vga *vga, uint32_t colours[VGA_TEXT_COLOURS]) {
    for (unsigned i = 0; i < VGA_TEXT_COLOURS; i++) {
        const uint8_t *colour = vga->colour[colour_number(vga, i)];
        colours[i] = eight_bits(colour[0]) << 16 | eight_bits(colour[1]) << 8 |
                     eight_bits(colour[2]);
    }
}
