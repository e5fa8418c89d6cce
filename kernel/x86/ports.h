/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O port instructions (Intel SDM volume 1, chapter 19). Leaf functions, no state. */
#pragma once

#include <stdint.h>

static inline uint8_t port_in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}

static inline void port_out16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port));
}
