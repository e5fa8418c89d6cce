/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk, the device's side.
 */
#include "vmm/virtio/disk.h"

#include "lib/c/string.h"

/* virtio 5.2.6: request types and what the status byte says. */
enum request_type { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, TYPE_GET_ID = 8, TYPE_DISCARD = 11 };
enum request_status { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_UNSUPPORTED = 2 };
enum { HEADER_SIZE = 16, HEADER_SECTOR = 8, STATUS_SIZE = 1, ID_SIZE = 20 };
/* virtio 5.2.6: what follows the header of a discard; we take one such segment. */
struct discard_segment { uint64_t sector; uint32_t sectors; uint32_t flags; };
_Static_assert(sizeof(struct discard_segment) == 16, "virtio 5.2.6");

/* virtio 5.2.4: the configuration. */
enum config { CONFIG_CAPACITY = 0, CONFIG_SIZE_MAX = 8, CONFIG_SEG_MAX = 12, CONFIG_BLK_SIZE = 20,
              CONFIG_DISCARD_SECTORS = 36, CONFIG_DISCARD_SEGMENTS = 40,
              CONFIG_DISCARD_ALIGNMENT = 44, CONFIG_END = 48 };

#define FEATURE_SIZE_MAX (1ull << 1)
#define FEATURE_SEG_MAX  (1ull << 2)
#define FEATURE_READONLY (1ull << 5)
#define FEATURE_BLK_SIZE (1ull << 6)
#define FEATURE_FLUSH    (1ull << 9)
#define FEATURE_DISCARD  (1ull << 13)

/* Segments of a page each fit into a slot, header and status into the chain beside them. */
enum { SEGMENTS = VIRTQUEUE_CHAIN - 2, SEGMENT_SIZE = 4096 };
/* Of one request, in all its parts. */
#define REQUEST_MOST (1u << 30)
_Static_assert((uint64_t)SEGMENTS * SEGMENT_SIZE <= DISK_SLOT, "a request fits into a slot");

static void put_config(struct disk *disk, unsigned offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        disk->device.config[offset + i] = (uint8_t)(value >> (8 * i));
}

void disk_create(struct disk *disk, const struct guest_memory *memory, uint32_t memory_base,
                 uint16_t notify_port, uint32_t notify_size) {
    struct virtio_identity identity = {
        .device = 2, .class = 0x018000, .queues = 1,
        .features = FEATURE_SIZE_MAX | FEATURE_SEG_MAX | FEATURE_BLK_SIZE | FEATURE_FLUSH,
    };
    identity.features |= disk->readonly ? FEATURE_READONLY : FEATURE_DISCARD;
    virtio_create(&disk->device, &identity, memory, memory_base, notify_port, notify_size);
    disk->device.config_size = CONFIG_END;
    put_config(disk, CONFIG_CAPACITY, 8, disk->sectors);
    put_config(disk, CONFIG_SIZE_MAX, 4, SEGMENT_SIZE);
    put_config(disk, CONFIG_SEG_MAX, 4, SEGMENTS);
    put_config(disk, CONFIG_BLK_SIZE, 4, BLOCK_SECTOR);
    put_config(disk, CONFIG_DISCARD_SECTORS, 4, BLOCK_DISCARD_MOST);
    put_config(disk, CONFIG_DISCARD_SEGMENTS, 4, 1);
    put_config(disk, CONFIG_DISCARD_ALIGNMENT, 4, 1);
    uint64_t slots = disk->link.out_size / DISK_SLOT;
    disk->slots = slots < DISK_SLOTS ? (uint32_t)slots : DISK_SLOTS;
    disk->present = true;
    disk_forget(disk);
}

void disk_forget(struct disk *disk) {
    for (unsigned i = 0; i < DISK_SLOTS; i++)
        disk->request[i].abandoned = true;
}

/* ---- Requests of the guest ---- */

static struct disk_request *free_request(struct disk *disk) {
    for (unsigned i = 0; i < disk->slots; i++)
        if (!disk->request[i].under_way)
            return &disk->request[i];
    return NULL;
}

/* Ends a chain: `written` bytes of data are in it, the status goes into its last byte. */
static void finish(struct disk *disk, const struct virtqueue_chain *chain, uint32_t written,
                   enum request_status status) {
    uint8_t byte = (uint8_t)status;
    virtqueue_scatter(chain, (uint32_t)chain->writable_size - STATUS_SIZE, &byte, STATUS_SIZE);
    virtqueue_push(&disk->device.queue[0], chain->head, written + STATUS_SIZE);
}

static void answer_id(struct disk *disk, const struct virtqueue_chain *chain) {
    static const char id[ID_SIZE] = "bulkhead";
    uint64_t room = chain->writable_size - STATUS_SIZE;
    uint32_t size = room < ID_SIZE ? (uint32_t)room : ID_SIZE;
    virtqueue_scatter(chain, 0, id, size);
    finish(disk, chain, size, STATUS_OK);
}

