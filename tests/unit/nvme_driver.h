/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of an emulated NVMe controller, with one I/O queue pair or more, and the multiplexer
 * behind it, for unit tests and fuzz targets.
 */
#ifndef BULKHEAD_TESTS_NVME_DRIVER_H
#define BULKHEAD_TESTS_NVME_DRIVER_H

#include "tests/unit/mux_fake.h"
#include "tests/unit/vm_fake.h"

enum {
    DRIVER_SQS = 0x100000, DRIVER_CQS = 0x120000, DRIVER_QUEUE = 0x4000,   /* bytes of each */
    DRIVER_DOORBELLS = 0x140000, DRIVER_EVENTS = 0x141000, DRIVER_LISTS = 0x150000,
    DRIVER_ANSWER = 0x160000,        /* of an admin command */
    DRIVER_DATA = 0x200000,
    DRIVER_SECTORS = 100000,
    DRIVER_ADMIN_SIZE = 8, DRIVER_IO_SIZE = 8,
    DRIVER_VECTOR = 0x50,            /* of the admin queue; the next ones: the others' */
};
#define DRIVER_BAR FAKE_NVME_BAR
#define DRIVER_PCI 3u

struct driver_done { uint32_t result; uint16_t head, sq, id, status; };

/* Its own view of each pair, as a test may want to change it. */
struct driver_pair {
    uint32_t size, tail, head;
    bool phase;
    bool in_memory;                  /* doorbells in memory */
    unsigned rings;                  /* writes to the registers */
};
extern struct driver_pair driver_pair[NVME_QUEUES];

uint32_t driver_register(uint32_t reg);
void driver_set_register(uint32_t reg, uint32_t value);

/* Bus mastering, MSI-X, admin queues, enabled; nothing is created yet. */
void driver_enable(void);
/* And I/O queue pair 1, which interrupts by vector 1. */
void driver_start(void);
void driver_create_pair(uint32_t number, uint32_t vector);
/* Doorbells in memory for all I/O queues. */
void driver_use_memory(void);

/* A command: opcode, identifier, data at DRIVER_DATA as one or two pages or a list. */
struct nvme_entry driver_entry(uint8_t opcode, uint16_t id);
struct nvme_entry driver_transfer(enum io_opcode opcode, uint16_t id, uint64_t sector,
                                  uint32_t count);
/* PRP list entry `number` of the list at DRIVER_LISTS. */
void driver_set_list(unsigned number, uint64_t address);

/* Puts it into a queue; rings as a driver does; lets the I/O thread work. */
void driver_put(uint32_t sq, const struct nvme_entry *entry);
void driver_ring(uint32_t sq);
void driver_submit(uint32_t sq, const struct nvme_entry *entry);
/* The next completion, which is consumed; false: there is none. */
bool driver_done(uint32_t cq, struct driver_done *done);
/* The same, and tells the controller. */
void driver_consume(uint32_t cq);
/* An admin command from put to completion; answers its status, or 0xffff: it has none yet. */
uint16_t driver_admin(const struct nvme_entry *entry, uint32_t *result);

/* For cmocka: a VM whose disk the driver has started; its end. */
int driver_setup(void **state);
int driver_teardown(void **state);

void driver_run(void);
/* Until the VM waits for notifications: then each of its threads looks only at what it hears of. */
void driver_settle(void);
const uint8_t *driver_ram(uint64_t at, uint64_t size);
uint32_t driver_word(uint64_t at);

#endif
