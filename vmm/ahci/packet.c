/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CD-ROM drive's commands: the few of ATA's, and the packets that they carry (ACS, "PACKET"; SPC;
 * MMC). The disc is the backend's extent in blocks of 2 KiB: one session, one data track.
 */
#include "vmm/ahci/parts.h"

#include "lib/c/string.h"

enum { BLOCK_BYTES = 2048, BLOCK_SECTORS = BLOCK_BYTES / BLOCK_SECTOR };
enum { ANSWER_MOST = 128 };

/* An answer on its way to the driver, at most as long as it has room for. */
struct answer {
    uint8_t bytes[ANSWER_MOST];
    uint32_t size;
};

static uint32_t blocks_of(const struct ahci_port *port) {
    uint64_t blocks = port->backend.sectors / BLOCK_SECTORS;
    return blocks < UINT32_MAX ? (uint32_t)blocks : UINT32_MAX;
}

static uint32_t big16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t big32(const uint8_t *at) {
    return big16(at) << 16 | big16(at + 2);
}

static void put8(struct answer *answer, uint32_t value) {
    answer->bytes[answer->size++ % ANSWER_MOST] = (uint8_t)value;
}

static void put16(struct answer *answer, uint32_t value) {
    put8(answer, value >> 8);
    put8(answer, value);
}

static void put32(struct answer *answer, uint32_t value) {
    put16(answer, value >> 16);
    put16(answer, value);
}

static void put_zeroes(struct answer *answer, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        put8(answer, 0);
}

static void put_text(struct answer *answer, const char *text, unsigned size) {
    bool ended = false;
    for (unsigned i = 0; i < size; i++) {
        ended = ended || text[i] == 0;
        put8(answer, ended ? ' ' : (uint8_t)text[i]);
    }
}

static void set16(struct answer *answer, uint32_t at, uint32_t value) {
    answer->bytes[at] = (uint8_t)(value >> 8);
    answer->bytes[at + 1] = (uint8_t)value;
}

static void send(struct ahci_port *port, uint32_t slot, const struct answer *answer,
                 uint32_t room) {
    ahci_answer(port, slot, answer->bytes, answer->size < room ? answer->size : room);
}

static void refuse(struct ahci_port *port, uint32_t slot, enum sense_code code) {
    ahci_fail_packet(port, slot, SENSE_ILLEGAL, code);
}

/* ---- What every SCSI device says (SPC) ---- */

static void request_sense(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { FIXED_FORMAT = 0x70, FOLLOWING = 10, ROOM = 4 };
    struct answer answer = { .size = 0 };
    put8(&answer, FIXED_FORMAT);
    put8(&answer, 0);
    put8(&answer, port->sense_key);
    put_zeroes(&answer, 4);
    put8(&answer, FOLLOWING);
    put_zeroes(&answer, 4);
    put8(&answer, port->sense_code);
    put_zeroes(&answer, 5);
    port->sense_key = port->sense_code = 0;
    send(port, slot, &answer, packet[ROOM]);
}

/* Of the pages of vital product data there is only the list of them. */
static void inquiry(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { VITAL = 1, PAGE = 2, ROOM = 3, TYPE_CDROM = 5, REMOVABLE = 0x80, VERSION = 5,
           FORMAT = 2, FOLLOWING = 31 };
    struct answer answer = { .size = 0 };
    put8(&answer, TYPE_CDROM);
    if (packet[VITAL] & 1) {
        put_zeroes(&answer, 2);
        put8(&answer, 1);
        put8(&answer, 0);
    } else {
        put8(&answer, REMOVABLE);
        put8(&answer, VERSION);
        put8(&answer, FORMAT);
        put8(&answer, FOLLOWING);
        put_zeroes(&answer, 3);
        put_text(&answer, "Bulkhead", 8);
        put_text(&answer, "CD-ROM", 16);
        put_text(&answer, "1", 4);
    }
    if (packet[PAGE] != 0)
        refuse(port, slot, SENSE_NO_FIELD);
    else
        send(port, slot, &answer, big16(packet + ROOM));
}

enum mode_page { MODE_RECOVERY = 0x01, MODE_CAPABILITIES = 0x2a, MODE_ALL = 0x3f };

