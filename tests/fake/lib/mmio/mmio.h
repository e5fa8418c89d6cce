/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers as host tests see them: the names of lib/mmio/mmio.h, which this file replaces
 * through the search path. The test that links it implements the device.
 */
#ifndef BULKHEAD_TESTS_FAKE_MMIO_H
#define BULKHEAD_TESTS_FAKE_MMIO_H

#include <stdint.h>

uint32_t mmio_read32(const volatile void *base, uint32_t offset);
void mmio_write32(volatile void *base, uint32_t offset, uint32_t value);
uint16_t mmio_read16(const volatile void *base, uint32_t offset);
void mmio_write16(volatile void *base, uint32_t offset, uint16_t value);
uint8_t mmio_read8(const volatile void *base, uint32_t offset);
void mmio_write8(volatile void *base, uint32_t offset, uint8_t value);

static inline void mmio_publish(void) {
}

#endif
