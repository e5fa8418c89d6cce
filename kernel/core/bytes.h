/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that somebody else wrote, such as the firmware's tables. Whatever lengths and offsets they
 * tell, nothing beyond their end is read.
 */
#pragma once

#include <stdint.h>

struct bytes { const uint8_t *at; uint32_t length; };

/* The little-endian number of `width` bytes; zero when it isn't wholly there. */
static inline uint64_t bytes_number(struct bytes from, uint32_t offset, uint32_t width) {
    uint64_t value = 0;
    if (offset > from.length || width > from.length - offset)
        return 0;
    for (uint32_t i = 0; i < width; i++)
        value |= (uint64_t)from.at[offset + i] << 8 * i;
    return value;
}

/* The first or next of structures that follow each other up to the end of `all`: `length` bytes at
 * *offset, which moves behind them. One that is shorter than `shortest` or longer than what is left
 * has length 0. */
static inline struct bytes bytes_next(struct bytes all, uint32_t *offset, uint64_t length,
                                      uint32_t shortest) {
    struct bytes part = { 0, 0 };
    if (*offset > all.length || length > all.length - *offset || length < shortest)
        return part;
    part = (struct bytes){ all.at + *offset, (uint32_t)length };
    *offset += part.length;
    return part;
}
