/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from numbers. The conversions are a subset of printf's: %s %c %d %u %x with the lengths
 * l, ll and z, a width, the flags '-' and '0', a precision for %s, and %%.
 */
#ifndef BULKHEAD_LIB_C_FORMAT_H
#define BULKHEAD_LIB_C_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both write at most `size` bytes, the terminating zero included, and answer the text's length
 * without it: cut texts answer size - 1. `size` is at least 1. */
size_t format_text(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t format_text_v(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Reads a decimal or 0x number that fills the whole text; false: it isn't one, or too large. */
bool parse_number(const char *text, uint64_t *value);

/* Reads "52:54:00:12:34:56". */
bool parse_mac(const char *text, uint8_t mac[6]);

#endif
