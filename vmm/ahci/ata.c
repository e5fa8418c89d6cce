/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hard disk's commands (ACS, "Command descriptions").
 */
#include "vmm/ahci/parts.h"

#include "lib/c/string.h"

/* ---- Reading and writing ---- */

struct transfer {
    uint8_t command;
    bool extended;                   /* 48 bits of address, 16 of count */
    enum block_kind kind;
    enum ahci_protocol protocol;
};

static const struct transfer transfers[] = {
    { ATA_READ_SECTORS, false, BLOCK_READ, AHCI_PIO_IN },
    { ATA_READ_SECTORS_OLD, false, BLOCK_READ, AHCI_PIO_IN },
    { ATA_READ_SECTORS_EXT, true, BLOCK_READ, AHCI_PIO_IN },
    { ATA_READ_MULTIPLE, false, BLOCK_READ, AHCI_PIO_IN },
    { ATA_READ_MULTIPLE_EXT, true, BLOCK_READ, AHCI_PIO_IN },
    { ATA_READ_DMA, false, BLOCK_READ, AHCI_DMA },
    { ATA_READ_DMA_EXT, true, BLOCK_READ, AHCI_DMA },
    { ATA_READ_QUEUED, true, BLOCK_READ, AHCI_QUEUED },
    { ATA_READ_VERIFY, false, BLOCK_READ, AHCI_NO_DATA },
    { ATA_READ_VERIFY_OLD, false, BLOCK_READ, AHCI_NO_DATA },
    { ATA_READ_VERIFY_EXT, true, BLOCK_READ, AHCI_NO_DATA },
    { ATA_WRITE_SECTORS, false, BLOCK_WRITE, AHCI_PIO_OUT },
    { ATA_WRITE_SECTORS_OLD, false, BLOCK_WRITE, AHCI_PIO_OUT },
    { ATA_WRITE_SECTORS_EXT, true, BLOCK_WRITE, AHCI_PIO_OUT },
    { ATA_WRITE_MULTIPLE, false, BLOCK_WRITE, AHCI_PIO_OUT },
    { ATA_WRITE_MULTIPLE_EXT, true, BLOCK_WRITE, AHCI_PIO_OUT },
    { ATA_WRITE_DMA, false, BLOCK_WRITE, AHCI_DMA },
    { ATA_WRITE_DMA_EXT, true, BLOCK_WRITE, AHCI_DMA },
    { ATA_WRITE_QUEUED, true, BLOCK_WRITE, AHCI_QUEUED },
};

static const struct transfer *find_transfer(uint8_t command) {
    for (unsigned i = 0; i < sizeof(transfers) / sizeof(*transfers); i++)
        if (transfers[i].command == command)
            return &transfers[i];
    return NULL;
}

bool ahci_is_queued(const struct ahci_port *port, const struct ahci_command *command) {
    uint8_t code = command->fis.command;
    bool queued = code == ATA_READ_QUEUED || code == ATA_WRITE_QUEUED;
    return queued && !port->cdrom && (command->fis.flags & H2D_COMMAND);
}

static uint32_t low_sector(const struct ahci_h2d *fis) {
    return fis->lba[0] | (uint32_t)fis->lba[1] << 8 | (uint32_t)fis->lba[2] << 16;
}

static uint64_t sector_of(const struct ahci_h2d *fis, bool extended) {
    if (!extended)
        return low_sector(fis) | (uint32_t)(fis->device & 0xf) << 24;
    return low_sector(fis) | (uint64_t)fis->lba_high[0] << 24 | (uint64_t)fis->lba_high[1] << 32 |
           (uint64_t)fis->lba_high[2] << 40;
}

/* Zero is the most that the registers hold, and one more. */
static uint32_t count_of(uint32_t low, uint32_t high, bool extended) {
    uint32_t count = extended ? low | high << 8 : low;
    return count != 0 ? count : extended ? 0x10000 : 0x100;
}

/* A queued command has its count where others have features, and its tag in the count. */
static uint32_t sectors_of(const struct ahci_h2d *fis, const struct transfer *transfer) {
    if (transfer->protocol == AHCI_QUEUED)
        return count_of(fis->features, fis->features_high, true);
    return count_of(fis->count, fis->count_high, transfer->extended);
}

