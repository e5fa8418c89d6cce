/* SPDX-License-Identifier: BSD-2-Clause */
/* The partition table (services/blockmux/gpt.h). */
#include "services/blockmux/gpt.h"

#include "lib/c/format.h"
#include "lib/c/string.h"

enum {
    SECTOR       = 512,
    HEADER_BYTES = 92,             /* table 5-5 */
    HEADER_SIZE  = 12,
    HEADER_CRC   = 16,
    HEADER_LBA   = 24,
    ENTRIES_LBA  = 72,
    ENTRIES_COUNT = 80,
    ENTRIES_SIZE = 84,
    ENTRIES_CRC  = 88,
    ENTRY_BYTES  = 128,            /* table 5-6 */
    ENTRY_FIRST  = 32,
    ENTRY_LAST   = 40,
    ENTRY_NAME   = 56,
    NAME_UNITS   = 36,             /* UTF-16 */
};

/* What the header says, checked against the bytes that are there. */
struct table {
    const uint8_t *entries;
    uint32_t count;
    uint32_t entry_size;
};

static uint64_t number_at(const uint8_t *bytes, uint32_t width) {
    uint64_t value = 0;

    for (uint32_t i = 0; i < width; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static uint32_t crc_byte(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (unsigned bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    return crc;
}

/* The CRC of ISO 3309, with the four bytes at `hole` taken for zero. */
static uint32_t crc_of(const uint8_t *bytes, uint32_t size, uint32_t hole) {
    uint32_t crc = UINT32_MAX;

    for (uint32_t i = 0; i < size; i++)
        crc = crc_byte(crc, i >= hole && i < hole + 4 ? 0 : bytes[i]);
    return ~crc;
}

static bool header_valid(const uint8_t *header, uint32_t block) {
    uint64_t size = number_at(header + HEADER_SIZE, 4);

    return memcmp(header, "EFI PART", 8) == 0 && size >= HEADER_BYTES && size <= block &&
           number_at(header + HEADER_LBA, 8) == 1 &&
           crc_of(header, (uint32_t)size, HEADER_CRC) == number_at(header + HEADER_CRC, 4);
}

static bool open_table(const uint8_t *bytes, uint32_t size, uint32_t block, struct table *table) {
    const uint8_t *header = bytes + block;
    uint64_t lba, count, entry_size;

    if (block < SECTOR || size / 2 < block || !header_valid(header, block))
        return false;
    lba = number_at(header + ENTRIES_LBA, 8);
    count = number_at(header + ENTRIES_COUNT, 4);
    entry_size = number_at(header + ENTRIES_SIZE, 4);
    if (lba > size / block || entry_size < ENTRY_BYTES || entry_size > size ||
        count > (size - lba * block) / entry_size)
        return false;
    table->entries = bytes + lba * block;
    table->count = (uint32_t)count;
    table->entry_size = (uint32_t)entry_size;
    return crc_of(table->entries, (uint32_t)(count * entry_size), UINT32_MAX - 4) ==
           number_at(header + ENTRIES_CRC, 4);
}

static bool entry_used(const uint8_t *entry) {
    static const uint8_t unused[16];

    return memcmp(entry, unused, sizeof(unused)) != 0;
}

/* Names that aren't ASCII match nothing. */
static bool entry_named(const uint8_t *entry, const char *name) {
    for (uint32_t i = 0; i < NAME_UNITS; i++) {
        uint64_t unit = number_at(entry + ENTRY_NAME + 2 * i, 2);

        if (unit != (uint8_t)name[i] || unit > 0x7f)
            return false;
        if (unit == 0)
            return i > 0;
    }
    return name[NAME_UNITS] == 0;
}

static bool extent_of(const uint8_t *entry, uint32_t block, uint64_t disk_sectors,
                      struct gpt_extent *extent) {
    uint64_t first = number_at(entry + ENTRY_FIRST, 8);
    uint64_t last = number_at(entry + ENTRY_LAST, 8);
    uint64_t per_block = block / SECTOR;

    if (first == 0 || first > last || last >= disk_sectors / per_block)
        return false;
    extent->first = first * per_block;
    extent->sectors = (last - first + 1) * per_block;
    return true;
}

bool gpt_find(const uint8_t *bytes, uint32_t size, uint32_t block, uint64_t disk_sectors,
              const char *name, struct gpt_extent *extent) {
    struct table table;
    uint64_t number = 0;

    if (!open_table(bytes, size, block, &table))
        return false;
    parse_number(name, &number);
    for (uint32_t i = 0; i < table.count; i++) {
        const uint8_t *entry = table.entries + (uint64_t)i * table.entry_size;

        if (entry_used(entry) && (number == i + 1u || entry_named(entry, name)))
            return extent_of(entry, block, disk_sectors, extent);
    }
    return false;
}
