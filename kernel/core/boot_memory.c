/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM at boot: a list of free ranges, from which everything is cut, first fit. Nothing comes
 * back, and nothing is cut after boot_memory_close().
 */
#include "core/boot_memory.h"

#include "core/log.h"
#include "core/string.h"

static struct ranges ram;              /* as the firmware reports it: for questions */
static struct ranges free_ranges;
static bool closed;

void boot_memory_add(uint64_t base, uint64_t size) {
    if (!ranges_add(&ram, base, size) || !ranges_add(&free_ranges, base, size))
        panic("memory: more than %u ranges of RAM, or overlapping ones", RANGES_MAX);
}

void boot_memory_reserve(uint64_t base, uint64_t size) {
    if (!ranges_remove(&free_ranges, base, size))
        panic("memory: more than %u free ranges", RANGES_MAX);
}

const struct ranges *boot_memory_ram(void) { return &ram; }

uint64_t boot_memory_total(void) { return ranges_total(&ram); }

uint64_t boot_memory_used(void) { return ranges_total(&ram) - ranges_total(&free_ranges); }

paddr_t boot_memory_take(uint64_t size, uint64_t alignment, const char *what) {
    uint64_t base;

    INVARIANT(!closed);
    if (!ranges_cut(&free_ranges, size, alignment, &base))
        panic("memory: %s needs %lu KiB in one piece; %lu KiB of %lu KiB are taken: give the "
              "machine more memory, or the plan less", what, size / 1024,
              boot_memory_used() / 1024, boot_memory_total() / 1024);
    memset(physical_at(paddr(base), size), 0, size);
    return paddr(base);
}

bool boot_memory_is_outside_ram(paddr_t base, uint64_t size) {
    return !ranges_touch(&ram, base.value, size);
}

void boot_memory_close(void) { closed = true; }

bool boot_memory_is_open(void) { return !closed; }
