/* SPDX-License-Identifier: BSD-2-Clause */
/* See nvme_driver.h. */
#include "tests/unit/nvme_driver.h"

#include <string.h>

struct driver_pair driver_pair[NVME_QUEUES];

uint32_t driver_register(uint32_t reg) { return (uint32_t)vm_fake_load(DRIVER_BAR + reg, 4); }
void driver_set_register(uint32_t reg, uint32_t value) {
    vm_fake_store(DRIVER_BAR + reg, 4, value);
}

void driver_run(void) { devices_run(&vm_fake.vm); }

void driver_settle(void) {
    while (!devices_settle(&vm_fake.vm))
        driver_run();
}

const uint8_t *driver_ram(uint64_t at, uint64_t size) {
    return guest_range(&vm_fake.vm.memory, (struct gpa){ at }, size);
}

uint32_t driver_word(uint64_t at) {
    uint32_t value;
    memcpy(&value, driver_ram(at, sizeof(value)), sizeof(value));
    return value;
}

/* ---- Setting up ---- */

static void start_pair(uint32_t number, uint32_t size) {
    static const uint8_t nothing[DRIVER_QUEUE];
    driver_pair[number] = (struct driver_pair){ .size = size, .phase = true };
    vm_fake_poke(DRIVER_CQS + number * DRIVER_QUEUE, nothing, DRIVER_QUEUE);
}

static void start_messages(void) {
    enum { MSIX_CONTROL = 0x40 };
    vm_fake_config_write(DRIVER_PCI, PCI_COMMAND, 6);
    vm_fake_config_write(DRIVER_PCI, MSIX_CONTROL, 0x80000000u);
    for (uint32_t i = 0; i < NVME_QUEUES; i++) {
        driver_set_register(NVME_MSIX + PCI_MSIX_ENTRY * i, 0xfee00000);
        driver_set_register(NVME_MSIX + PCI_MSIX_ENTRY * i + 8, DRIVER_VECTOR + i);
        driver_set_register(NVME_MSIX + PCI_MSIX_ENTRY * i + 12, 0);
    }
}

void driver_enable(void) {
    start_messages();
    driver_set_register(NVME_CC, 0);
    for (uint32_t i = 0; i < NVME_QUEUES; i++)
        start_pair(i, i == 0 ? DRIVER_ADMIN_SIZE : DRIVER_IO_SIZE);
    driver_set_register(NVME_AQA, (DRIVER_ADMIN_SIZE - 1) * 0x10001u);
    vm_fake_store(DRIVER_BAR + NVME_ASQ, 8, DRIVER_SQS);
    vm_fake_store(DRIVER_BAR + NVME_ACQ, 8, DRIVER_CQS);
    driver_set_register(NVME_CC, CC_EN | 6u << 16 | 4u << 20);
    driver_run();
}

void driver_create_pair(uint32_t number, uint32_t vector) {
    struct nvme_entry cq = driver_entry(ADMIN_CREATE_CQ, 1);
    struct nvme_entry sq = driver_entry(ADMIN_CREATE_SQ, 2);
    cq.prp1 = DRIVER_CQS + number * DRIVER_QUEUE;
    cq.dword10 = sq.dword10 = number | (DRIVER_IO_SIZE - 1) << 16;
    cq.dword11 = CREATE_CONTIGUOUS | CREATE_INTERRUPTS | vector << 16;
    sq.prp1 = DRIVER_SQS + number * DRIVER_QUEUE;
    sq.dword11 = CREATE_CONTIGUOUS | number << 16;
    driver_admin(&cq, NULL);
    driver_admin(&sq, NULL);
    start_pair(number, DRIVER_IO_SIZE);
}

void driver_start(void) {
    driver_enable();
    driver_create_pair(1, 1);
}

void driver_use_memory(void) {
    static const uint8_t nothing[NVME_PAGE];
    struct nvme_entry entry = driver_entry(ADMIN_DOORBELL_BUFFER, 7);
    vm_fake_poke(DRIVER_DOORBELLS, nothing, NVME_PAGE);
    vm_fake_poke(DRIVER_EVENTS, nothing, NVME_PAGE);
    entry.prp1 = DRIVER_DOORBELLS;
    entry.prp2 = DRIVER_EVENTS;
    driver_admin(&entry, NULL);
    for (uint32_t i = 1; i < NVME_QUEUES; i++)
        driver_pair[i].in_memory = true;
}

