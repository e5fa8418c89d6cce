/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few functions of C's <string.h> that programs use, with the standard's meaning. GCC itself
 * emits calls to the first four. Host builds get them from the host's libc.
 */
#ifndef BULKHEAD_LIB_C_STRING_H
#define BULKHEAD_LIB_C_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);

#endif