/* MMC, "Read/Write Error Recovery Parameters". */
static void put_recovery_page(struct answer *answer) {
    enum { LENGTH = 6 };
    put8(answer, MODE_RECOVERY);
    put8(answer, LENGTH);
    put_zeroes(answer, LENGTH);
}

/* MMC, "MM Capabilities and Mechanical Status": reads CD-R, CD-RW and DVD-ROM, several sessions, a
 * tray that locks; speeds in KB/s. */
static void put_capabilities_page(struct answer *answer) {
    enum { LENGTH = 18, READS = 0x0b, MULTI_SESSION = 0x70, TRAY_LOCKS = 0x29, SPEED = 0x1b90 };
    put8(answer, MODE_CAPABILITIES);
    put8(answer, LENGTH);
    put8(answer, READS);
    put8(answer, 0);
    put8(answer, MULTI_SESSION);
    put8(answer, 0);
    put8(answer, TRAY_LOCKS);
    put8(answer, 0);
    put16(answer, SPEED);
    put_zeroes(answer, 4);
    put16(answer, SPEED);
    put_zeroes(answer, 4);
}

static void mode_sense(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { PAGE = 2, PAGE_MASK = 0x3f, CONTROL_SHIFT = 6, HEADER_10 = 8, HEADER_6 = 4 };
    bool long_form = packet[0] == PACKET_MODE_SENSE_10;
    uint8_t page = packet[PAGE] & PAGE_MASK;
    struct answer answer = { .size = long_form ? HEADER_10 : HEADER_6 };
    if (page == MODE_RECOVERY || page == MODE_ALL)
        put_recovery_page(&answer);
    if (page == MODE_CAPABILITIES || page == MODE_ALL)
        put_capabilities_page(&answer);
    if (answer.size <= HEADER_10 || packet[PAGE] >> CONTROL_SHIFT != 0) {
        refuse(port, slot, SENSE_NO_FIELD);
        return;
    }
    if (long_form)
        set16(&answer, 0, answer.size - 2);
    else
        answer.bytes[0] = (uint8_t)(answer.size - 1);
    send(port, slot, &answer, long_form ? big16(packet + 7) : packet[4]);
}

/* ---- The disc (MMC) ---- */

static void read_capacity(struct ahci_port *port, uint32_t slot) {
    struct answer answer = { .size = 0 };
    put32(&answer, blocks_of(port) - 1);
    put32(&answer, BLOCK_BYTES);
    send(port, slot, &answer, answer.size);
}

static void read_blocks(struct ahci_port *port, uint32_t slot, uint32_t first, uint32_t count) {
    struct ahci_command *command = &port->command[slot];
    if (!block_within(first, count, blocks_of(port))) {
        refuse(port, slot, SENSE_OUT_OF_RANGE);
        return;
    }
    uint64_t sectors = (uint64_t)count * BLOCK_SECTORS;
    if (sectors > UINT32_MAX) {
        ahci_fail_port(port, PXIS_OFS);
        return;
    }
    command->kind = BLOCK_READ;
    command->sector = (uint64_t)first * BLOCK_SECTORS;
    command->sectors = (uint32_t)sectors;
    ahci_begin_transfer(port, slot, sectors * BLOCK_SECTOR);
}

/* Minutes, seconds and frames count from two seconds before the first block. */
static void put_address(struct answer *answer, uint32_t block, bool in_time) {
    enum { FRAMES = 75, SECONDS = 60, LEAD_IN = 2 * FRAMES };
    uint32_t frames = block + LEAD_IN;
    if (!in_time) {
        put32(answer, block);
        return;
    }
    put8(answer, 0);
    put8(answer, frames / FRAMES / SECONDS);
    put8(answer, frames / FRAMES % SECONDS);
    put8(answer, frames % FRAMES);
}

static void put_track(struct answer *answer, uint8_t track, uint32_t block, bool in_time) {
    enum { DATA_TRACK = 0x14 };
    put8(answer, 0);
    put8(answer, DATA_TRACK);
    put8(answer, track);
    put8(answer, 0);
    put_address(answer, block, in_time);
}

