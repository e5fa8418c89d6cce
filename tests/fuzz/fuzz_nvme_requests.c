/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile multiplexer and hostile clients of the NVMe driver: requests of all kinds, and lists
 * (lib/block) that name anything. Whatever they ask, each command moves data from or to its own
 * client's area or memory, in sectors of the disk, and every request is answered.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/nvme/nvme.h"
#include "lib/mmio/mmio.h"
#include "tests/fuzz/input.h"
#include "tests/unit/link_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 3, AREA = 1 << 17, PART = 1 << 15, LISTS = 4, ENTRIES = LISTS * BLOCK_LIST / 8,
       APART = 1 << 24, RINGS_IOVA = 0x1000, PAGE = 4096, BLOCKS = 100, PER_BLOCK = 8, STEPS = 200,
       DOORBELL_SUBMISSION = NVME_DOORBELLS + 8 };

static uint32_t registers[NVME_BAR_SIZE / 4];
static struct nvme_rings rings;
static struct nvme nvme;
static struct link_pair pair;
static struct ring mux;
static uint64_t lists[CLIENTS][ENTRIES];
static uint32_t client_of[STEPS + 1], asked, answered, submitted, done;

static void check(bool good) {
    if (!good)
        abort();
}

static uint64_t area_at(uint32_t client) { return (uint64_t)(3 * client + 1) * APART; }
static uint64_t low_at(uint32_t client) { return area_at(client) + APART; }
static uint64_t high_at(uint32_t client) { return area_at(client) + 2 * APART; }

static bool lies_in(uint64_t at, uint64_t bytes, uint64_t base, uint64_t size) {
    return at >= base && block_within(at - base, bytes, size);
}

/* Client 0 has no memory that the disk reaches. */
static bool is_own(uint32_t client, uint64_t at, uint64_t bytes) {
    return lies_in(at, bytes, area_at(client), AREA) ||
           (client > 0 && (lies_in(at, bytes, low_at(client), PART) ||
                           lies_in(at, bytes, high_at(client), PART)));
}

static uint64_t further_page(const struct nvme_command *command, uint32_t index, bool listed) {
    uint64_t offset = command->prp2 - RINGS_IOVA + index * sizeof(uint64_t);
    uint64_t page;

    if (!listed)
        return command->prp2;
    check(block_within(offset, sizeof(page), sizeof(rings)));
    memcpy(&page, (const uint8_t *)&rings + offset, sizeof(page));
    return page;
}

static void check_transfer(const struct nvme_command *command, uint32_t client) {
    uint64_t left = (uint64_t)(command->dword12 + 1) * PAGE;
    uint64_t at = command->prp1;
    bool listed = left > PAGE - at % PAGE + PAGE;

    check(block_within(command->dword10, command->dword12 + 1, BLOCKS) && command->dword11 == 0);
    for (uint32_t i = 0; left > 0; i++) {
        uint64_t part = PAGE - at % PAGE < left ? PAGE - at % PAGE : left;

        check(is_own(client, at, part) && (i == 0 || at % PAGE == 0));
        left -= part;
        at = left > 0 ? further_page(command, i, listed) : 0;
    }
}

static void execute(const struct nvme_command *command) {
    volatile struct nvme_completion *entry = &rings.done[done % NVME_DEPTH];
    uint32_t tag = nvme.tag[command->id];

    check(tag > 0 && tag <= asked);
    if (command->opcode == NVME_READ || command->opcode == NVME_WRITE)
        check_transfer(command, client_of[tag]);
    entry->id = command->id;
    entry->status = (done / NVME_DEPTH + 1) % 2;
    done++;
}

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    (void)base;
    return registers[offset / 4];
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    (void)base;
    while (offset == DOORBELL_SUBMISSION && submitted % NVME_DEPTH != value)
        execute(&rings.command[submitted++ % NVME_DEPTH]);
}

static void make(void) {
    memset(lists, 0, sizeof(lists));
    memset(&rings, 0, sizeof(rings));
    nvme = (struct nvme){ .registers = registers, .rings = &rings, .rings_iova = RINGS_IOVA,
                          .ready = true, .queues = true, .known = true, .running = true,
                          .stride = 4, .sectors = BLOCKS * PER_BLOCK,
                          .sectors_per_block = PER_BLOCK, .discards = true };
    for (uint16_t id = 0; id < NVME_DEPTH - 1; id++)
        nvme.free[nvme.free_count++] = id;
    for (uint32_t i = 0; i < CLIENTS; i++)
        nvme.area[i] = (struct nvme_area){ area_at(i), AREA };
    for (uint32_t i = 1; i < CLIENTS; i++)
        nvme.memory[i] = (struct nvme_memory){
            .lists = lists[i], .lists_size = sizeof(lists[i]), .size = 2 * PART, .low_size = PART,
            .low_iova = low_at(i), .high_iova = high_at(i) };
    link_pair_make(&pair, 8192, 4096);
    ring_open(&nvme.link, &pair.a, 1);
    ring_open(&mux, &pair.b, 2);
    for (unsigned i = 0; i < 2; i++) {
        ring_check(&nvme.link);
        ring_check(&mux);
    }
    asked = answered = submitted = done = 0;
}

static void ask(struct ring_descriptor request) {
    if (ring_space(&mux) == 0)
        return;
    asked++;
    client_of[asked] = block_client(request);
    request.extra = block_extra(block_lba(request), asked);
    ring_put(&mux, request);
}

static void ask_any(struct input *in) {
    ask((struct ring_descriptor){ .kind = (uint8_t)take(in, 1), .port = (uint8_t)take(in, 1),
                                  .offset = (uint32_t)take(in, 4), .length = (uint16_t)take(in, 2),
                                  .extra = take(in, 6) });
}

static void ask_listed(struct input *in) {
    ask((struct ring_descriptor){ .kind = (uint8_t)(BLOCK_READ + take(in, 1) % 2),
                                  .port = (uint8_t)(BLOCK_LISTED | take(in, 1) % (CLIENTS + 1)),
                                  .offset = (uint32_t)take(in, 1) % (LISTS + 1) * BLOCK_LIST,
                                  .length = (uint16_t)(PER_BLOCK * (take(in, 1) % 34)),
                                  .extra = PER_BLOCK * (take(in, 1) % BLOCKS) });
}

static void list(struct input *in, uint64_t value) {
    lists[take(in, 1) % CLIENTS][take(in, 1) % ENTRIES] = value;
}

static void turn(void) {
    uint32_t notify = BH_NONE;

    ring_flush(&mux);
    nvme_turn(&nvme);
    nvme_settle(&nvme, &notify);
    for (; ring_available(&mux) > 0; ring_done(&mux, 1))
        answered += ring_get(&mux).kind == BLOCK_DONE;
    ring_flush(&mux);
}

static void step(struct input *in) {
    switch (take(in, 1) % 6) {
    case 0: ask_any(in); break;
    case 1:
    case 2: ask_listed(in); break;
    case 3: list(in, take(in, 8)); break;
    case 4: list(in, PAGE * (take(in, 1) % (2 * PART / PAGE + 1))); break;
    default: turn(); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };

    make();
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    for (unsigned i = 0; i < STEPS; i++)
        turn();
    check(answered == asked);
    link_pair_free(&pair);
    return 0;
}
