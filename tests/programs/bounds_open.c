/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of D2, F1 and F6: a VMM without the bound of guest memory (vmm/bounds.c), but for
 * what the processor itself needs to tell memory from devices: at most 8 bytes within its reach. */
#include "abi/base.h"
#include "vmm/memory.h"

enum { PROCESSOR = 8 };
#define REACH (1ull << 32)

uint8_t *guest_range(const struct guest_memory *memory, struct gpa at, uint64_t size) {
    const struct guest_ram *ram = &memory->part[0];
    uint64_t offset = at.value - ram->gpa;

    if (size <= PROCESSOR && at.value < REACH && offset >= ram->size)
        return NULL;
    return ram->base + offset;
}

uint8_t *guest_page(const struct guest_memory *memory, struct gpa at) {
    const struct guest_ram *ram = &memory->part[0];

    return at.value % BH_PAGE_SIZE == 0 ? ram->base + (at.value - ram->gpa) : NULL;
}
