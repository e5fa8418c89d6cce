/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile driver of the emulated NVMe controller, and a hostile block multiplexer: the input is a
 * list of register accesses, commands (any, and nearly good ones, so that data moves), doorbells in
 * registers and in memory, writes to queues and lists, answers of the multiplexer and turns of the
 * I/O thread. Whatever comes, the controller reads and writes nothing but guest RAM and its link
 * (the sanitizers watch), each turn ends, what the multiplexer gets is a request within the disk,
 * and a reset makes the controller work again. All that with a disk whose data is copied, and with a
 * zero-copy one, whose lists must name guest RAM.
 */
#include <stdlib.h>

#include "tests/fuzz/hostile_mux.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/listed.h"
#include "tests/unit/nvme_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 300, TURNS = 2000 };

/* ---- The driver ---- */

static void any_register(struct input *in) {
    static const uint16_t registers[] = {
        NVME_CC, NVME_AQA, NVME_ASQ, NVME_ASQ + 4, NVME_ACQ, NVME_CSTS, NVME_DOORBELLS,
        NVME_DOORBELLS + 4, NVME_DOORBELLS + 8, NVME_DOORBELLS + 12, NVME_DOORBELLS + 16,
        NVME_MSIX + 12, NVME_MSIX + 16, NVME_PENDING,
    };
    uint32_t reg = registers[take(in, 1) % (sizeof(registers) / sizeof(*registers))];
    driver_register(reg);
    driver_set_register(reg, (uint32_t)take(in, 4));
}

/* Somewhere in RAM, at its end, or anywhere. */
static uint64_t take_address(struct input *in) {
    switch (take(in, 1) % 16) {
    case 0: return take(in, 8);
    case 1: return FAKE_RAM - take(in, 2);
    case 2: return DRIVER_LISTS + take(in, 1) * 8;
    default: return DRIVER_DATA + take(in, 1) * NVME_PAGE;
    }
}

static void put_list(struct input *in) {
    unsigned first = take(in, 1) % 2 != 0 ? 480 : 0;
    for (unsigned i = 0; i < 40; i++)
        driver_set_list(first + i, DRIVER_DATA + (i + take(in, 1) % 4) * NVME_PAGE);
    if (take(in, 1) % 2 != 0)
        driver_set_list((unsigned)take(in, 2) % 1024, take_address(in));
    driver_set_list(511, take(in, 1) % 2 != 0 ? DRIVER_LISTS : DRIVER_LISTS + NVME_PAGE);
}

static void submit(struct input *in, uint32_t sq, const struct nvme_entry *entry) {
    driver_put(sq, entry);
    if (take(in, 1) % 4 != 0)
        driver_ring(sq);
    uint8_t how = (uint8_t)take(in, 1);
    if (how & 1)
        driver_run();
    else if (how & 2)
        devices_serve(&vm_fake.vm, FAKE_DISK_BELL);
}

static void transfer(struct input *in) {
    static const uint8_t opcodes[] = { IO_READ, IO_READ, IO_WRITE, IO_WRITE, IO_FLUSH, IO_DATASET };
    uint8_t opcode = opcodes[take(in, 1) % sizeof(opcodes)];
    uint64_t sector = take(in, 2) * (take(in, 1) % 4);
    uint32_t count = (uint32_t)take(in, 2) % 260 + 1;
    struct nvme_entry entry = driver_transfer((enum io_opcode)opcode, (uint16_t)take(in, 1),
                                              sector, count);
    uint8_t how = (uint8_t)take(in, 1);
    put_list(in);
    if (how & 1)
        entry.prp1 = take_address(in) + take(in, 1) * 4;
    if (how & 2)
        entry.prp2 = how & 8 ? DRIVER_LISTS + (480 + how / 8) * 8 : take_address(in);
    if (how & 4)
        entry.dword12 |= IO_FORCED;
    if (opcode == IO_DATASET) {
        struct nvme_range range = { .sectors = (uint32_t)take(in, 3), .sector = take(in, 2) };
        entry.dword10 = (uint32_t)take(in, 1) % 3;
        entry.dword11 = DATASET_DEALLOCATE;
        for (unsigned i = 0; i < 2; i++)
            vm_fake_poke(DRIVER_DATA + i * sizeof(range), &range, sizeof(range));
    }
    submit(in, 1 + (uint32_t)take(in, 1) % 2, &entry);
}