struct header { uint32_t type; uint64_t sector; uint64_t bytes; };

/* A segment of another form asks for nothing: zero bytes. */
static void read_segment(const struct virtqueue_chain *chain, struct header *header) {
    struct discard_segment segment;
    if (chain->readable_size != HEADER_SIZE + sizeof(segment))
        return;
    virtqueue_gather(chain, HEADER_SIZE, (uint8_t *)&segment, sizeof(segment));
    header->sector = segment.sector;
    header->bytes = segment.flags == 0 ? (uint64_t)segment.sectors * BLOCK_SECTOR : 0;
}

static struct header read_header(const struct virtqueue_chain *chain) {
    uint8_t bytes[HEADER_SIZE];
    struct header header = { 0 };
    virtqueue_gather(chain, 0, bytes, HEADER_SIZE);
    memcpy(&header.type, bytes, sizeof(header.type));
    memcpy(&header.sector, bytes + HEADER_SECTOR, sizeof(header.sector));
    if (header.type == TYPE_IN)
        header.bytes = chain->writable_size - STATUS_SIZE;
    else if (header.type == TYPE_OUT)
        header.bytes = chain->readable_size - HEADER_SIZE;
    else if (header.type == TYPE_DISCARD)
        read_segment(chain, &header);
    return header;
}

/* A driver that doesn't care for our limits (5.2.5) may ask for more than fits into a slot. */
static bool is_good(const struct disk *disk, const struct header *header) {
    uint64_t most = header->type == TYPE_DISCARD ? (uint64_t)BLOCK_DISCARD_MOST * BLOCK_SECTOR
                                                 : REQUEST_MOST;
    bool sized = header->bytes != 0 && header->bytes <= most && header->bytes % BLOCK_SECTOR == 0;
    bool allowed = header->type == TYPE_IN || !disk->readonly;
    return sized && allowed &&
           block_within(header->sector, header->bytes / BLOCK_SECTOR, disk->sectors);
}

/* The operation on the link; 0: there is none. */
static uint8_t kind_of(const struct disk *disk, uint32_t type) {
    switch (type) {
    case TYPE_IN: return BLOCK_READ;
    case TYPE_OUT: return BLOCK_WRITE;
    case TYPE_FLUSH: return BLOCK_FLUSH;
    case TYPE_DISCARD: return disk->discards ? BLOCK_DISCARD : 0;
    default: return 0;
    }
}

/* Sends the request's next part, as much as fits into its slot; there is room in the ring. */
static void send_part(struct disk *disk, struct disk_request *request) {
    uint32_t tag = (uint32_t)(request - disk->request);
    uint8_t kind = request->message.kind;
    uint32_t left = request->bytes - request->done;
    uint32_t part = kind != BLOCK_DISCARD && left > DISK_SLOT ? DISK_SLOT : left;
    if (kind == BLOCK_WRITE)
        virtqueue_gather(&request->chain, HEADER_SIZE + request->done,
                         disk->link.out + tag * DISK_SLOT, part);
    request->waits = false;
    request->message.length = (uint16_t)(part / BLOCK_SECTOR);
    request->message.extra = block_extra(request->sector + request->done / BLOCK_SECTOR, tag);
    ring_put(&disk->link, request->message);
}

static void submit(struct disk *disk, struct disk_request *request, uint8_t kind,
                   const struct virtqueue_chain *chain, const struct header *header) {
    uint32_t tag = (uint32_t)(request - disk->request);
    *request = (struct disk_request){
        .under_way = true, .sector = kind == BLOCK_FLUSH ? 0 : header->sector,
        .bytes = (uint32_t)header->bytes, .chain = *chain,
        .message = { .kind = kind, .offset = tag * DISK_SLOT },
    };
    send_part(disk, request);
}

/* One chain of the guest's, for which there is a free slot and room in the ring. */
static bool take(struct disk *disk, struct disk_request *request,
                 const struct virtqueue_chain *chain) {
    if (chain->readable_size < HEADER_SIZE || chain->writable_size < STATUS_SIZE)
        return false;
    struct header header = read_header(chain);
    uint8_t kind = kind_of(disk, header.type);
    if (header.type == TYPE_GET_ID)
        answer_id(disk, chain);
    else if (kind == 0)
        finish(disk, chain, 0, STATUS_UNSUPPORTED);
    else if (kind != BLOCK_FLUSH && !is_good(disk, &header))
        finish(disk, chain, 0, STATUS_FAILED);
    else
        submit(disk, request, kind, chain, &header);
    return true;
}

