/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile virtual functions of the 82576, and a hostile card: the input is a list of mailbox
 * messages, resets and any values of the registers that are read. Whatever comes, a function that has
 * an address has its own, only those that are ready are open, nobody gets others' unicast frames, and
 * our pool stays open.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/igb/pools.h"
#include "lib/mmio/mmio.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 200 };

static uint32_t registers[IGB_BAR_SIZE / 4];
static struct pools pools;

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    (void)base;
    return registers[offset / 4];
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    (void)base;
    if (offset >= IGB_BAR_SIZE || offset % 4 != 0)
        abort();
    registers[offset / 4] = value;
}

static void check(bool good) {
    if (!good)
        abort();
}

static void check_function(unsigned number) {
    uint32_t bit = 1u << number, high = registers[(IGB_RAH + 8 * number) / 4];
    uint32_t takes = registers[(IGB_VMOLR + 4 * number) / 4];
    bool open = (registers[IGB_VFRE / 4] & registers[IGB_VFTE / 4] & bit) != 0;
    const uint8_t own[6] = { 2, 0, 0, 0, 0, (uint8_t)number };

    check(open == pools.function[number].ready);
    check((takes & VMOLR_UNICAST) == 0);
    check(memcmp(pools.function[number].mac, own, 6) == 0);
    check(high == 0 || high == ((uint32_t)number << 8 | RAH_POOL(number) | RAH_VALID));
    check(registers[(IGB_RAL + 8 * number) / 4] == 2 || high == 0);
}

static void step(struct input *in) {
    unsigned number = (unsigned)take(in, 1) % IGB_POOLS;
    uint32_t *memory = &registers[(IGB_VMBMEM + 64 * number) / 4];

    memory[0] = (uint32_t)take(in, 1) | (uint32_t)take(in, 1) << 16;
    for (unsigned i = 1; i < IGB_MAILBOX_WORDS && take(in, 1) % 4 != 0; i++)
        memory[i] = (uint32_t)take(in, 4);
    registers[IGB_MBVFICR / 4] = (uint32_t)take(in, 1);
    registers[IGB_VFLRE / 4] = (uint32_t)(take(in, 1) & take(in, 1));
    registers[(IGB_P2VMAILBOX + 4 * number) / 4] = (uint32_t)take(in, 1);
    pools_serve(&pools);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };

    memset(registers, 0, sizeof(registers));
    pools = (struct pools){ .registers = registers };
    for (unsigned i = 0; i < IGB_VIRTUAL; i++)
        memcpy(pools.function[i].mac, (uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)i }, 6);
    pools_start(&pools);
    for (unsigned i = 0; i < STEPS && in.size > 0; i++) {
        step(&in);
        for (unsigned f = 0; f < IGB_VIRTUAL; f++)
            check_function(f);
        check((registers[IGB_VFRE / 4] & registers[IGB_VFTE / 4]) >> IGB_OWN_POOL == 1);
    }
    return 0;
}
