/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from numbers and back (lib/c/format.h). Pure; bounded by the caller's buffer. */
#include "lib/c/format.h"

#include "lib/c/string.h"

struct output {
    char  *text;
    size_t size;
    size_t length;
};

struct conversion {
    bool     left;
    char     pad;
    unsigned width;
    int      precision;   /* -1: none */
    unsigned longs;       /* how many of 'l', 'z' */
};

static void put(struct output *out, char c) {
    if (out->length + 1 < out->size)
        out->text[out->length++] = c;
}

static void put_padded(struct output *out, const struct conversion *how, const char *text,
                       size_t length) {
    size_t gap = how->width > length ? how->width - length : 0;

    for (size_t i = 0; i < gap && !how->left; i++)
        put(out, how->pad);
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    for (size_t i = 0; i < gap && how->left; i++)
        put(out, ' ');
}

static void put_number(struct output *out, struct conversion *how, uint64_t value, unsigned base,
                       bool negative) {
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative)
        digits[--at] = '-';
    put_padded(out, how, digits + at, sizeof(digits) - at);
}

static void put_string(struct output *out, const struct conversion *how, const char *text) {
    size_t most = how->precision < 0 ? SIZE_MAX : (size_t)how->precision;

    if (text == NULL)
        text = "(none)";
    put_padded(out, how, text, strnlen(text, most));
}

static const char *read_conversion(const char *format, struct conversion *how, va_list *arguments) {
    *how = (struct conversion){ .pad = ' ', .precision = -1 };
    for (; *format == '-' || *format == '0'; format++) {
        how->left |= *format == '-';
        how->pad = *format == '0' ? '0' : how->pad;
    }
    for (; *format >= '0' && *format <= '9'; format++)
        how->width = how->width * 10 + (unsigned)(*format - '0');
    if (format[0] == '.' && format[1] == '*') {
        how->precision = va_arg(*arguments, int);
        format += 2;
    } else if (format[0] == '.') {
        how->precision = 0;
        for (format++; *format >= '0' && *format <= '9'; format++)
            how->precision = how->precision * 10 + (*format - '0');
    }
    for (; *format == 'l' || *format == 'z'; format++)
        how->longs++;
    return format;
}

static uint64_t next_unsigned(const struct conversion *how, va_list *arguments) {
    return how->longs > 0 ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned);
}

static void put_signed(struct output *out, struct conversion *how, va_list *arguments) {
    int64_t value = how->longs > 0 ? va_arg(*arguments, long) : va_arg(*arguments, int);

    put_number(out, how, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, value < 0);
}

static void put_conversion(struct output *out, char kind, struct conversion *how,
                           va_list *arguments) {
    switch (kind) {
    case 's': put_string(out, how, va_arg(*arguments, const char *)); break;
    case 'c': put(out, (char)va_arg(*arguments, int)); break;
    case 'd': put_signed(out, how, arguments); break;
    case 'u': put_number(out, how, next_unsigned(how, arguments), 10, false); break;
    case 'x': put_number(out, how, next_unsigned(how, arguments), 16, false); break;
    default:  put(out, kind); break;
    }
}

size_t format_text_v(char *text, size_t size, const char *format, va_list arguments) {
    struct output out = { text, size, 0 };
    struct conversion how;
    va_list copy;

    va_copy(copy, arguments);
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        format = read_conversion(format + 1, &how, &copy);
        if (*format == 0)
            break;
        put_conversion(&out, *format, &how, &copy);
    }
    va_end(copy);
    text[out.length] = 0;
    return out.length;
}

size_t format_text(char *text, size_t size, const char *format, ...) {
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = format_text_v(text, size, format, arguments);
    va_end(arguments);
    return length;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

bool parse_number(const char *text, uint64_t *value) {
    bool hexadecimal = text[0] == '0' && text[1] == 'x';
    uint64_t base = hexadecimal ? 16 : 10;
    uint64_t sum = 0;

    text += hexadecimal ? 2 : 0;
    if (*text == 0)
        return false;
    for (; *text != 0; text++) {
        uint64_t digit = (uint64_t)digit_of(*text);

        if (digit >= base || sum > (UINT64_MAX - digit) / base)
            return false;
        sum = sum * base + digit;
    }
    *value = sum;
    return true;
}

bool parse_mac(const char *text, uint8_t mac[6]) {
    for (unsigned i = 0; i < 6; i++) {
        int high = digit_of(text[0]);
        int low = high < 16 ? digit_of(text[1]) : 16;

        if (low == 16 || text[2] != (i < 5 ? ':' : 0))
            return false;
        mac[i] = (uint8_t)(high * 16 + low);
        text += 3;
    }
    return true;
}