static bool take_requests(struct disk *disk, unsigned budget) {
    struct virtqueue_chain chain;
    for (unsigned i = 0; i < budget; i++) {
        struct disk_request *request = free_request(disk);
        if (!request || ring_space(&disk->link) == 0)
            return false;
        enum virtqueue_result result = virtqueue_pop(&disk->device.queue[0], &chain);
        if (result == VIRTQUEUE_EMPTY)
            return false;
        if (result == VIRTQUEUE_BROKEN || !take(disk, request, &chain)) {
            virtio_fail(&disk->device);
            return false;
        }
    }
    return true;
}

/* ---- Answers of the server ---- */

/* The part that was under way has ended well. */
static void take_part(struct disk *disk, struct disk_request *request) {
    uint32_t part = request->message.length * (uint32_t)BLOCK_SECTOR;
    if (request->message.kind == BLOCK_READ)
        virtqueue_scatter(&request->chain, request->done, disk->link.out + request->message.offset,
                          part);
    request->done += part;
}

static void complete(struct disk *disk, struct disk_request *request, uint32_t status) {
    bool read = request->message.kind == BLOCK_READ;
    bool nobody_waits = request->abandoned || !virtio_ready(&disk->device);
    if (!nobody_waits && status == BLOCK_OK)
        take_part(disk, request);
    if (!nobody_waits && status == BLOCK_OK && request->done < request->bytes) {
        request->waits = true;
        return;
    }
    request->under_way = false;
    if (!nobody_waits)
        finish(disk, &request->chain, read ? request->done : 0,
               status == BLOCK_OK ? STATUS_OK : STATUS_FAILED);
}

/* A request whose driver went away meanwhile ends without its other parts. */
static void send_waiting(struct disk *disk) {
    for (unsigned i = 0; i < disk->slots; i++) {
        struct disk_request *request = &disk->request[i];
        if (!request->waits)
            continue;
        if (request->abandoned)
            request->under_way = request->waits = false;
        else if (ring_space(&disk->link) > 0)
            send_part(disk, request);
    }
}

static void learn(struct disk *disk, struct ring_descriptor info) {
    disk->sectors = info.extra & BLOCK_LBA_MASK;
    disk->readonly |= (info.length & BLOCK_INFO_READONLY) != 0;
    disk->discards = (info.length & BLOCK_INFO_DISCARD) != 0;
    put_config(disk, CONFIG_CAPACITY, 8, disk->sectors);
    virtio_config_changed(&disk->device);
}

/* A tag that isn't under way, or a kind that isn't known, is the server's mistake and changes
 * nothing. */
static void take_answer(struct disk *disk, struct ring_descriptor message) {
    uint32_t tag = block_tag(message);
    if (message.kind == BLOCK_INFO)
        learn(disk, message);
    else if (message.kind == BLOCK_DONE && tag < disk->slots &&
             disk->request[tag].under_way && !disk->request[tag].waits)
        complete(disk, &disk->request[tag], message.offset);
}

static bool take_answers(struct disk *disk, unsigned budget) {
    uint32_t waiting = ring_available(&disk->link);
    unsigned count = waiting < budget ? waiting : budget;
    for (unsigned i = 0; i < count; i++) {
        struct ring_descriptor message = ring_get(&disk->link);
        ring_done(&disk->link, 1);
        take_answer(disk, message);
    }
    return waiting > count;
}

/* The server knows nothing of what was under way. */
static void ask_again(struct disk *disk) {
    for (unsigned i = 0; i < disk->slots; i++)
        if (disk->request[i].under_way && !disk->request[i].waits && ring_space(&disk->link) > 0)
            ring_put(&disk->link, disk->request[i].message);
}

bool disk_run(struct disk *disk, unsigned budget) {
    if (!disk->present)
        return false;
    if (ring_check(&disk->link) == RING_NEW)
        ask_again(disk);
    bool more = take_answers(disk, budget);
    send_waiting(disk);
    if (virtio_ready(&disk->device)) {
        struct virtqueue *queue = &disk->device.queue[0];
        virtqueue_disarm(queue);
        more |= take_requests(disk, budget);
        virtqueue_publish(queue);
        virtio_signal(&disk->device, 0);
    }
    ring_flush(&disk->link);
    return more;
}

static bool part_waits(const struct disk *disk) {
    for (unsigned i = 0; i < disk->slots; i++)
        if (disk->request[i].waits)
            return true;
    return false;
}

/* Without a free slot the next answer wakes us; without room in the ring, the next release. */
bool disk_settle(struct disk *disk) {
    if (!disk->present)
        return true;
    bool quiet = ring_sleep(&disk->link);
    if (!ring_up(&disk->link))
        return quiet;
    bool full = ring_space(&disk->link) == 0;
    if (part_waits(disk))
        return quiet && full && ring_await_space(&disk->link);
    if (!virtio_ready(&disk->device) || !free_request(disk))
        return quiet;
    if (full)
        return quiet && ring_await_space(&disk->link);
    return quiet && virtqueue_arm(&disk->device.queue[0]);
}
