/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting for the log. Trusts its caller's format, bounds everything by the buffer. */
#include "core/format.h"

#include <stdbool.h>

#define MAX_DIGITS 24u

struct output {
    char    *buffer;
    uint32_t size;
    uint32_t length;
};

struct directive {
    uint32_t width;
    bool     zeros;
    bool     is_long;
};

static void put(struct output *out, char c)
{
    if (out->length < out->size)
        out->buffer[out->length++] = c;
}

static void put_string(struct output *out, const char *text, const struct directive *d)
{
    uint32_t length = 0;

    for (; text[length] != 0 && length < out->size; length++)
        put(out, text[length] >= ' ' && text[length] <= '~' ? text[length] : '?');
    for (; length < d->width; length++)
        put(out, ' ');
}

static void put_number(struct output *out, uint64_t value, uint64_t radix, bool negative,
                       const struct directive *d)
{
    char digits[MAX_DIGITS];
    uint32_t count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % radix];
        value /= radix;
    } while (value != 0 && count < MAX_DIGITS - 1);
    if (negative)
        digits[count++] = '-';
    for (uint32_t i = count; i < d->width && i < MAX_DIGITS; i++)
        put(out, d->zeros ? '0' : ' ');
    while (count > 0)
        put(out, digits[--count]);
}

static void put_signed(struct output *out, int64_t value, const struct directive *d)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    put_number(out, magnitude, 10, value < 0, d);
}

static const char *read_directive(const char *at, struct directive *d)
{
    *d = (struct directive){ 0, false, false };
    if (*at == '0') {
        d->zeros = true;
        at++;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        d->width = d->width * 10 + (uint32_t)(*at - '0');
    for (; *at == 'l'; at++)
        d->is_long = true;
    return at;
}

uint32_t format_text(char *buffer, uint32_t size, const char *format, va_list arguments)
{
    struct output out = { buffer, size, 0 };
    struct directive d;

    for (const char *at = format; *at != 0; at++) {
        if (*at != '%') {
            put(&out, *at);
            continue;
        }
        at = read_directive(at + 1, &d);
        switch (*at) {
        case 's':
            put_string(&out, va_arg(arguments, const char *), &d);
            break;
        case 'c':
            put(&out, (char)va_arg(arguments, int));
            break;
        case 'd':
            put_signed(&out, d.is_long ? va_arg(arguments, long) : va_arg(arguments, int), &d);
            break;
        case 'u':
        case 'x':
            put_number(&out, d.is_long ? va_arg(arguments, unsigned long)
                                       : va_arg(arguments, unsigned),
                       *at == 'x' ? 16 : 10, false, &d);
            break;
        case 0:
            return out.length;
        default:
            put(&out, *at);
            break;
        }
    }
    return out.length;
}
