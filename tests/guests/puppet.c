/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does whatever a test outside tells it: reads and writes of memory (its own, or a
 * device's registers) and of PCI configuration space. The test finds the mailbox in the machine's
 * RAM by its mark, which is put together at run time, so that no copy of this image has it.
 */
#include "devices.h"

enum operation { READ, WRITE, CONFIG_READ, CONFIG_WRITE, WRITE_64 };

#define MARK_LOW  0x6d7269d1d3c2b1a0ull
#define MARK_HIGH 0x706e27737464656cull

struct mailbox {
    volatile uint64_t mark[2];
    volatile uint64_t wanted, done;          /* numbers of orders */
    volatile uint64_t operation, address, value;
};

void main(const uint8_t *zero_page);

static struct mailbox box __attribute__((aligned(4096)));

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
    case CONFIG_READ:
        return config_read((unsigned)(address >> 11), (unsigned)address % 256);
    default:
        config_write((unsigned)(address >> 11), (unsigned)address % 256, (uint32_t)value);
        return 0;
    }
}

void main(const uint8_t *zero_page) {
    volatile uint64_t mask = 0xffff;

    (void)zero_page;
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
