/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <string.h> for programs without a libc. Copies go by 16 bytes, long ones by 32 where the processor
 * can: frames and disk blocks are copied once by the switch and the VMM, and that copy is most of
 * what they cost.
 */
#include "lib/c/string.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t word __attribute__((may_alias, aligned(1)));
typedef uint32_t half __attribute__((may_alias, aligned(1)));
typedef long long wide __attribute__((vector_size(16), may_alias, aligned(1)));
typedef long long wider __attribute__((vector_size(32), may_alias, aligned(1)));

enum { ROUND = 1024 };                 /* bytes of a long copy between two looks at its end */

static void *copy_below_16(uint8_t *to, const uint8_t *from, size_t size) {
    if (size >= 8) {
        word first = *(const word *)from;
        word last = *(const word *)(from + size - 8);

        *(word *)to = first;
        *(word *)(to + size - 8) = last;
    } else if (size >= 4) {
        half first = *(const half *)from;
        half last = *(const half *)(from + size - 4);

        *(half *)to = first;
        *(half *)(to + size - 4) = last;
    } else if (size > 0) {
        uint8_t first = from[0], middle = from[size / 2], last = from[size - 1];

        to[0] = first;
        to[size / 2] = middle;
        to[size - 1] = last;
    }
    return to;
}

/* Whether there are AVX's registers, and the kernel saves them (APM volume 2, 11.5.2: XCR0). Its
 * own function, so that copies needn't keep what CPUID overwrites. */
static __attribute__((noinline)) bool find_avx(void) {
    enum { LEAF1_OSXSAVE = 1 << 27, LEAF1_AVX = 1 << 28, XCR0_SSE_AVX = 6 };
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if ((ecx & LEAF1_OSXSAVE) == 0 || (ecx & LEAF1_AVX) == 0)
        return false;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (eax & XCR0_SSE_AVX) == XCR0_SSE_AVX;
}

/* Asked once: CPUID is slow, in a virtual machine above all. Threads that ask at once find the same. */
static bool has_avx(void) {
    static enum { NOT_ASKED, ABSENT, PRESENT } answer;

    if (__atomic_load_n(&answer, __ATOMIC_RELAXED) == NOT_ASKED)
        __atomic_store_n(&answer, find_avx() ? PRESENT : ABSENT, __ATOMIC_RELAXED);
    return __atomic_load_n(&answer, __ATOMIC_RELAXED) == PRESENT;
}

/* Forwards, as many whole rounds as there are; how many bytes they were. */
__attribute__((target("avx")))
static size_t copy_rounds(uint8_t *to, const uint8_t *from, size_t size) {
    size_t whole = size / ROUND * ROUND;

    for (const uint8_t *end = from + whole; from < end; from += ROUND, to += ROUND) {
#pragma GCC unroll 32
        for (size_t i = 0; i < ROUND; i += sizeof(wider))
            *(wider *)(to + i) = *(const wider *)(from + i);
    }
    return whole;
}

/* Forwards; the last 16 bytes were loaded first, so that it serves an overlap from above, too. */
static void *copy_up(uint8_t *to, const uint8_t *from, size_t size) {
    wide tail = *(const wide *)(from + size - 16);
    size_t at = size >= ROUND && has_avx() ? copy_rounds(to, from, size) : 0;

    if (at == size)
        return to;
    for (; at + 64 < size; at += 64) {
        wide a = *(const wide *)(from + at), b = *(const wide *)(from + at + 16);
        wide c = *(const wide *)(from + at + 32), d = *(const wide *)(from + at + 48);

        *(wide *)(to + at) = a;
        *(wide *)(to + at + 16) = b;
        *(wide *)(to + at + 32) = c;
        *(wide *)(to + at + 48) = d;
    }
    for (; at + 16 < size; at += 16)
        *(wide *)(to + at) = *(const wide *)(from + at);
    *(wide *)(to + size - 16) = tail;
    return to;
}

static void *copy_down(uint8_t *to, const uint8_t *from, size_t size) {
    wide head = *(const wide *)from;
    size_t left = size;

    for (; left > 16; left -= 16)
        *(wide *)(to + left - 16) = *(const wide *)(from + left - 16);
    *(wide *)to = head;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    return size < 16 ? copy_below_16(to, from, size) : copy_up(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
    if (size < 16)
        return copy_below_16(to, from, size);
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return copy_up(to, from, size);
    return copy_down(to, from, size);
}

void *memset(void *to, int byte, size_t size) {
    uint8_t *bytes = to;
    size_t at = 0;

    for (; at + 8 <= size; at += 8)
        *(word *)(bytes + at) = 0x0101010101010101ull * (uint8_t)byte;
    for (; at < size; at++)
        bytes[at] = (uint8_t)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const uint8_t *left = a, *right = b;

    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i])
            return left[i] - right[i];
    }
    return 0;
}

size_t strnlen(const char *text, size_t size) {
    size_t length = 0;

    while (length < size && text[length] != 0)
        length++;
    return length;
}

size_t strlen(const char *text) {
    return strnlen(text, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i] || a[i] == 0)
            return (uint8_t)a[i] - (uint8_t)b[i];
    }
    return 0;
}

int strcmp(const char *a, const char *b) {
    return strncmp(a, b, SIZE_MAX);
}
