/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What test guests share: ports, and words on COM1. They trust nobody and need no interrupts.
 */
#ifndef TESTS_GUESTS_GUEST_H
#define TESTS_GUESTS_GUEST_H

#include <stddef.h>
#include <stdint.h>

enum { COM1 = 0x3f8, LINE_STATUS = COM1 + 5, TRANSMIT_EMPTY = 1u << 5 };
enum { ZERO_PAGE_COMMAND_LINE = 0x228 };

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t in32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void say_byte(char byte) {
    while (!(in8(LINE_STATUS) & TRANSMIT_EMPTY)) {
    }
    out8(COM1, (uint8_t)byte);
}

static inline void say(const char *text) {
    for (; *text; text++)
        say_byte(*text);
}

static inline void say_line(const char *before, const char *what) {
    say(before);
    say(what);
    say("\n");
}

static inline void say_number(unsigned number) {
    if (number >= 10)
        say_number(number / 10);
    say_byte((char)('0' + number % 10));
}

/* The kernel's command line, or NULL. */
static inline const char *command_line(const uint8_t *zero_page) {
    uint32_t address = *(const volatile uint32_t *)(zero_page + ZERO_PAGE_COMMAND_LINE);
    return (const char *)(uintptr_t)address;
}

static inline int first_word_is(const char *line, const char *word) {
    for (; *word; word++, line++) {
        if (*line != *word)
            return 0;
    }
    return *line == '\0' || *line == ' ';
}

/* The one behind a word; NULL: there is none. */
static inline const char *next_word(const char *word) {
    while (*word != '\0' && *word != ' ')
        word++;
    while (*word == ' ')
        word++;
    return *word == '\0' ? NULL : word;
}

static inline void rest(void) {
    for (;;)
        __asm__ volatile("cli; hlt");
}

#endif
