/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation that succeeds or ends the tool with a message; texts made by format. */
#ifndef TOOLS_BULKHEAD_MEMORY_H
#define TOOLS_BULKHEAD_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

void *memory_zeroed(size_t count, size_t size);
void *memory_grown(void *old, size_t count, size_t size);
char *memory_text(const char *text);
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *memory_format_list(const char *format, va_list arguments);

#endif