/* Format 0, the tracks from a given one on; format 1, the sessions. */
static void read_toc(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { TIME = 2, TRACK = 6, ROOM = 7, LEAD_OUT = 0xaa, TRACKS = 0, SESSIONS = 1 };
    bool in_time = (packet[1] & TIME) != 0;
    uint8_t format = packet[2] & 0xf;
    uint8_t track = packet[TRACK];
    struct answer answer = { .size = 2 };
    put8(&answer, 1);
    put8(&answer, 1);
    if (format == SESSIONS || track <= 1)
        put_track(&answer, 1, 0, in_time);
    if (format == TRACKS)
        put_track(&answer, LEAD_OUT, blocks_of(port), in_time);
    set16(&answer, 0, answer.size - 2);
    bool known = format == SESSIONS || (format == TRACKS && (track <= 1 || track == LEAD_OUT));
    if (known)
        send(port, slot, &answer, big16(packet + ROOM));
    else
        refuse(port, slot, SENSE_NO_FIELD);
}

/* One complete session. */
static void read_disc_information(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { SIZE = 34, COMPLETE = 0x0e, ROOM = 7 };
    struct answer answer = { .size = 2 };
    put8(&answer, COMPLETE);
    for (unsigned i = 0; i < 4; i++)
        put8(&answer, 1);                /* first track; sessions; first and last track */
    put_zeroes(&answer, SIZE - answer.size);
    set16(&answer, 0, SIZE - 2);
    send(port, slot, &answer, big16(packet + ROOM));
}

/* ---- The drive (MMC) ---- */

enum feature {
    PROFILE_LIST = 0x0000, CORE = 0x0001, REMOVABLE_MEDIUM = 0x0003, CD_READ = 0x001e,
    FEATURE_CURRENT = 0x03,              /* persistent and current */
};
enum { PROFILE_CDROM = 0x0008 };

static void put_feature(struct answer *answer, enum feature feature, const uint8_t data[4]) {
    put16(answer, feature);
    put8(answer, FEATURE_CURRENT);
    put8(answer, 4);
    for (unsigned i = 0; i < 4; i++)
        put8(answer, data[i]);
}

/* From a given feature on; or that one alone. */
static void get_configuration(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { ONE = 2, START = 2, ROOM = 7, HEADER = 8, ATAPI = 2, TRAY_LOCKS = 0x29 };
    static const struct { enum feature feature; uint8_t data[4]; } features[] = {
        { PROFILE_LIST, { 0, PROFILE_CDROM, 1, 0 } },
        { CORE, { 0, 0, 0, ATAPI } },
        { REMOVABLE_MEDIUM, { TRAY_LOCKS, 0, 0, 0 } },
        { CD_READ, { 0, 0, 0, 0 } },
    };
    bool only = (packet[1] & 3) == ONE;
    uint32_t start = big16(packet + START);
    struct answer answer = { .size = 6 };
    put16(&answer, PROFILE_CDROM);
    for (unsigned i = 0; i < sizeof(features) / sizeof(*features); i++)
        if (only ? features[i].feature == start : features[i].feature >= start)
            put_feature(&answer, features[i].feature, features[i].data);
    set16(&answer, 2, answer.size - 4);
    send(port, slot, &answer, big16(packet + ROOM));
}

/* Polled only: the disc is there, and nothing ever happens to it. */
static void get_event(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { POLLED = 1, CLASSES = 4, ROOM = 7, MEDIA = 4, NONE = 0x80, PRESENT = 2 };
    struct answer answer = { .size = 2 };
    bool media = (packet[CLASSES] & 1u << MEDIA) != 0;
    put8(&answer, media ? MEDIA : NONE);
    put8(&answer, 1u << MEDIA);
    if (media) {
        put8(&answer, 0);
        put8(&answer, PRESENT);
        put16(&answer, 0);
    }
    set16(&answer, 0, answer.size - 2);
    if (packet[1] & POLLED)
        send(port, slot, &answer, big16(packet + ROOM));
    else
        refuse(port, slot, SENSE_NO_FIELD);
}

