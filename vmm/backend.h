/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every disk model of a VM has behind it: a link to the block multiplexer. Requests of the
 * model become requests there, their data lies in our area of that link while they are under way.
 * Runs in the I/O thread, under the device lock. The server is hostile; sectors are checked by the
 * model.
 *
 * The area is cut into slots of the longest request; a slot is a tag. A slot stays taken until the
 * server answers, even if the model forgets the request meanwhile: the disk may still write into
 * it. After the server's restart what is under way is asked for again.
 *
 * Zero-copy: a disk that may reach the guest's RAM itself is *direct*. Data that lies in whole pages
 * there is named to it page by page, in the slot's list, and isn't copied. Then nothing that is under
 * way may be forgotten before the disk has answered it: the model's reset takes until then.
 */
#ifndef VMM_BACKEND_H
#define VMM_BACKEND_H

#include "lib/block/block.h"
#include "vmm/memory.h"

#define BACKEND_SLOT  (BLOCK_MOST * BLOCK_SECTOR)
#define BACKEND_SLOTS 32u
_Static_assert(BACKEND_SLOTS == 32, "a bit each");

struct backend_request {
    bool abandoned;                  /* the model forgot it: the answer goes to nobody */
    struct ring_descriptor message;  /* as it was sent, to be sent again */
};

/* What a model's turn is for: then the rest is looked at only if it wouldn't tell by itself. */
enum backend_turn {
    BACKEND_REQUESTS = 1u << 0,      /* the driver notified us */
    BACKEND_ANSWERS  = 1u << 1,      /* the server did */
    BACKEND_BOTH     = BACKEND_REQUESTS | BACKEND_ANSWERS,
};

struct backend {
    struct ring link;
    bool armed;                      /* nothing waits, and the server notifies of what comes */
    bool readonly;                   /* by the VM's description; the server may say so too */
    bool known;                      /* the server told what disk there is */
    bool discards;                   /* the server can */
    uint64_t sectors;                /* zero until the server told */
    uint32_t slots;
    uint32_t under_way;              /* bit n: slot n is taken */
    uint64_t *lists;                 /* a list a slot; NULL: all data goes through the area */
    const struct guest_memory *memory;   /* that the lists name */
    struct backend_request request[BACKEND_SLOTS];
};

enum backend_event {
    BACKEND_NOTHING,                 /* a message that changes nothing */
    BACKEND_CHANGED,                 /* the server told what disk there is */
    BACKEND_DONE,                    /* the request `tag` is done */
};

struct backend_answer {
    enum backend_event event;
    uint32_t tag;
    bool good;
};

/* Power-on of the model; the link stays as it is. */
void backend_create(struct backend *backend);

/* The model was reset: what is under way belongs to nobody. */
void backend_forget(struct backend *backend);

/* Whether nothing that was forgotten is still under way. */
bool backend_quiet(const struct backend *backend);

/* Whether the server is listened to in this turn. */
static inline bool backend_hears(const struct backend *backend, enum backend_turn turn) {
    return (turn & BACKEND_ANSWERS) || !backend->armed;
}

/* First then: a server that began anew is asked again. */
void backend_check(struct backend *backend);

/* A slot for a request, if there is one and room in the ring; BACKEND_SLOTS: there isn't. */
uint32_t backend_free(struct backend *backend);

/* The data of a slot: of a write, before it is submitted; of a read, when it is done. */
static inline uint8_t *backend_data(const struct backend *backend, uint32_t tag) {
    return backend->link.out + tag * BACKEND_SLOT;
}

static inline bool backend_is_direct(const struct backend *backend) {
    return backend->lists != NULL;
}

/* Of a direct one: lists data, at most a slot's, which begins `skip` bytes into these buffers and
 * doesn't go beyond them; false: it has to be copied. */
bool backend_list(const struct backend *backend, uint32_t tag, const struct guest_buffer *buffer,
                  uint32_t skip, uint32_t size);
/* The same of data that lies in pages already: the first `first` bytes end one, the others begin one
 * each. */
void backend_list_pages(const struct backend *backend, uint32_t tag, uint8_t *const *page,
                        uint32_t first, uint32_t size);

/* `count`: sectors; of a flush, none. The second: of a read or write whose data is listed. */
void backend_submit(struct backend *backend, uint32_t tag, enum block_kind kind, uint64_t sector,
                    uint32_t count);
void backend_submit_listed(struct backend *backend, uint32_t tag, enum block_kind kind,
                           uint64_t sector, uint32_t count);

static inline bool backend_under_way(const struct backend *backend, uint32_t tag) {
    return (backend->under_way >> tag % BACKEND_SLOTS & 1) != 0;
}

/* The sectors of a request that is done. */
static inline uint32_t backend_count(const struct backend *backend, uint32_t tag) {
    return backend->request[tag].message.length;
}

static inline bool backend_listed(const struct backend *backend, uint32_t tag) {
    return block_listed(backend->request[tag].message);
}

/* Whether the disk may still move data from or to the guest's RAM. */
static inline bool backend_reaches_guest(const struct backend *backend) {
    return backend_is_direct(backend) && backend->under_way != 0;
}

/* The guest has ended, or hasn't begun: takes answers. False: they aren't all there yet, or, in our
 * first life, the server hasn't told of its disk, as it does when the disk has answered what an
 * earlier life of ours asked. */
bool backend_stop(struct backend *backend);

/* The server's next message; false: there is none. */
bool backend_take(struct backend *backend, struct backend_answer *answer);

/* Last in each turn; `last`: lib/call/before_wait.h. */
void backend_flush(struct backend *backend, uint32_t *last);

/* Before sleeping: asks for a wake-up when the server answers and, for a model with requests to
 * submit, when they can be; false: there is something to do already. */
bool backend_settle(struct backend *backend, bool has_requests);

#endif
