/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation that succeeds or ends the tool. See memory.h. */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *memory) {
    if (memory == NULL) {
        fputs("bulkhead: out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

void *memory_zeroed(size_t count, size_t size) {
    return or_die(calloc(count > 0 ? count : 1, size));
}

void *memory_grown(void *old, size_t count, size_t size) {
    return or_die(reallocarray(old, count, size));
}

char *memory_text(const char *text) {
    return or_die(strdup(text));
}

char *memory_format_list(const char *format, va_list arguments) {
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    return or_die(text);
}

char *memory_format(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    char *text = memory_format_list(format, arguments);
    va_end(arguments);
    return text;
}