/* ---- Commands ---- */

struct nvme_entry driver_entry(uint8_t opcode, uint16_t id) {
    return (struct nvme_entry){ .control = opcode | (uint32_t)id << CONTROL_ID_SHIFT };
}

void driver_set_list(unsigned number, uint64_t address) {
    vm_fake_poke(DRIVER_LISTS + number * sizeof(address), &address, sizeof(address));
}

struct nvme_entry driver_transfer(enum io_opcode opcode, uint16_t id, uint64_t sector,
                                  uint32_t count) {
    struct nvme_entry entry = driver_entry((uint8_t)opcode, id);
    uint32_t pages = (count * BLOCK_SECTOR + NVME_PAGE - 1) / NVME_PAGE;
    entry.namespace = 1;
    entry.prp1 = DRIVER_DATA;
    entry.prp2 = pages == 2 ? DRIVER_DATA + NVME_PAGE : pages > 2 ? DRIVER_LISTS : 0;
    entry.dword10 = (uint32_t)sector;
    entry.dword11 = (uint32_t)(sector >> 32);
    entry.dword12 = count - 1;
    for (uint32_t i = 1; pages > 2 && i < pages; i++)
        driver_set_list(i - 1, DRIVER_DATA + i * NVME_PAGE);
    return entry;
}

/* Where the words of an entry are: "Submission Queue Entry". */
void driver_put(uint32_t sq, const struct nvme_entry *entry) {
    struct driver_pair *pair = &driver_pair[sq];
    uint32_t words[16] = { entry->control, entry->namespace };
    memcpy(&words[6], &entry->prp1, 8);
    memcpy(&words[8], &entry->prp2, 8);
    words[10] = entry->dword10;
    words[11] = entry->dword11;
    words[12] = entry->dword12;
    words[13] = entry->dword13;
    vm_fake_poke(DRIVER_SQS + sq * DRIVER_QUEUE + pair->tail * SQ_ENTRY, words, sizeof(words));
    pair->tail = (pair->tail + 1) % pair->size;
}

/* As Linux has it: in memory, and by the register when the event index is passed. */
static void ring(struct driver_pair *pair, uint32_t doorbell, uint32_t value) {
    uint32_t at = doorbell * NVME_DOORBELL;
    if (pair->in_memory) {
        uint16_t old = (uint16_t)driver_word(DRIVER_DOORBELLS + at);
        vm_fake_poke(DRIVER_DOORBELLS + at, &value, sizeof(value));
        uint16_t event = (uint16_t)driver_word(DRIVER_EVENTS + at);
        if ((uint16_t)(value - event - 1) >= (uint16_t)(value - old))
            return;
    }
    pair->rings++;
    driver_set_register(NVME_DOORBELLS + at, value);
}

void driver_ring(uint32_t sq) { ring(&driver_pair[sq], 2 * sq, driver_pair[sq].tail); }
void driver_consume(uint32_t cq) { ring(&driver_pair[cq], 2 * cq + 1, driver_pair[cq].head); }

void driver_submit(uint32_t sq, const struct nvme_entry *entry) {
    driver_put(sq, entry);
    driver_ring(sq);
    driver_run();
}

bool driver_done(uint32_t cq, struct driver_done *done) {
    struct driver_pair *pair = &driver_pair[cq];
    uint64_t at = DRIVER_CQS + cq * DRIVER_QUEUE + pair->head * CQ_ENTRY;
    uint32_t queue = driver_word(at + 8);
    uint32_t status = driver_word(at + 12);
    if ((status >> 16 & 1) != pair->phase)
        return false;
    *done = (struct driver_done){ driver_word(at), (uint16_t)queue, (uint16_t)(queue >> 16),
                                  (uint16_t)status, (uint16_t)(status >> 17) };
    pair->head = (pair->head + 1) % pair->size;
    pair->phase ^= pair->head == 0;
    return true;
}

uint16_t driver_admin(const struct nvme_entry *entry, uint32_t *result) {
    struct driver_done done;
    driver_submit(0, entry);
    if (!driver_done(0, &done))
        return 0xffff;
    driver_consume(0);
    if (result)
        *result = done.result;
    return done.status;
}

int driver_setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_nvme();
    mux_announce(DRIVER_SECTORS, BLOCK_INFO_DISCARD);
    driver_start();
    return 0;
}

int driver_teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}
