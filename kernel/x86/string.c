/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory functions by the string instructions, which the CPU does a cache line at a time. */
#include "core/string.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    void *cursor = to;
    size_t words = size / 8, bytes = size % 8;

    __asm__ volatile("rep movsq" : "+D"(cursor), "+S"(from), "+c"(words) :: "memory");
    __asm__ volatile("rep movsb" : "+D"(cursor), "+S"(from), "+c"(bytes) :: "memory");
    return to;
}

void *memset(void *to, int value, size_t size) {
    void *cursor = to;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    size_t words = size / 8, bytes = size % 8;

    __asm__ volatile("rep stosq" : "+D"(cursor), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(cursor), "+c"(bytes) : "a"(pattern) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const uint8_t *left = a, *right = b;

    for (size_t i = 0; i < size; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}
