/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controller's queues and requests (drivers/nvme/nvme.h); starting it is in start.c. Touches its
 * doorbells, its rings and its link.
 */
#include "drivers/nvme/nvme.h"

#include "drivers/nvme/queue.h"
#include "lib/mmio/mmio.h"

enum { PAGE = BLOCK_PAGE, QUEUE_IO = 1 };

void nvme_tell(struct nvme *nvme) {
    ring_put(&nvme->link, (struct ring_descriptor){
        .kind = BLOCK_INFO, .extra = block_extra(nvme->sectors, 0),
        .offset = nvme->sectors_per_block * BLOCK_SECTOR,
        .length = nvme->discards ? BLOCK_INFO_DISCARD : 0 });
}

static void use_list(const struct nvme *nvme, struct nvme_command *command, uint32_t id) {
    command->prp2 = nvme->rings_iova + offsetof(struct nvme_rings, list) +
                    (uint64_t)id * sizeof(nvme->rings->list[0]);
}

/* Physical region pages (NVMe 4.3): the first may begin anywhere, further ones are whole pages; two
 * stand in the command, more in the list that belongs to the command's id. */
static void set_pages(struct nvme *nvme, struct nvme_command *command, uint32_t id,
                      uint64_t address, uint64_t bytes) {
    uint64_t first = PAGE - address % PAGE;
    uint64_t next = address + first;
    uint32_t pages = bytes <= first ? 0 : (uint32_t)((bytes - first + PAGE - 1) / PAGE);

    command->prp1 = address;
    command->prp2 = pages == 0 ? 0 : next;
    if (pages < 2)
        return;
    for (uint32_t i = 0; i < pages && i < NVME_PRPS; i++)
        nvme->rings->list[id][i] = next + (uint64_t)i * PAGE;
    use_list(nvme, command, id);
}

/* The same for pages that a list names; false: one isn't the client's. Each entry is read once. */
static bool set_listed_pages(struct nvme *nvme, struct nvme_command *command, uint32_t id,
                             struct ring_descriptor request) {
    const struct nvme_memory memory = nvme->memory[block_client(request)];
    const volatile uint64_t *list = memory.lists + request.offset / sizeof(*list);
    uint64_t *further = nvme->rings->list[id];
    uint64_t bytes = (uint64_t)request.length * BLOCK_SECTOR;
    uint64_t offset = list[0];
    uint64_t first = PAGE - offset % PAGE < bytes ? PAGE - offset % PAGE : bytes;
    uint32_t pages = (uint32_t)((bytes - first + PAGE - 1) / PAGE);
    uint64_t at;

    if (!nvme_memory_at(&memory, offset, first, &at) || offset % sizeof(uint32_t) != 0)
        return false;
    command->prp1 = at;
    for (uint32_t i = 0; i < pages; i++) {
        offset = list[i + 1];
        if (!nvme_memory_at(&memory, offset, PAGE, &at) || offset % PAGE != 0)
            return false;
        further[i] = at;
    }
    command->prp2 = at;
    if (pages > 1)
        use_list(nvme, command, id);
    return true;
}

/* One range, in the list that belongs to the id (NVMe 6.7). */
static void set_range(struct nvme *nvme, struct nvme_command *command, uint32_t id,
                      uint64_t first, uint32_t blocks) {
    nvme->rings->list[id][0] = (uint64_t)blocks << 32;
    nvme->rings->list[id][1] = first;
    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, list) +
                    (uint64_t)id * sizeof(nvme->rings->list[0]);
    command->prp2 = 0;
    command->dword10 = 0;
    command->dword11 = DATASET_DEALLOCATE;
}

static bool set_transfer(struct nvme *nvme, struct nvme_command *command, uint32_t id,
                         struct ring_descriptor request) {
    uint64_t first = block_lba(request) / nvme->sectors_per_block;
    uint32_t blocks = request.length / nvme->sectors_per_block;
    uint64_t address = nvme->area[block_client(request)].iova + request.offset;

    command->dword10 = (uint32_t)first;
    command->dword11 = (uint32_t)(first >> 32);
    command->dword12 = blocks - 1;
    if (block_listed(request))
        return set_listed_pages(nvme, command, id, request);
    set_pages(nvme, command, id, address, (uint64_t)request.length * BLOCK_SECTOR);
    return true;
}

static uint8_t opcode_of(uint8_t kind) {
    switch (kind) {
    case BLOCK_READ:    return NVME_READ;
    case BLOCK_WRITE:   return NVME_WRITE;
    case BLOCK_DISCARD: return NVME_DATASET;
    default:            return NVME_FLUSH;
    }
}

