/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers: each access is one load or store of the given width, in program order with
 * every other volatile access. Ports need the compartment's I/O permission (manifest: PORTS).
 */
#ifndef BULKHEAD_LIB_MMIO_H
#define BULKHEAD_LIB_MMIO_H

#include <stdint.h>

static inline uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    return *(const volatile uint32_t *)((const volatile uint8_t *)base + offset);
}

static inline void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    *(volatile uint32_t *)((volatile uint8_t *)base + offset) = value;
}

static inline uint16_t mmio_read16(const volatile void *base, uint32_t offset) {
    return *(const volatile uint16_t *)((const volatile uint8_t *)base + offset);
}

static inline void mmio_write16(volatile void *base, uint32_t offset, uint16_t value) {
    *(volatile uint16_t *)((volatile uint8_t *)base + offset) = value;
}

static inline uint8_t mmio_read8(const volatile void *base, uint32_t offset) {
    return *((const volatile uint8_t *)base + offset);
}

static inline void mmio_write8(volatile void *base, uint32_t offset, uint8_t value) {
    *((volatile uint8_t *)base + offset) = value;
}

/* Orders what was written to memory before it against a doorbell written after it. x86 keeps the
 * order of stores to memory that is written back or uncached: the compiler alone must be told. */
static inline void mmio_publish(void) {
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline uint8_t port_read8(uint16_t port) {
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

#endif