static void mechanism_status(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    enum { SIZE = 8, ROOM = 8 };
    struct answer answer = { .size = SIZE };
    answer.bytes[5] = 1;                 /* slots */
    send(port, slot, &answer, big16(packet + ROOM));
}

/* ---- Packets ---- */

static bool needs_disc(uint8_t code) {
    return code == PACKET_TEST_UNIT_READY || code == PACKET_READ_CAPACITY ||
           code == PACKET_READ_10 || code == PACKET_READ_12 || code == PACKET_READ_TOC ||
           code == PACKET_READ_DISC || code == PACKET_SEEK;
}

static void run_disc_packet(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    switch (packet[0]) {
    case PACKET_READ_CAPACITY: read_capacity(port, slot); break;
    case PACKET_READ_10: read_blocks(port, slot, big32(packet + 2), big16(packet + 7)); break;
    case PACKET_READ_12: read_blocks(port, slot, big32(packet + 2), big32(packet + 6)); break;
    case PACKET_READ_TOC: read_toc(port, slot, packet); break;
    case PACKET_READ_DISC: read_disc_information(port, slot, packet); break;
    default: ahci_finish(port, slot); break;
    }
}

/* Nothing is locked, and the tray stays in. */
static void run_drive_packet(struct ahci_port *port, uint32_t slot, const uint8_t *packet) {
    switch (packet[0]) {
    case PACKET_INQUIRY: inquiry(port, slot, packet); break;
    case PACKET_REQUEST_SENSE: request_sense(port, slot, packet); break;
    case PACKET_MODE_SENSE_6:
    case PACKET_MODE_SENSE_10: mode_sense(port, slot, packet); break;
    case PACKET_GET_CONFIGURATION: get_configuration(port, slot, packet); break;
    case PACKET_GET_EVENT: get_event(port, slot, packet); break;
    case PACKET_MECHANISM_STATUS: mechanism_status(port, slot, packet); break;
    case PACKET_START_STOP:
    case PACKET_PREVENT_ALLOW:
    case PACKET_SET_SPEED: ahci_finish(port, slot); break;
    default: refuse(port, slot, SENSE_NO_COMMAND); break;
    }
}

static void run_packet(struct ahci_port *port, uint32_t slot) {
    struct ahci_command *command = &port->command[slot];
    uint8_t code = command->packet[0];
    command->protocol = AHCI_PACKET;
    if (needs_disc(code) && blocks_of(port) == 0)
        ahci_fail_packet(port, slot, SENSE_NOT_READY, SENSE_NO_MEDIUM);
    else if (needs_disc(code))
        run_disc_packet(port, slot, command->packet);
    else
        run_drive_packet(port, slot, command->packet);
}

/* ---- ATA commands ---- */

static void identify(struct ahci_port *port, uint32_t slot) {
    uint8_t answer[AHCI_BLOCK];
    ahci_identify_cdrom(port, answer);
    port->command[slot].protocol = AHCI_PIO_IN;
    ahci_answer(port, slot, answer, sizeof(answer));
}

/* ACS, "SET FEATURES": only the mode of transfer. */
static void set_features(struct ahci_port *port, uint32_t slot, const struct ahci_h2d *fis) {
    if (fis->features != FEATURE_TRANSFER_MODE) {
        ahci_fail(port, slot, ERROR_ABORTED, 0);
        return;
    }
    port->transfer_mode = fis->count;
    ahci_finish(port, slot);
}

void ahci_begin_packet(struct ahci_port *port, uint32_t slot) {
    struct ahci_command *command = &port->command[slot];
    switch (command->fis.command) {
    case ATA_PACKET: run_packet(port, slot); break;
    case ATA_IDENTIFY_PACKET: identify(port, slot); break;
    case ATA_SET_FEATURES: set_features(port, slot, &command->fis); break;
    case ATA_CHECK_POWER: command->answer = POWER_ACTIVE; ahci_finish(port, slot); break;
    case ATA_STANDBY_IMMEDIATE:
    case ATA_IDLE_IMMEDIATE:
    case ATA_SLEEP: ahci_finish(port, slot); break;
    default: ahci_fail(port, slot, ERROR_ABORTED, 0); break;
    }
}