/* False: its list names what isn't the client's; then it isn't a command. */
static bool submit(struct nvme *nvme, struct ring_descriptor request) {
    uint32_t id = nvme->free[nvme->free_count - 1];
    struct nvme_command *command = &nvme->rings->command[nvme->tail % NVME_DEPTH];

    nvme_clear_command(command, opcode_of(request.kind), id);
    command->space = 1;
    if (request.kind == BLOCK_DISCARD)
        set_range(nvme, command, id, block_lba(request) / nvme->sectors_per_block,
                  request.length / nvme->sectors_per_block);
    else if (request.kind != BLOCK_FLUSH && !set_transfer(nvme, command, id, request))
        return false;
    nvme->tag[id] = (uint16_t)block_tag(request);
    nvme->busy[id] = true;
    nvme->free_count--;
    nvme->tail++;
    return true;
}

/* Whether the client has a list there; what it names is looked at when it is followed. */
static bool has_list(const struct nvme_memory *memory, uint32_t offset) {
    return offset % BLOCK_LIST == 0 && ring_inside(offset, BLOCK_LIST, memory->lists_size);
}

static bool acceptable(const struct nvme *nvme, struct ring_descriptor request) {
    uint32_t client = block_client(request);
    bool aligned = block_lba(request) % nvme->sectors_per_block == 0 &&
                   request.length % nvme->sectors_per_block == 0;

    if (client >= NVME_AREAS || !block_valid(request, nvme->area[client].size) ||
        (request.kind == BLOCK_DISCARD && !nvme->discards))
        return false;
    if (block_listed(request) && !has_list(&nvme->memory[client], request.offset))
        return false;
    return request.kind == BLOCK_FLUSH ||
           (aligned && block_within(block_lba(request), request.length, nvme->sectors));
}

static uint32_t in_flight(const struct nvme *nvme) {
    return NVME_DEPTH - 1 - nvme->free_count;
}

/* Requests that can be taken now: an id and room for the answer are there for each. */
static uint32_t takeable(struct nvme *nvme) {
    uint32_t available = ring_available(&nvme->link);
    uint32_t space, room, most;

    if (available == 0)
        return 0;
    space = ring_space(&nvme->link);
    room = space > in_flight(nvme) ? space - in_flight(nvme) : 0;
    most = room < nvme->free_count ? room : nvme->free_count;
    return available < most ? available : most;
}

static void take_requests(struct nvme *nvme) {
    uint32_t count = takeable(nvme);
    uint32_t before = nvme->tail;

    for (uint32_t i = 0; i < count && i < NVME_SHARE; i++) {
        struct ring_descriptor request = ring_get(&nvme->link);

        ring_done(&nvme->link, 1);
        if (!acceptable(nvme, request) || !submit(nvme, request))
            block_answer(&nvme->link, block_tag(request), BLOCK_REFUSED);
    }
    if (nvme->tail != before)
        nvme_ring_submission(nvme, QUEUE_IO, nvme->tail % NVME_DEPTH);
}

static void answer(struct nvme *nvme, uint32_t id, uint16_t status) {
    if (id >= NVME_DEPTH || !nvme->busy[id]) {
        nvme->stray++;
        return;
    }
    nvme->busy[id] = false;
    nvme->free[nvme->free_count++] = (uint16_t)id;
    block_answer(&nvme->link, nvme->tag[id], status >> 1 == 0 ? BLOCK_OK : BLOCK_FAILED);
}

static void take_answers(struct nvme *nvme) {
    uint32_t before = nvme->head;

    for (uint32_t i = 0; i < NVME_DEPTH; i++) {
        volatile struct nvme_completion *done = &nvme->rings->done[nvme->head % NVME_DEPTH];
        uint16_t status = done->status;

        if ((status & 1) != (nvme->head / NVME_DEPTH + 1) % 2)
            break;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        answer(nvme, done->id, status);
        nvme->head++;
    }
    if (nvme->head != before)
        nvme_ring_completion(nvme, QUEUE_IO, nvme->head % NVME_DEPTH);
}

void nvme_turn(struct nvme *nvme) {
    if (!nvme->running || !ring_up(&nvme->link))
        return;
    take_answers(nvme);
    take_requests(nvme);
}

/* Requests that can't be taken wait for the device's next interrupt, or for the other end to take
 * answers. */
bool nvme_settle(struct nvme *nvme, uint32_t *notify) {
    ring_flush_messages(&nvme->link, notify);
    if (ring_sleep(&nvme->link) || !nvme->running)
        return true;
    if (takeable(nvme) > 0)
        return false;
    return in_flight(nvme) > 0 || ring_await_space(&nvme->link);
}
