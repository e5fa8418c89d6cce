/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that become content of a plan: programs (static ELF64) and plain images. */
#ifndef TOOLS_BULKHEAD_IMAGE_H
#define TOOLS_BULKHEAD_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_SEGMENTS 8u

struct image_segment {
    uint64_t address;       /* page-aligned */
    uint64_t size;          /* in memory, page-aligned */
    uint32_t rights;        /* enum bh_rights */
    uint8_t *content;       /* from `address` on; of malloc */
    uint64_t content_size;
};

struct image {
    uint64_t entry;
    uint32_t count;
    struct image_segment segment[IMAGE_SEGMENTS];
};

/* Reads a whole file into malloc'ed memory; NULL when it can't. */
uint8_t *image_read_file(const char *path, uint64_t *size);

/* Takes a program apart; NULL on success, else what is wrong with it. The file may be anything. */
const char *image_load_program(const char *path, struct image *image);
void image_free(struct image *image);

#endif
