/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM is handed out at boot only, in one direction; after boot_memory_close() a request is an
 * invariant violation. There is nothing to free.
 */
#pragma once

#include "core/address.h"
#include "core/boot_ranges.h"

/* What there is, and what isn't free of it (the kernel, the plan, the loader's data). */
void boot_memory_add(uint64_t base, uint64_t size);
void boot_memory_reserve(uint64_t base, uint64_t size);
const struct ranges *boot_memory_ram(void);
uint64_t boot_memory_total(void);
uint64_t boot_memory_used(void);

/* Zeroed RAM, aligned (a multiple of the page). Stops the boot with the name of `what` and the
 * sizes needed and found when there is none left. */
paddr_t boot_memory_take(uint64_t size, uint64_t alignment, const char *what);

/* Is [base, base + size) free of RAM that the firmware reports usable or that the kernel uses? For
 * register and BAR ranges. */
bool boot_memory_is_outside_ram(paddr_t base, uint64_t size);

void boot_memory_close(void);
bool boot_memory_is_open(void);
