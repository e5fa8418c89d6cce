/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk, the device's side.
 */
#include "vmm/virtio/disk.h"

/* virtio 5.2.6: request types and what the status byte says. */
enum request_type { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, TYPE_GET_ID = 8, TYPE_DISCARD = 11 };
enum request_status { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_UNSUPPORTED = 2 };
enum { HEADER_SIZE = 16, STATUS_SIZE = 1, ID_SIZE = 20 };
struct request_header { uint32_t type; uint32_t reserved; uint64_t sector; };
_Static_assert(sizeof(struct request_header) == HEADER_SIZE, "virtio 5.2.6");
typedef uint64_t guest_word __attribute__((may_alias, aligned(1)));
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

/* A slot's data in pages fits into a chain, header and status beside it. Pages in one piece may
 * come as one segment. */
enum { SEGMENTS = VIRTQUEUE_CHAIN - 2, SEGMENT_SIZE = BACKEND_SLOT };
_Static_assert((uint64_t)SEGMENTS * BLOCK_PAGE >= BACKEND_SLOT, "pages of a slot fit into a chain");

/* A driver that doesn't care for our limits (virtio 5.2.5) may ask for more, up to here. */
#define REQUEST_MOST (1u << 30)

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
    identity.features |= disk->backend.readonly ? FEATURE_READONLY : FEATURE_DISCARD;
    virtio_create(&disk->device, &identity, memory, memory_base, notify_port, notify_size);
    disk->device.config_size = CONFIG_END;
    put_config(disk, CONFIG_CAPACITY, 8, disk->backend.sectors);
    put_config(disk, CONFIG_SIZE_MAX, 4, SEGMENT_SIZE);
    put_config(disk, CONFIG_SEG_MAX, 4, SEGMENTS);
    put_config(disk, CONFIG_BLK_SIZE, 4, BLOCK_SECTOR);
    put_config(disk, CONFIG_DISCARD_SECTORS, 4, BLOCK_DISCARD_MOST);
    put_config(disk, CONFIG_DISCARD_SEGMENTS, 4, 1);
    put_config(disk, CONFIG_DISCARD_ALIGNMENT, 4, 1);
    backend_create(&disk->backend);
    disk_forget(disk);
    disk->present = true;
}

void disk_forget(struct disk *disk) {
    backend_forget(&disk->backend);
    disk->in_work = 0;
    disk->open = DISK_NO_REQUEST;
    disk->device.in_reset = backend_reaches_guest(&disk->backend);
}

/* ---- Requests of the guest ---- */

/* Ends a chain: `written` bytes of data are in it, the status goes into its last byte. That it has
 * one was checked: writable buffers are the last ones, and none is empty. */
