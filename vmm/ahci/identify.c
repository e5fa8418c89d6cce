/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the drives say of themselves (ACS, "IDENTIFY DEVICE", "IDENTIFY PACKET DEVICE"). Words whose
 * meaning isn't named here have none that a drive would need.
 */
#include "vmm/ahci/parts.h"

#include "lib/c/string.h"

struct word { uint16_t number; uint16_t value; };

static const struct word common_words[] = {
    { 49, 0x0f00 },                  /* DMA, LBA, IORDY */
    { 53, 0x0006 },                  /* words 64 to 70 and 88 are valid */
    { 63, 0x0007 },                  /* multiword DMA 0 to 2 */
    { 64, 0x0003 },                  /* PIO 3 and 4 */
    { 65, 120 }, { 66, 120 }, { 67, 120 }, { 68, 120 },   /* cycle times in ns */
    { 80, 0x01f0 },                  /* ATA/ATAPI-4 to ATA8-ACS */
    { 88, 0x007f },                  /* Ultra DMA 0 to 6 */
};

static const struct word disk_words[] = {
    { 0, 0x0040 },                   /* an ATA drive, not removable */
    { 3, 16 }, { 6, 63 },            /* heads, sectors of a track */
    { 47, 0x8000 | AHCI_MULTIPLE },
    { 50, 0x4000 },
    { 75, AHCI_SLOTS - 1 },          /* queue depth - 1 */
    { 76, 0x0106 },                  /* native queuing, 1.5 and 3 Gbit/s */
    { 82, 0x4060 }, { 85, 0x4060 },  /* NOP, read-ahead, write cache; and what is on */
    { 83, 0x7400 }, { 86, 0x3400 },  /* FLUSH CACHE (EXT), 48-bit addresses */
    { 84, 0x4020 }, { 87, 0x4020 },  /* general purpose logs */
    { 217, 0x0001 },                 /* doesn't rotate */
};

static const struct word cdrom_words[] = {
    { 0, 0x85c0 },                   /* ATAPI, CD-ROM, removable, packets of 12 bytes */
    { 76, 0x0006 },
    { 82, 0x4010 }, { 85, 0x4010 },  /* NOP, packets */
    { 83, 0x4000 }, { 84, 0x4000 }, { 87, 0x4000 },
};

static void put(uint8_t *answer, unsigned number, uint16_t value) {
    answer[2 * number] = (uint8_t)value;
    answer[2 * number + 1] = (uint8_t)(value >> 8);
}

static void put_words(uint8_t *answer, const struct word *words, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        put(answer, words[i].number, words[i].value);
}

static void put_wide(uint8_t *answer, unsigned number, unsigned words, uint64_t value) {
    for (unsigned i = 0; i < words; i++)
        put(answer, number + i, (uint16_t)(value >> (16 * i)));
}

/* Two characters a word, the first one in the high byte; filled up with spaces. */
static void put_text(uint8_t *answer, unsigned number, unsigned words, const char *text) {
    bool ended = false;
    for (unsigned i = 0; i < 2 * words; i++) {
        ended = ended || text[i] == 0;
        answer[2 * number + (i ^ 1)] = ended ? ' ' : (uint8_t)text[i];
    }
}

static void put_names(const struct ahci_port *port, uint8_t *answer, const char *model) {
    enum { SERIAL = 10, SERIAL_WORDS = 10, FIRMWARE = 23, FIRMWARE_WORDS = 4, MODEL = 27,
           MODEL_WORDS = 20 };
    char serial[] = "bulkhead-0";
    serial[sizeof(serial) - 2] = (char)('0' + port->number);
    put_text(answer, SERIAL, SERIAL_WORDS, serial);
    put_text(answer, FIRMWARE, FIRMWARE_WORDS, "1");
    put_text(answer, MODEL, MODEL_WORDS, model);
}

/* Which of the modes was chosen: a bit beside those that there are. */
static void put_mode(const struct ahci_port *port, uint8_t *answer) {
    enum { MULTIWORD = 63, ULTRA = 88, KIND_MULTIWORD = 4, KIND_ULTRA = 8 };
    uint8_t chosen = (uint8_t)(1u << (port->transfer_mode & 7));
    if (port->transfer_mode >> 3 == KIND_MULTIWORD)
        answer[2 * MULTIWORD + 1] = chosen;
    if (port->transfer_mode >> 3 == KIND_ULTRA)
        answer[2 * ULTRA + 1] = chosen;
}

/* The last word: a signature, and a byte that makes the sum of all zero. */
static void seal(uint8_t *answer) {
    enum { SIGNATURE = 0xa5 };
    uint8_t sum = 0;
    answer[AHCI_BLOCK - 2] = SIGNATURE;
    for (unsigned i = 0; i < AHCI_BLOCK - 1; i++)
        sum = (uint8_t)(sum + answer[i]);
    answer[AHCI_BLOCK - 1] = (uint8_t)-sum;
}

/* Old drivers see 16 heads, 63 sectors and as many cylinders as they can count, and newer ones as
 * many sectors as fit into 28 bits. */
static void put_size(const struct ahci_port *port, uint8_t *answer) {
    enum { CYLINDERS = 1, CYLINDERS_MOST = 16383, SECTORS_28 = 60, SECTORS_48 = 100 };
    const uint64_t most = 0x0fffffff;
    uint64_t sectors = port->backend.sectors;
    uint64_t cylinders = sectors / (16 * 63);
    put(answer, CYLINDERS,
        (uint16_t)(cylinders < CYLINDERS_MOST ? cylinders : CYLINDERS_MOST));
    put_wide(answer, SECTORS_28, 2, sectors < most ? sectors : most);
    put_wide(answer, SECTORS_48, 4, sectors);
}

static void put_state(const struct ahci_port *port, uint8_t *answer) {
    enum { MULTIPLE = 59, MULTIPLE_VALID = 0x0100, ENABLED = 85, READ_AHEAD = 0x4040,
           RANGE_BLOCKS = 105, DATA_SET_MANAGEMENT = 169 };
    if (port->multiple != 0)
        put(answer, MULTIPLE, MULTIPLE_VALID | port->multiple);
    if (port->write_through)
        put(answer, ENABLED, READ_AHEAD);
    if (port->backend.discards && !port->backend.readonly) {
        put(answer, RANGE_BLOCKS, 1);
        put(answer, DATA_SET_MANAGEMENT, 1);
    }
}

void ahci_identify_disk(const struct ahci_port *port, uint8_t answer[AHCI_BLOCK]) {
    memset(answer, 0, AHCI_BLOCK);
    put_words(answer, common_words, sizeof(common_words) / sizeof(*common_words));
    put_words(answer, disk_words, sizeof(disk_words) / sizeof(*disk_words));
    put_names(port, answer, "Bulkhead disk");
    put_mode(port, answer);
    put_size(port, answer);
    put_state(port, answer);
    seal(answer);
}

void ahci_identify_cdrom(const struct ahci_port *port, uint8_t answer[AHCI_BLOCK]) {
    memset(answer, 0, AHCI_BLOCK);
    put_words(answer, common_words, sizeof(common_words) / sizeof(*common_words));
    put_words(answer, cdrom_words, sizeof(cdrom_words) / sizeof(*cdrom_words));
    put_names(port, answer, "Bulkhead CD-ROM");
    put_mode(port, answer);
    seal(answer);
}
