/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory: copies in and out, each within the bound (bounds.c).
 */
#include "vmm/memory.h"

#include "lib/c/string.h"

static const uint8_t *readable_range(const struct guest_memory *memory, struct gpa at,
                                     uint64_t size) {
    const struct guest_rom *rom = &memory->rom;
    uint64_t offset = at.value - rom->gpa;
    if (offset < rom->size && size <= rom->size - offset)
        return rom->base + offset;
    return guest_range(memory, at, size);
}

bool guest_read(const struct guest_memory *memory, struct gpa at, void *to, size_t size) {
    const uint8_t *from = readable_range(memory, at, size);
    if (!from)
        return false;
    memcpy(to, from, size);
    return true;
}

bool guest_write(const struct guest_memory *memory, struct gpa at, const void *from, size_t size) {
    uint8_t *to = guest_range(memory, at, size);
    if (!to)
        return false;
    memcpy(to, from, size);
    return true;
}

bool guest_load16(const struct guest_memory *memory, struct gpa at, uint16_t *value) {
    const uint8_t *from = guest_range(memory, at, sizeof(*value));
    if (!from || at.value % sizeof(*value) != 0)
        return false;
    *value = __atomic_load_n((const uint16_t *)(const void *)from, __ATOMIC_ACQUIRE);
    return true;
}

bool guest_load32(const struct guest_memory *memory, struct gpa at, uint32_t *value) {
    const uint8_t *from = guest_range(memory, at, sizeof(*value));
    if (!from || at.value % sizeof(*value) != 0)
        return false;
    *value = __atomic_load_n((const uint32_t *)(const void *)from, __ATOMIC_ACQUIRE);
    return true;
}

bool guest_load64(const struct guest_memory *memory, struct gpa at, uint64_t *value) {
    const uint8_t *from = guest_range(memory, at, sizeof(*value));
    if (!from || at.value % sizeof(*value) != 0)
        return false;
    *value = __atomic_load_n((const uint64_t *)(const void *)from, __ATOMIC_ACQUIRE);
    return true;
}
