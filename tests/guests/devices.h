/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device memory and PCI functions, for test guests that drive their devices by hand. Trusts nobody.
 */
#ifndef TESTS_GUESTS_DEVICES_H
#define TESTS_GUESTS_DEVICES_H

#include "guest.h"

#define FAR (1ull << 39)             /* below what the processor can address, above all RAM */

static inline volatile uint8_t *device_memory(uint64_t at) {
    return (volatile uint8_t *)(uintptr_t)at;
}

static inline uint64_t address_of(const volatile void *at) { return (uintptr_t)at; }

/* What was stored before is in memory when the device gets it. */
static inline void write32(volatile uint8_t *at, uint32_t value) {
    __asm__ volatile("movl %1, %0" : "=m"(*(volatile uint32_t *)at) : "r"(value) : "memory");
}

static inline void write16(volatile uint8_t *at, uint16_t value) {
    __asm__ volatile("movw %1, %0" : "=m"(*(volatile uint16_t *)at) : "r"(value) : "memory");
}

static inline void write64(volatile uint8_t *at, uint64_t value) {
    write32(at, (uint32_t)value);
    write32(at + 4, (uint32_t)(value >> 32));
}

static inline uint32_t read32(volatile uint8_t *at) { return *(volatile uint32_t *)at; }

static inline void pause(void) { __asm__ volatile("pause"); }

uint32_t config_read(unsigned device, unsigned offset);
void config_write(unsigned device, unsigned offset, uint32_t value);

/* A device's number, with its bus mastering switched on; 0: there is none. */
unsigned find_device(uint32_t id);

uint32_t bar(unsigned device, unsigned number);

#endif
