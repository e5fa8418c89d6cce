/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The display interface's registers.
 */
#include "vmm/screen/dispi.h"

enum dispi_register {
    DISPI_ID = 0, DISPI_WIDTH = 1, DISPI_HEIGHT = 2, DISPI_DEPTH = 3, DISPI_ENABLE = 4,
    DISPI_BANK = 5, DISPI_VIRTUAL_WIDTH = 6, DISPI_VIRTUAL_HEIGHT = 7, DISPI_X = 8, DISPI_Y = 9,
    DISPI_MEMORY_SIZE = 10,
};

enum dispi_value {
    ID_FIRST = 0xb0c0, ID_LAST = 0xb0c5,
    ENABLED = 1u << 0, ASK_MOST = 1u << 1, KEEP_MEMORY = 1u << 7,
    DEPTH = 32, MEMORY_UNIT = 64 << 10,
};

void dispi_reset(struct dispi *dispi) {
    *dispi = (struct dispi){ .value = { [DISPI_ID] = ID_LAST, [DISPI_DEPTH] = DEPTH } };
}

bool dispi_enabled(const struct dispi *dispi) {
    return (dispi->value[DISPI_ENABLE] & ENABLED) != 0;
}

/* While it is asked for, what would be the most is read instead of what is. */
static uint16_t most(const struct dispi *dispi, unsigned index) {
    switch (index) {
    case DISPI_WIDTH:
    case DISPI_HEIGHT: return SCREEN_SIDE_MOST;
    case DISPI_DEPTH: return DEPTH;
    default: return dispi->value[index];
    }
}

/* As many lines as the memory holds. */
static uint16_t virtual_height(const struct dispi *dispi) {
    uint32_t line = dispi->value[DISPI_VIRTUAL_WIDTH] * SCREEN_PIXEL;
    uint32_t lines = line == 0 ? 0 : DISPI_MEMORY / line;
    return (uint16_t)(lines < UINT16_MAX ? lines : UINT16_MAX);
}

uint16_t dispi_read(const struct dispi *dispi, unsigned index) {
    if (index >= DISPI_REGISTERS)
        return 0;
    if (index == DISPI_MEMORY_SIZE)
        return DISPI_MEMORY / MEMORY_UNIT;
    if (index == DISPI_VIRTUAL_HEIGHT)
        return virtual_height(dispi);
    return dispi->value[DISPI_ENABLE] & ASK_MOST ? most(dispi, index) : dispi->value[index];
}

/* A line in the memory is never shorter than what is shown of it. */
static void widen(struct dispi *dispi) {
    if (dispi->value[DISPI_VIRTUAL_WIDTH] < dispi->value[DISPI_WIDTH])
        dispi->value[DISPI_VIRTUAL_WIDTH] = dispi->value[DISPI_WIDTH];
}

static enum dispi_effect write_enable(struct dispi *dispi, uint16_t value) {
    bool was = dispi_enabled(dispi);
    dispi->value[DISPI_ENABLE] = value;
    if (was || !dispi_enabled(dispi))
        return DISPI_CHANGED;
    dispi->value[DISPI_VIRTUAL_WIDTH] = dispi->value[DISPI_WIDTH];
    dispi->value[DISPI_X] = dispi->value[DISPI_Y] = 0;
    return value & KEEP_MEMORY ? DISPI_CHANGED : DISPI_CLEAR;
}

enum dispi_effect dispi_write(struct dispi *dispi, unsigned index, uint16_t value) {
    switch (index) {
    case DISPI_ID:
        if (value >= ID_FIRST && value <= ID_LAST)
            dispi->value[DISPI_ID] = value;
        return DISPI_NOTHING;
    case DISPI_ENABLE: return write_enable(dispi, value);
    case DISPI_BANK: dispi->value[DISPI_BANK] = value; return DISPI_NOTHING;
    case DISPI_WIDTH:
    case DISPI_HEIGHT:
    case DISPI_DEPTH:
    case DISPI_VIRTUAL_WIDTH:
    case DISPI_X:
    case DISPI_Y:
        dispi->value[index] = value;
        widen(dispi);
        return DISPI_CHANGED;
    default: return DISPI_NOTHING;
    }
}

struct screen_picture dispi_picture(const struct dispi *dispi) {
    const uint16_t *value = dispi->value;
    uint64_t first = (uint64_t)value[DISPI_Y] * value[DISPI_VIRTUAL_WIDTH] + value[DISPI_X];
    struct screen_picture picture = {
        .offset = (uint32_t)(first * SCREEN_PIXEL), .width = value[DISPI_WIDTH],
        .height = value[DISPI_HEIGHT], .stride = value[DISPI_VIRTUAL_WIDTH] * SCREEN_PIXEL,
    };
    bool fits = first <= DISPI_MEMORY / SCREEN_PIXEL && screen_valid(picture, DISPI_MEMORY);
    return fits && value[DISPI_DEPTH] == DEPTH ? picture : (struct screen_picture){ 0 };
}
