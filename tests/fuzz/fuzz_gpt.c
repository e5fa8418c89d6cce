/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arbitrary partition tables: whatever is found lies within the disk. The checksums are made right,
 * so that the input gets past them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/blockmux/gpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 65536, BLOCK = 512 };

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void mend(uint8_t *header, uint8_t *table) {
    uint32_t size, count, entry, crc;
    uint64_t lba;

    memcpy(header, "EFI PART", 8);
    memcpy(&size, header + 12, 4);
    memcpy(&lba, header + 72, 8);
    memcpy(&count, header + 80, 4);
    memcpy(&entry, header + 84, 4);
    if (lba < SIZE / BLOCK && (uint64_t)count * entry <= SIZE - lba * BLOCK) {
        crc = crc_of(table + lba * BLOCK, (size_t)count * entry);
        memcpy(header + 88, &crc, 4);
    }
    if (size <= BLOCK) {
        memset(header + 16, 0, 4);
        crc = crc_of(header, size);
        memcpy(header + 16, &crc, 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t table[SIZE];
    struct gpt_extent extent;
    uint64_t disk;

    if (size < 8)
        return 0;
    memcpy(&disk, data, 8);
    disk &= 0xffffffffffff;
    memset(table, 0, sizeof(table));
    memcpy(table + BLOCK, data + 8, size - 8 < SIZE - BLOCK ? size - 8 : SIZE - BLOCK);
    mend(table + BLOCK, table);
    for (int i = 0; i < 2; i++) {
        if (gpt_find(table, SIZE, BLOCK, disk, i == 0 ? "1" : "root", &extent) &&
            (extent.first > disk || extent.sectors > disk - extent.first))
            abort();
    }
    return 0;
}
