/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distinct types for the kinds of address that the kernel handles, so that none is taken for
 * another. Physical memory is touched through physical_at() only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct { uint64_t value; } paddr_t;    /* physical */
typedef struct { uint64_t value; } gpaddr_t;   /* guest-physical */

static inline paddr_t paddr(uint64_t value) { return (paddr_t){ value }; }
static inline paddr_t paddr_add(paddr_t base, uint64_t by) { return (paddr_t){ base.value + by }; }

/* Whether two ranges that don't overflow have anything in common. */
static inline bool ranges_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
    return a < b + b_size && b < a + a_size;
}

/* The kernel's own view of RAM, of the plan and of the device registers that it drives: a direct
 * map that no process, guest or device shares. Whoever calls vouches for [address, address +
 * size). */
void *physical_at(paddr_t address, uint64_t size);

/* The same for registers: uncached. To be called at boot only; the range stays mapped. */
volatile void *physical_registers(paddr_t address, uint64_t size);

/* Where a static object of the kernel lies. */
paddr_t image_physical(const void *object);
