/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting for the log. Trusts its caller's format, bounds everything by the buffer. */
#include "core/log.h"

#define MAX_DIGITS 24u

struct output {
    char    *buffer;
    uint32_t size;
    uint32_t length;
};

struct directive {
    uint32_t width;
    char     filler;
    bool     is_long;
};

static void put(struct output *out, char c) {
    if (out->length < out->size)
        out->buffer[out->length++] = c;
}

static void put_string(struct output *out, const char *text) {
    for (uint32_t i = 0; text[i] != 0 && i < out->size; i++)
        put(out, text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
}

static void put_number(struct output *out, uint64_t value, uint64_t radix, struct directive d) {
    char digits[MAX_DIGITS];
    uint32_t count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % radix];
        value /= radix;
    } while (value != 0);
    for (uint32_t i = count; i < d.width && i < MAX_DIGITS; i++)
        put(out, d.filler);
    while (count > 0)
        put(out, digits[--count]);
}

static struct directive read_directive(const char **at) {
    struct directive d = { 0, ' ', false };

    if (**at == '0')
        d.filler = *(*at)++;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        d.width = d.width * 10 + (uint32_t)(**at - '0');
    for (; **at == 'l'; (*at)++)
        d.is_long = true;
    return d;
}

uint32_t format_text(char *buffer, uint32_t size, const char *format, va_list arguments) {
    struct output out = { buffer, size, 0 };

    for (const char *at = format; *at != 0; at++) {
        if (*at != '%') {
            put(&out, *at);
            continue;
        }
        at++;
        struct directive d = read_directive(&at);
        switch (*at) {
        case 's':
            put_string(&out, va_arg(arguments, const char *));
            break;
        case 'u':
        case 'x':
            put_number(&out, d.is_long ? va_arg(arguments, unsigned long)
                                       : va_arg(arguments, unsigned),
                       *at == 'x' ? 16 : 10, d);
            break;
        default:
            return out.length;
        }
    }
    return out.length;
}
