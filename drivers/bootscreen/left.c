/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot loader told, against what the device has (drivers/bootscreen/left.h). Pure. */
#include "drivers/bootscreen/left.h"

enum bar_bits {                     /* PCI Local Bus 3.0, 6.2.5.1 */
    BAR_TYPE_MASK = 3u << 1, BAR_TYPE_64 = 2u << 1, BAR_FLAGS = 0xf,
};

enum told {                         /* Multiboot 2, 3.6.12 */
    TOLD_RGB = 1, BLUE_AT = 0, GREEN_AT = 8, RED_AT = 16, COLOUR_BITS = 8,
};

uint64_t left_bar_address(uint32_t low, uint32_t high) {
    bool wide = (low & BAR_TYPE_MASK) == BAR_TYPE_64;

    return (low & ~(uint32_t)BAR_FLAGS) | (wide ? (uint64_t)high << 32 : 0);
}

static bool pixel_is_ours(const struct bh_framebuffer *told) {
    return told->type == TOLD_RGB && told->bits == 8 * SCREEN_PIXEL &&
           told->blue_at == BLUE_AT && told->green_at == GREEN_AT && told->red_at == RED_AT &&
           told->blue_bits == COLOUR_BITS && told->green_bits == COLOUR_BITS &&
           told->red_bits == COLOUR_BITS;
}

static bool size_is_good(const struct bh_framebuffer *told) {
    return told->width > 0 && told->width <= SCREEN_SIDE_MOST && told->height > 0 &&
           told->height <= SCREEN_SIDE_MOST && told->pitch % SCREEN_PIXEL == 0 &&
           told->pitch >= told->width * SCREEN_PIXEL;
}

const char *left_take(const struct bh_framebuffer *told, struct left_memory memory,
                      struct display *display) {
    uint64_t bytes = (uint64_t)told->pitch * told->height;

    if (told->address == 0)
        return "the boot loader left no framebuffer: boot by GRUB (an ISO image) on a machine with "
               "a display";
    if (!size_is_good(told) || !pixel_is_ours(told))
        return "the boot loader's mode isn't one of 32 bits a pixel, blue lowest: choose such a one "
               "(GRUB: gfxmode)";
    if (told->address < memory.base || !ring_inside(told->address - memory.base, bytes, memory.size))
        return "the framebuffer doesn't lie in region \"framebuffer\": grant the whole of that BAR of the display";
    display->framebuffer = memory.bytes + (told->address - memory.base);
    display->width = told->width;
    display->height = told->height;
    display->pitch = told->pitch;
    return NULL;
}