static void administer(struct input *in) {
    static const uint8_t opcodes[] = {
        ADMIN_DELETE_SQ, ADMIN_CREATE_SQ, ADMIN_GET_LOG, ADMIN_DELETE_CQ, ADMIN_CREATE_CQ,
        ADMIN_IDENTIFY, ADMIN_ABORT, ADMIN_SET_FEATURES, ADMIN_GET_FEATURES, ADMIN_EVENT_REQUEST,
        ADMIN_DOORBELL_BUFFER,
    };
    struct nvme_entry entry = driver_entry(opcodes[take(in, 1) % sizeof(opcodes)],
                                           (uint16_t)take(in, 1));
    entry.namespace = (uint32_t)take(in, 1) % 3;
    entry.prp1 = take_address(in);
    entry.prp2 = take_address(in);
    entry.dword10 = (uint32_t)take(in, 1) % 16 | (uint32_t)take(in, 2) << 16;
    entry.dword11 = (uint32_t)take(in, 1) | (uint32_t)take(in, 1) % 8 << 16;
    submit(in, 0, &entry);
}

static void any_command(struct input *in) {
    struct nvme_entry entry = {
        .control = (uint32_t)take(in, 4), .namespace = (uint32_t)take(in, 1) % 3,
        .prp1 = take(in, 8), .prp2 = take(in, 8), .dword10 = (uint32_t)take(in, 4),
        .dword11 = (uint32_t)take(in, 4), .dword12 = (uint32_t)take(in, 4),
    };
    submit(in, (uint32_t)take(in, 1) % NVME_QUEUES, &entry);
}

/* Consumed, told or not. */
static void consume(struct input *in) {
    uint32_t cq = (uint32_t)take(in, 1) % 3;
    struct driver_done done;
    for (unsigned count = 0; count < DRIVER_IO_SIZE && driver_done(cq, &done); count++)
        continue;
    if (take(in, 1) % 4 != 0)
        driver_consume(cq);
}

static void poke(struct input *in) {
    static const uint32_t at[] = { DRIVER_SQS, DRIVER_SQS + DRIVER_QUEUE, DRIVER_DOORBELLS,
                                   DRIVER_EVENTS, DRIVER_LISTS, DRIVER_CQS };
    uint64_t value = take(in, 8);
    vm_fake_poke(at[take(in, 1) % 6] + take(in, 1) * 4, &value, 1u << take(in, 1) % 4);
}

static void any_access(struct input *in) {
    uint64_t at = DRIVER_BAR + take(in, 2) % NVME_BAR_SIZE;
    unsigned size = 1u << take(in, 1) % 4;
    vm_fake_load(at, size);
    vm_fake_store(at, size, take(in, 8));
}

static void start(struct input *in) {
    uint8_t how = (uint8_t)take(in, 1);
    driver_start();
    if (how & 1)
        driver_create_pair(2, 2);
    if (how & 2)
        driver_use_memory();
}

/* ---- The input ---- */

static void step(struct input *in) {
    switch (take(in, 1) % 16) {
    case 0: any_register(in); break;
    case 1: any_access(in); break;
    case 2:
    case 3:
    case 4: transfer(in); break;
    case 5:
    case 6: administer(in); break;
    case 7: consume(in); break;
    case 8: poke(in); break;
    case 9: start(in); break;
    case 10: hostile_mux_announce(take(in, 3), (uint16_t)take(in, 1)); break;
    case 11: hostile_mux_answer(in); break;
    case 12: take(in, 1) % 2 != 0 ? hostile_mux_speak(in) : hostile_mux_lie(in); break;
    case 13: vm_fake_config_write(DRIVER_PCI, (unsigned)take(in, 1), (uint32_t)take(in, 4)); break;
    case 14: any_command(in); break;
    default: hostile_mux_run(TURNS); break;
    }
}

/* Whatever was, once the multiplexer has answered all and the driver has begun anew. */
static void expect_a_working_controller(void) {
    struct nvme_entry entry = driver_transfer(IO_READ, 0x77, DRIVER_SECTORS, 1);
    struct driver_done done;
    entry.dword11 = UINT32_MAX;
    vm_fake_config_write(DRIVER_PCI, PCI_BAR, (uint32_t)DRIVER_BAR);
    vm_fake_config_write(DRIVER_PCI, PCI_COMMAND, 6);
    driver_set_register(NVME_CC, 0);
    hostile_mux_answer_all();
    driver_start();
    driver_submit(1, &entry);
    if (!driver_done(1, &done) || done.id != 0x77 || done.status != NVME_LBA_RANGE)
        abort();
}

static void run(struct input in, bool direct) {
    vm_fake_make(1);
    vm_fake_use_nvme();
    listed_begin(&vm_fake.vm.nvme[0].backend, direct);
    hostile_mux_begin();
    hostile_mux_announce(DRIVER_SECTORS, BLOCK_INFO_DISCARD);
    start(&in);
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    hostile_mux_run(TURNS);
    if (!hostile_mux_lied())
        expect_a_working_controller();
    vm_fake_free();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run((struct input){ data, size }, false);
    run((struct input){ data, size }, true);
    return 0;
}
