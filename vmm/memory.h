/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory as the VMM reaches it: at most two RAM ranges of the guest, mapped in our process,
 * and the firmware's image, which is read-only for both. Every access names a guest-physical range
 * and is checked as a whole; what lies outside is refused. The guest writes this memory at any
 * time: read a value once, check it, then use it.
 */
#ifndef VMM_MEMORY_H
#define VMM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpa { uint64_t value; };   /* guest-physical */
struct gva { uint64_t value; };   /* guest-linear, the segment's base included */

#define GUEST_RAM_PARTS 2u

struct guest_ram {
    uint8_t *base;                /* where our process sees it */
    uint64_t gpa;
    uint64_t size;
};

struct guest_rom {
    const uint8_t *base;
    uint64_t gpa;
    uint64_t size;
};

struct guest_memory {
    struct guest_ram part[GUEST_RAM_PARTS];   /* size 0: absent */
    struct guest_rom rom;                     /* the same */
};

/* A piece of RAM that the guest named, as guest_range answered it. */
struct guest_buffer {
    uint8_t *bytes;               /* their content may change at any time */
    uint32_t size;
};

/* How far into the RAM, its parts one behind the other, what guest_range answered is. */
static inline uint64_t guest_offset(const struct guest_memory *memory, const uint8_t *bytes) {
    const struct guest_ram *low = &memory->part[0];
    uint64_t offset = (uint64_t)(bytes - low->base);
    return offset < low->size ? offset : low->size + (uint64_t)(bytes - memory->part[1].base);
}

/* The bytes [at, at + size) of one RAM part, or NULL when any of them is not RAM. size > 0. */
uint8_t *guest_range(const struct guest_memory *memory, struct gpa at, uint64_t size);

/* The page [at, at + 4 KiB), or NULL when it isn't RAM, or not a page. */
uint8_t *guest_page(const struct guest_memory *memory, struct gpa at);

/* Reads RAM or the firmware's image. */
bool guest_read(const struct guest_memory *memory, struct gpa at, void *to, size_t size);
bool guest_write(const struct guest_memory *memory, struct gpa at, const void *from, size_t size);

/* One aligned access each: what the guest stores meanwhile is seen whole or not at all. */
bool guest_load16(const struct guest_memory *memory, struct gpa at, uint16_t *value);
bool guest_load32(const struct guest_memory *memory, struct gpa at, uint32_t *value);
bool guest_load64(const struct guest_memory *memory, struct gpa at, uint64_t *value);

#endif
