/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition table at the beginning of a disk. Pure; the bytes are hostile. Reference: UEFI
 * Specification 2.9, section 5.3.
 */
#ifndef BULKHEAD_SERVICES_BLOCKMUX_GPT_H
#define BULKHEAD_SERVICES_BLOCKMUX_GPT_H

#include <stdbool.h>
#include <stdint.h>

/* Where a partition is, in sectors of 512 bytes. */
struct gpt_extent {
    uint64_t first;
    uint64_t sectors;
};

/* The partition of that name (or number, "1" the first) in the table whose disk begins with `bytes`;
 * `block`: the disk's block size. False: no valid table, no such partition, or one that isn't within
 * the disk. */
bool gpt_find(const uint8_t *bytes, uint32_t size, uint32_t block, uint64_t disk_sectors,
              const char *name, struct gpt_extent *extent);

#endif
