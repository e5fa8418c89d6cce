/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bound of every access to guest memory. Trusts nobody's addresses. A file of its own, so that
 * the red team's control can be built without it.
 */
#include "abi/base.h"
#include "vmm/memory.h"

uint8_t *guest_range(const struct guest_memory *memory, struct gpa at, uint64_t size) {
    for (unsigned i = 0; i < GUEST_RAM_PARTS; i++) {
        const struct guest_ram *ram = &memory->part[i];
        uint64_t offset = at.value - ram->gpa;
        if (offset < ram->size && size <= ram->size - offset)
            return ram->base + offset;
    }
    return NULL;
}

/* Parts begin and end with pages. */
uint8_t *guest_page(const struct guest_memory *memory, struct gpa at) {
    uint64_t low = at.value - memory->part[0].gpa;
    uint64_t high = at.value - memory->part[1].gpa;
    if (at.value % BH_PAGE_SIZE != 0)
        return NULL;
    if (low < memory->part[0].size)
        return memory->part[0].base + low;
    return high < memory->part[1].size ? memory->part[1].base + high : NULL;
}