static bool is_allowed(const struct ahci_port *port, uint32_t slot,
                       const struct transfer *transfer) {
    const struct ahci_h2d *fis = &port->command[slot].fis;
    bool writable = transfer->kind == BLOCK_READ || !port->backend.readonly;
    bool tagged = transfer->protocol != AHCI_QUEUED || fis->count >> 3 == slot;
    return writable && tagged && (fis->device & DEVICE_LBA);
}

/* A write that must be on the medium at its end is followed by a flush. */
static bool must_flush(const struct ahci_port *port, const struct ahci_h2d *fis,
                       const struct transfer *transfer) {
    bool forced = transfer->protocol == AHCI_QUEUED && (fis->device & DEVICE_FUA);
    return transfer->kind == BLOCK_WRITE && (forced || port->write_through);
}

static void begin_transfer(struct ahci_port *port, uint32_t slot,
                           const struct transfer *transfer) {
    struct ahci_command *command = &port->command[slot];
    bool data = transfer->protocol != AHCI_NO_DATA;
    if (!is_allowed(port, slot, transfer)) {
        ahci_fail(port, slot, ERROR_ABORTED, 0);
        return;
    }
    command->sector = sector_of(&command->fis, transfer->extended);
    command->sectors = sectors_of(&command->fis, transfer);
    command->kind = transfer->kind;
    command->protocol = transfer->protocol;
    command->flush = must_flush(port, &command->fis, transfer);
    if (block_within(command->sector, command->sectors, port->backend.sectors))
        ahci_begin_transfer(port, slot, data ? (uint64_t)command->sectors * BLOCK_SECTOR : 0);
    else
        ahci_fail(port, slot, ERROR_NOT_FOUND | ERROR_ABORTED, command->sector);
}

/* ---- TRIM ---- */

/* One copy of the ranges; false: some range isn't on the disk. */
static bool copy_ranges(struct ahci_port *port, const struct ahci_command *command) {
    struct ahci_cursor start = { 0 };
    ahci_gather(command, &start, (uint8_t *)port->range, sizeof(port->range));
    port->range_next = 0;
    for (unsigned i = 0; i < AHCI_RANGES; i++)
        if (!block_within(port->range[i] & BLOCK_LBA_MASK, port->range[i] >> 48,
                          port->backend.sectors))
            return false;
    return true;
}

static void begin_trim(struct ahci_port *port, uint32_t slot) {
    struct ahci_command *command = &port->command[slot];
    const struct ahci_h2d *fis = &command->fis;
    bool one_block = fis->count == 1 && fis->count_high == 0;
    bool allowed = port->backend.discards && !port->backend.readonly;
    if (!allowed || fis->features != FEATURES_TRIM || !one_block) {
        ahci_fail(port, slot, ERROR_ABORTED, 0);
        return;
    }
    command->kind = BLOCK_DISCARD;
    command->protocol = AHCI_DMA;
    switch (ahci_fetch_buffers(port, command, AHCI_BLOCK)) {
    case AHCI_NOT_RAM: ahci_fail_port(port, PXIS_HBFS); return;
    case AHCI_TOO_SHORT: ahci_fail_port(port, PXIS_OFS); return;
    default: break;
    }
    command->transferred = AHCI_BLOCK;
    if (copy_ranges(port, command))
        ahci_begin_transfer(port, slot, 0);
    else
        ahci_fail(port, slot, ERROR_NOT_FOUND | ERROR_ABORTED, 0);
}

/* ---- What the drive answers by itself ---- */

static void answer_data(struct ahci_port *port, uint32_t slot,
                        const uint8_t answer[AHCI_BLOCK]) {
    port->command[slot].protocol = AHCI_PIO_IN;
    ahci_answer(port, slot, answer, AHCI_BLOCK);
}

static void identify(struct ahci_port *port, uint32_t slot) {
    uint8_t answer[AHCI_BLOCK];
    ahci_identify_disk(port, answer);
    answer_data(port, slot, answer);
}

/* ACS, "General Purpose Log Directory": version 1, and one page of the other log. */
static void fill_directory(uint8_t answer[AHCI_BLOCK]) {
    answer[0] = 1;
    answer[2 * LOG_QUEUED_ERROR] = 1;
}

