/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does whatever a test outside tells it: reads and writes of memory (its own, or a
 * device's registers) and of PCI configuration space. The test finds the mailbox in the machine's
 * RAM by its mark, which is put together at run time, so that no copy of this image has it; several
 * puppets are told apart by their names: their command lines' first words, of which eight letters.
 */
#include "devices.h"

enum operation { READ, WRITE, CONFIG_READ, CONFIG_WRITE, WRITE_64, FLOOD };

#define MARK_LOW  0x6d7269d1d3c2b1a0ull
#define MARK_HIGH 0x706e27737464656cull

struct mailbox {
    volatile uint64_t mark[2];
    volatile uint64_t wanted, done;          /* numbers of orders */
    volatile uint64_t operation, address, value;
    volatile uint64_t own;                   /* this mailbox's address */
    volatile uint8_t  name[8];
};

void main(const uint8_t *zero_page);

static struct mailbox box __attribute__((aligned(4096)));

/* Until the next order, which is only to end this. */
static void flood(volatile uint8_t *at, uint32_t value) {
    uint64_t order = box.wanted;

    while (box.wanted == order)
        write32(at, value);
}

static uint32_t perform(uint64_t operation, uint64_t address, uint64_t value) {
    switch (operation) {
    case READ:
        return read32(device_memory(address));
    case WRITE:
        write32(device_memory(address), (uint32_t)value);
        return 0;
    case WRITE_64:
        *(volatile uint64_t *)device_memory(address) = value;
        return 0;
    case FLOOD:
        flood(device_memory(address), (uint32_t)value);
        return 0;
    case CONFIG_READ:
        return config_read((unsigned)(address >> 11), (unsigned)address % 256);
    default:
        config_write((unsigned)(address >> 11), (unsigned)address % 256, (uint32_t)value);
        return 0;
    }
}

static void take_name(const char *line) {
    for (unsigned i = 0; i < sizeof(box.name) && line[i] != '\0' && line[i] != ' '; i++)
        box.name[i] = (uint8_t)line[i];
}

void main(const uint8_t *zero_page) {
    volatile uint64_t mask = 0xffff;

    take_name(command_line(zero_page));
    box.own = address_of(&box);
    box.mark[1] = MARK_HIGH ^ mask;
    box.mark[0] = MARK_LOW ^ mask;
    say("puppet: here\n");
    for (;;) {
        while (box.wanted == box.done)
            pause();
        box.value = perform(box.operation, box.address, box.value);
        box.done = box.wanted;
    }
}
