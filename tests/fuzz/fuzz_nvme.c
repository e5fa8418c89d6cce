/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile NVMe controller with virtual functions: what it identifies is changed in places by the
 * input, and commands fail. Whatever it says, a namespace is attached to its own controller only,
 * only functions that have one go online, no two are one controller, and it all ends.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/nvme/nvme.h"
#include "lib/mmio/mmio.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OWN = 1, FIRST = 10, FUNCTIONS = 3, SPACES = 4, COMMANDS_MOST = 20000, STARTS = 2 };

static uint32_t registers[NVME_BAR_SIZE / 4];
static struct nvme_rings rings;
static struct nvme nvme;
static struct input in;
static uint32_t head, commands;

static void check(bool good) {
    if (!good)
        abort();
}

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    (void)base;
    return registers[offset / 4];
}

static void put(uint32_t offset, uint32_t value, uint32_t bytes) {
    memcpy(&rings.identify[offset], &value, bytes);
}

static void identify_secondaries(void) {
    put(0, FUNCTIONS, 1);
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        put(32 + 32 * i, FIRST + i, 2);
        put(34 + 32 * i, OWN, 2);
        put(40 + 32 * i, i + 1, 2);
    }
}

static void identify_resources(void) {
    for (uint32_t at = 32; at <= 64; at += 32) {
        put(at, 9, 4);
        put(at + 10, 2, 2);
        put(at + 12, 3, 2);
    }
}

static void identify(const struct nvme_command *command) {
    memset(rings.identify, 0, sizeof(rings.identify));
    put(78, OWN, 2);
    put(256, OACS_NAMESPACES | OACS_VIRTUAL, 2);
    if (command->dword10 == IDENTIFY_SECONDARY)
        identify_secondaries();
    if (command->dword10 == IDENTIFY_PRIMARY)
        identify_resources();
    if (command->dword10 == IDENTIFY_ALLOCATED)
        put(0, command->space < SPACES ? command->space + 1 : 0, 4);
    for (uint64_t changes = take(&in, 1) % 16; changes > 0; changes--) {
        uint32_t offset = (uint32_t)take(&in, 2) % 4093;

        put(offset, (uint32_t)take(&in, 4), 4);
    }
}

static const struct nvme_function *function_of(uint32_t id) {
    const struct nvme_function *found = NULL;

    for (unsigned i = 0; i < NVME_FUNCTIONS; i++) {
        const struct nvme_function *f = &nvme.functions.function[i];

        check(!f->listed || f->controller != id || found == NULL);
        found = f->listed && f->controller == id ? f : found;
    }
    return found;
}

static void check_attachment(const struct nvme_command *command) {
    const struct nvme_function *f = function_of(rings.ids[1]);

    check(rings.ids[0] == 1);
    if (command->dword10 == ATTACHMENT_DETACH)
        return;
    if (f == NULL)
        check(rings.ids[1] == nvme.functions.own && command->space == NVME_OWN_SPACE);
    else
        check(f->space == command->space && f->space > NVME_OWN_SPACE);
}

static void run(const struct nvme_command *command) {
    volatile struct nvme_completion *done = &rings.admin_done[head % NVME_ADMIN_DEPTH];
    bool online = command->opcode == ADMIN_VIRTUAL && (command->dword10 & 0xf) == VIRTUAL_ONLINE;

    check(++commands < COMMANDS_MOST);
    if (command->opcode == ADMIN_IDENTIFY)
        identify(command);
    if (command->opcode == ADMIN_ATTACHMENT)
        check_attachment(command);
    check(!online || function_of(command->dword10 >> 16)->space != 0);
    done->id = command->id;
    done->status = (uint16_t)((head / NVME_ADMIN_DEPTH + 1) % 2 |
                              (take(&in, 1) == 0xff ? take(&in, 1) << 1 : 0));
    head++;
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    (void)base;
    if (offset >= NVME_BAR_SIZE || offset % 4 != 0)
        abort();
    registers[offset / 4] = value;
    if (offset == NVME_CC) {
        registers[NVME_CSTS / 4] = value & CC_ENABLE;
        head = 0;
    }
    while (offset == NVME_DOORBELLS && head % NVME_ADMIN_DEPTH != value)
        run(&rings.admin[head % NVME_ADMIN_DEPTH]);
}

static void no_pause(void) {
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    in = (struct input){ data, size };
    memset(registers, 0, sizeof(registers));
    registers[NVME_CAP_LOW / 4] = 1023;
    nvme = (struct nvme){ .registers = registers, .rings = &rings, .functions.count = 2 };
    nvme.functions.function[0].space = 2;
    nvme.functions.function[2].space = 3;
    for (unsigned i = 0; i < STARTS; i++) {
        commands = 0;
        if (nvme_start(&nvme, no_pause))
            nvme_measure(&nvme, no_pause);
        for (unsigned f = 0; f < NVME_FUNCTIONS; f++)
            check(!nvme.functions.function[f].online || nvme.functions.function[f].space != 0);
    }
    return 0;
}