/* ACS, "NCQ Command Error log": the failed command's registers, read once. */
static void fill_queued_error(struct ahci_port *port, uint8_t answer[AHCI_BLOCK]) {
    enum { NOT_QUEUED = 0x80, FIRST = 2, SIZE = 14, CHECKSUM = AHCI_BLOCK - 1 };
    uint8_t sum = 0;
    memcpy(answer + FIRST, (const uint8_t *)&port->queued_error + FIRST, SIZE - FIRST);
    answer[0] = port->has_queued_error ? (uint8_t)port->error_slot : NOT_QUEUED;
    port->has_queued_error = false;
    for (unsigned i = 0; i < CHECKSUM; i++)
        sum = (uint8_t)(sum + answer[i]);
    answer[CHECKSUM] = (uint8_t)-sum;
}

static void read_log(struct ahci_port *port, uint32_t slot) {
    const struct ahci_h2d *fis = &port->command[slot].fis;
    bool one_page = fis->count == 1 && fis->count_high == 0 && fis->lba[1] == 0 &&
                    fis->lba_high[1] == 0;
    bool known = fis->lba[0] == LOG_DIRECTORY || fis->lba[0] == LOG_QUEUED_ERROR;
    uint8_t answer[AHCI_BLOCK] = { 0 };
    if (!one_page || !known) {
        ahci_fail(port, slot, ERROR_ABORTED, 0);
        return;
    }
    if (fis->lba[0] == LOG_DIRECTORY)
        fill_directory(answer);
    else
        fill_queued_error(port, answer);
    answer_data(port, slot, answer);
}

/* ---- Commands without data ---- */

static void end_if(struct ahci_port *port, uint32_t slot, bool good) {
    if (good)
        ahci_finish(port, slot);
    else
        ahci_fail(port, slot, ERROR_ABORTED, 0);
}

/* ACS, "SET FEATURES". */
static bool set_feature(struct ahci_port *port, const struct ahci_h2d *fis) {
    switch (fis->features) {
    case FEATURE_TRANSFER_MODE: port->transfer_mode = fis->count; return true;
    case FEATURE_CACHE_ON: port->write_through = false; return true;
    case FEATURE_CACHE_OFF: port->write_through = true; return true;
    case FEATURE_READ_AHEAD_ON:
    case FEATURE_READ_AHEAD_OFF: return true;
    default: return false;
    }
}

static bool set_multiple(struct ahci_port *port, uint8_t sectors) {
    bool power_of_two = (sectors & (sectors - 1)) == 0;
    if (sectors > AHCI_MULTIPLE || !power_of_two)
        return false;
    port->multiple = sectors;
    return true;
}

/* Also what goes before a loss of power. */
static void flush(struct ahci_port *port, uint32_t slot) {
    port->command[slot].flush = true;
    ahci_begin_transfer(port, slot, 0);
}

static void begin_other(struct ahci_port *port, uint32_t slot) {
    struct ahci_command *command = &port->command[slot];
    switch (command->fis.command) {
    case ATA_IDENTIFY: identify(port, slot); break;
    case ATA_READ_LOG_EXT: read_log(port, slot); break;
    case ATA_DATA_SET_MANAGEMENT: begin_trim(port, slot); break;
    case ATA_FLUSH:
    case ATA_FLUSH_EXT:
    case ATA_STANDBY:
    case ATA_STANDBY_IMMEDIATE:
    case ATA_SLEEP: flush(port, slot); break;
    case ATA_SET_FEATURES: end_if(port, slot, set_feature(port, &command->fis)); break;
    case ATA_SET_MULTIPLE: end_if(port, slot, set_multiple(port, command->fis.count)); break;
    case ATA_CHECK_POWER: command->answer = POWER_ACTIVE; ahci_finish(port, slot); break;
    case ATA_RECALIBRATE:
    case ATA_SEEK:
    case ATA_INITIALIZE_PARAMETERS:
    case ATA_IDLE:
    case ATA_IDLE_IMMEDIATE: ahci_finish(port, slot); break;
    default: ahci_fail(port, slot, ERROR_ABORTED, 0); break;
    }
}

void ahci_begin_ata(struct ahci_port *port, uint32_t slot) {
    const struct transfer *transfer = find_transfer(port->command[slot].fis.command);
    if (transfer)
        begin_transfer(port, slot, transfer);
    else
        begin_other(port, slot);
}
