/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that drives its AHCI controller (vmm/ahci/) against the rules, as its command line's
 * words say, one after the other:
 *   fair       by the rules: IDENTIFY DEVICE
 *   buffer     data to far outside the guest's memory
 *   registers  data into the controller's own registers
 *   frames     the received FIS area in the controller's own registers
 *   list       the command list far outside, with the count that the controller writes there
 *   table      the command table far outside
 *   long       a table of 65535 descriptors of two bytes each
 *   itself     data over the command list, the table and the FIS area of the command itself
 * After each it says on COM1 what the port did, and then whether it still does its work.
 *
 * Reference: AHCI 1.3.1, "HBA Memory Registers", "System Memory Structures".
 */
#include "devices.h"

#define CONTROLLER_ID 0x29228086u
enum { MEMORY_BAR = 5, SECTOR = 512, PATIENCE = 200000 };
enum { SLOTS = 32, FIS_ROOM = 128, DESCRIPTORS = 65535, LONG_SECTORS = 256 };

enum { PORT = 0x100, CLB = 0x00, FB = 0x08, IS = 0x10, CMD = 0x18,
       SERR = 0x30, CI = 0x38 };
enum { CMD_ST = 1u << 0, CMD_OVERRIDE = 1u << 3, CMD_FRE = 1u << 4 };
enum { IS_OVERFLOW = 1u << 24, IS_BUS_ERROR = 1u << 29, IS_DEVICE_ERROR = 1u << 30 };
enum { FIS_H2D = 0x27, FIS_COMMAND = 0x80, DEVICE_LBA = 0x40, FIS_DWORDS = 5 };
enum { IDENTIFY = 0xec, READ_DMA_EXT = 0x25 };

struct header { uint32_t flags, transferred; uint64_t table; uint32_t reserved[4]; };
struct region { uint64_t address; uint32_t reserved, count; };
struct table { uint8_t fis[FIS_ROOM]; struct region region[DESCRIPTORS]; };

void main(const uint8_t *zero_page);

static struct header list[SLOTS] __attribute__((aligned(1024)));
static uint8_t received[256] __attribute__((aligned(256)));
static struct table table __attribute__((aligned(128)));
static uint8_t data[SECTOR];
static volatile uint8_t *port;

static void report(const char *deed, const char *when, const char *what) {
    say("ahci: ");
    say(deed);
    say_line(when, what);
}

/* The port's memory as it should be, then one command, which the deeds change before they issue. */
static void prepare(uint8_t command, unsigned sectors, unsigned regions) {
    write32(port + CMD, 0);
    write32(port + CMD, CMD_OVERRIDE);       /* a drive that is busy since the last error */
    write64(port + CLB, address_of(list));
    write64(port + FB, address_of(received));
    table.fis[0] = FIS_H2D;
    table.fis[1] = FIS_COMMAND;
    table.fis[2] = command;
    table.fis[7] = DEVICE_LBA;
    table.fis[12] = (uint8_t)sectors;
    table.fis[13] = (uint8_t)(sectors >> 8);
    list[0] = (struct header){ .flags = FIS_DWORDS | regions << 16, .table = address_of(&table) };
    table.region[0] = (struct region){ .address = address_of(data), .count = SECTOR - 1 };
}

static const char *issue(void) {
    write32(port + SERR, ~0u);
    write32(port + IS, ~0u);
    write32(port + CMD, CMD_FRE);
    write32(port + CMD, CMD_FRE | CMD_ST);
    write32(port + CI, 1);
    for (unsigned i = 0; i < PATIENCE; i++) {
        uint32_t causes = read32(port + IS);
        if (causes & IS_BUS_ERROR)
            return "host bus error";
        if (causes & IS_OVERFLOW)
            return "overflow";
        if (causes & IS_DEVICE_ERROR)
            return "device error";
        if (read32(port + CI) == 0)
            return "done";
    }
    return "the port is silent";
}

static void prepare_identify(void) { prepare(IDENTIFY, 0, 1); }

static void fair(void) { prepare_identify(); }

static void buffer(void) {
    prepare_identify();
    table.region[0].address = FAR;
}

static void registers(void) {
    prepare_identify();
    table.region[0].address = address_of(port) & ~0xfffull;
}

static void frames(void) {
    prepare_identify();
    write64(port + FB, address_of(port) & ~0xfffull);
}

static void far_list(void) {
    prepare_identify();
    write64(port + CLB, FAR);
}

static void far_table(void) {
    prepare_identify();
    list[0].table = FAR;
}

static void long_table(void) {
    prepare(READ_DMA_EXT, LONG_SECTORS, DESCRIPTORS);
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        table.region[i] = (struct region){ .address = address_of(data), .count = 1 };
}

static void itself(void) {
    prepare(IDENTIFY, 0, 2);
    write64(port + FB, address_of(list));
    table.region[0] = (struct region){ .address = address_of(list), .count = SECTOR / 2 - 1 };
    table.region[1] = (struct region){ .address = address_of(&table), .count = SECTOR / 2 - 1 };
}

static void do_deed(const char *word) {
    static const struct { const char *name; void (*prepare)(void); } deeds[] = {
        { "fair", fair }, { "buffer", buffer }, { "registers", registers }, { "frames", frames },
        { "list", far_list }, { "table", far_table }, { "long", long_table }, { "itself", itself },
    };
    for (unsigned i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
        if (!first_word_is(word, deeds[i].name))
            continue;
        deeds[i].prepare();
        report(deeds[i].name, ": ", issue());
        prepare_identify();
        report(deeds[i].name, " afterwards: ", issue());
    }
}

void main(const uint8_t *zero_page) {
    port = device_memory(bar(find_device(CONTROLLER_ID), MEMORY_BAR)) + PORT;
    prepare_identify();
    issue();                         /* which waits until the disk is there */
    for (const char *word = command_line(zero_page); word; word = next_word(word))
        do_deed(word);
    rest();
}