static void finish(struct disk *disk, const struct virtqueue_chain *chain, uint32_t written,
                   enum request_status status) {
    const struct guest_buffer *last = &chain->buffer[chain->count - 1];
    last->bytes[last->size - STATUS_SIZE] = (uint8_t)status;
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

/* The guest may change the header meanwhile: each field is read once. */
static struct request_header load_header(const struct virtqueue_chain *chain) {
    struct request_header header;
    const uint8_t *bytes = chain->buffer[0].bytes;
    if (chain->buffer[0].size < HEADER_SIZE) {
        virtqueue_gather(chain, 0, &header, HEADER_SIZE);
        return header;
    }
    header.type = (uint32_t)*(const volatile guest_word *)bytes;
    header.sector = *(const volatile guest_word *)(bytes + offsetof(struct request_header, sector));
    return header;
}

static struct header read_header(const struct virtqueue_chain *chain) {
    struct request_header from = load_header(chain);
    struct header header = { .type = from.type, .sector = from.sector };
    if (header.type == TYPE_IN)
        header.bytes = chain->writable_size - STATUS_SIZE;
    else if (header.type == TYPE_OUT)
        header.bytes = chain->readable_size - HEADER_SIZE;
    else if (header.type == TYPE_DISCARD)
        read_segment(chain, &header);
    return header;
}

static bool is_good(const struct disk *disk, const struct header *header) {
    uint64_t most = header->type == TYPE_DISCARD ? (uint64_t)BLOCK_DISCARD_MOST * BLOCK_SECTOR
                                                 : REQUEST_MOST;
    bool sized = header->bytes != 0 && header->bytes <= most && header->bytes % BLOCK_SECTOR == 0;
    bool allowed = header->type == TYPE_IN || !disk->backend.readonly;
    return sized && allowed &&
           block_within(header->sector, header->bytes / BLOCK_SECTOR, disk->backend.sectors);
}

/* The operation on the link; 0: there is none. */
static uint8_t kind_of(const struct disk *disk, uint32_t type) {
    switch (type) {
    case TYPE_IN: return BLOCK_READ;
    case TYPE_OUT: return BLOCK_WRITE;
    case TYPE_FLUSH: return BLOCK_FLUSH;
    case TYPE_DISCARD: return disk->backend.discards ? BLOCK_DISCARD : 0;
    default: return 0;
    }
}

/* As many are in work as there are slots taken: whoever has a free slot finds one here. */
static uint32_t free_request(const struct disk *disk) {
    uint32_t free = ~disk->in_work;
    return free == 0 ? 0 : (uint32_t)__builtin_ctz(free);
}

/* The request whose chain was taken is one of the backend's. */
static void open_request(struct disk *disk, uint32_t number, enum block_kind kind,
                         const struct header *header) {
    struct disk_request *request = &disk->request[number];
    disk->open = number;
    disk->in_work |= 1u << number;
    request->kind = kind;
    request->sector = kind == BLOCK_FLUSH ? 0 : header->sector;
    request->bytes = kind == BLOCK_FLUSH ? 0 : (uint32_t)header->bytes;
    request->asked = request->pieces = 0;
    request->failed = false;
}

/* The guest's chain in a free request; false: it breaks the rules. */
static bool take(struct disk *disk, uint32_t number) {
    const struct virtqueue_chain *chain = &disk->request[number].chain;
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
        open_request(disk, number, kind, &header);
    return true;
}

/* Whether a direct disk moves the data of the open request's next piece itself. */
static __attribute__((noinline)) bool list_data(struct disk *disk,
                                                const struct disk_request *request, uint32_t tag,
                                                uint32_t size) {
    const struct guest_buffer *buffer = request->chain.buffer;
    if (request->kind == BLOCK_READ)
        return backend_list(&disk->backend, tag, buffer + request->chain.readable,
                            request->asked, size);
    return request->kind == BLOCK_WRITE &&
           backend_list(&disk->backend, tag, buffer, HEADER_SIZE + request->asked, size);
}

static void copy_and_submit(struct disk *disk, const struct disk_request *request, uint32_t tag,
                            uint32_t size) {
    if (request->kind == BLOCK_WRITE)
        virtqueue_gather(&request->chain, HEADER_SIZE + request->asked,
                         backend_data(&disk->backend, tag), size);
    backend_submit(&disk->backend, tag, request->kind,
                   request->sector + request->asked / BLOCK_SECTOR, size / BLOCK_SECTOR);
}

/* The open request's next piece; a discard is one, as it has no data. */
static void submit_piece(struct disk *disk, uint32_t tag) {
    struct disk_request *request = &disk->request[disk->open];
    uint32_t left = request->bytes - request->asked;
    uint32_t size = request->kind == BLOCK_DISCARD || left < BACKEND_SLOT ? left : BACKEND_SLOT;
    if (backend_is_direct(&disk->backend) && list_data(disk, request, tag, size))
        backend_submit_listed(&disk->backend, tag, request->kind,
                              request->sector + request->asked / BLOCK_SECTOR,
                              size / BLOCK_SECTOR);
    else
        copy_and_submit(disk, request, tag, size);
    disk->piece[tag].request = disk->open;
    disk->piece[tag].offset = request->asked;
    request->pieces++;
    request->asked += size;
    if (request->asked == request->bytes)
        disk->open = DISK_NO_REQUEST;
}

/* Takes the next chain into a free request, so that it isn't copied there; whether that opened the
 * request shows in `open`. */
static bool open_next(struct disk *disk) {
    uint32_t number = free_request(disk);
    enum virtqueue_result result = virtqueue_pop(&disk->device.queue[0],
                                                 &disk->request[number].chain);
    if (result == VIRTQUEUE_GOT && take(disk, number))
        return true;
    if (result != VIRTQUEUE_EMPTY)
        virtio_fail(&disk->device);
    return false;
}

static bool take_requests(struct disk *disk, unsigned budget) {
    for (unsigned i = 0; i < budget; i++) {
        uint32_t tag = backend_free(&disk->backend);
        if (tag == BACKEND_SLOTS || (disk->open == DISK_NO_REQUEST && !open_next(disk)))
            return false;
        if (disk->open != DISK_NO_REQUEST)
            submit_piece(disk, tag);
    }
    return true;
}

/* ---- Answers of the server ---- */

static void end_request(struct disk *disk, uint32_t number, bool ready) {
    const struct disk_request *request = &disk->request[number];
    uint32_t written = request->kind == BLOCK_READ && !request->failed ? request->bytes : 0;
    disk->in_work &= ~(1u << number);
    if (ready)
        finish(disk, &request->chain, written, request->failed ? STATUS_FAILED : STATUS_OK);
}

/* What comes while the driver may not be served (`ready`) is lost. */
static void complete(struct disk *disk, uint32_t tag, bool good, bool ready) {
    uint32_t number = disk->piece[tag].request;
    struct disk_request *request = &disk->request[number];
    uint32_t bytes = backend_count(&disk->backend, tag) * (uint32_t)BLOCK_SECTOR;
    request->pieces--;
    request->failed |= !good || !ready;
    if (request->kind == BLOCK_READ && !backend_listed(&disk->backend, tag) && !request->failed)
        virtqueue_scatter(&request->chain, disk->piece[tag].offset,
                          backend_data(&disk->backend, tag), bytes);
    if (request->pieces == 0 && request->asked == request->bytes)
        end_request(disk, number, ready);
}

static bool take_answers(struct disk *disk, unsigned budget, bool ready) {
    struct backend_answer answer;
    for (unsigned i = 0; i < budget; i++) {
        if (!backend_take(&disk->backend, &answer))
            return false;
        if (answer.event == BACKEND_DONE)
            complete(disk, answer.tag, answer.good, ready);
        if (answer.event != BACKEND_CHANGED)
            continue;
        put_config(disk, CONFIG_CAPACITY, 8, disk->backend.sectors);
        virtio_config_changed(&disk->device);
    }
    return true;
}

__attribute__((flatten))               /* all of it is done for every request */
bool disk_run(struct disk *disk, unsigned budget, enum backend_turn turn, uint32_t *last) {
    struct virtqueue *queue = &disk->device.queue[0];
    bool more = false;
    if (!disk->present)
        return false;
    bool ready = virtio_ready(&disk->device);
    if (backend_hears(&disk->backend, turn)) {
        backend_check(&disk->backend);
        more = take_answers(disk, budget, ready);
        if (disk->device.in_reset)
            disk->device.in_reset = backend_reaches_guest(&disk->backend);
    }
    if ((turn & BACKEND_REQUESTS) || !ready)
        virtqueue_disarm(queue);
    if (ready) {
        if (!queue->armed)
            more |= take_requests(disk, budget);
        if (virtqueue_has_used(queue)) {
            virtqueue_publish(queue);
            virtio_signal(&disk->device, 0);
        }
    }
    backend_flush(&disk->backend, last);
    return more;
}

/* While requests can't be submitted, the guest's further ones needn't wake us. */
bool disk_settle(struct disk *disk) {
    if (!disk->present)
        return true;
    struct virtqueue *queue = &disk->device.queue[0];
    if (queue->armed)
        return backend_settle(&disk->backend, false);
    bool open = virtio_ready(&disk->device) && ring_up(&disk->backend.link);
    if (open && backend_free(&disk->backend) != BACKEND_SLOTS)
        return backend_settle(&disk->backend, false) && virtqueue_arm(queue);
    return backend_settle(&disk->backend, open);
}
