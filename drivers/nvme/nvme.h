/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An NVMe controller between its queues and one block link (lib/block). The core, without set-up, so
 * that it runs on the host over a fake device. Trusts neither the device nor the multiplexer.
 *
 * Payload is never mapped here: data lies in the clients' areas or memories, of which this driver
 * knows the IOVAs only. The device can answer a request twice, wrongly or never; each costs that request.
 */
#ifndef BULKHEAD_DRIVERS_NVME_NVME_H
#define BULKHEAD_DRIVERS_NVME_NVME_H

#include "drivers/nvme/functions.h"
#include "drivers/nvme/registers.h"
#include "lib/block/block.h"

enum {
    NVME_ADMIN_DEPTH = 16,
    NVME_DEPTH       = 128,        /* entries of the I/O queues; one stays free */
    NVME_AREAS       = 17,         /* clients of the multiplexer, and its own scratch */
    NVME_PRPS        = 64,         /* entries of a list: BLOCK_MOST sectors and a part page fit */
    NVME_SHARE       = 32,         /* requests in a turn */
    NVME_LIST_IDS    = 2048,       /* words of a controller list (4.10) */
};

/* The region "rings", as the driver and the device see it. What the device reads is there when a
 * doorbell is written (lib/mmio, mmio_publish), what it writes with its completion. */
struct nvme_rings {
    struct nvme_command  admin[NVME_ADMIN_DEPTH];
    uint8_t              reserved0[4096 - NVME_ADMIN_DEPTH * 64];
    volatile struct nvme_completion admin_done[NVME_ADMIN_DEPTH];
    uint8_t              reserved1[4096 - NVME_ADMIN_DEPTH * 16];
    struct nvme_command  command[NVME_DEPTH];
    volatile struct nvme_completion done[NVME_DEPTH];
    uint8_t              reserved2[4096 - NVME_DEPTH * 16];
    uint64_t             list[NVME_DEPTH][NVME_PRPS];
    uint16_t             ids[NVME_LIST_IDS];
    uint8_t              identify[4096];
};

_Static_assert(offsetof(struct nvme_rings, command) % 4096 == 0, "queues begin on a page");
_Static_assert(offsetof(struct nvme_rings, done) % 4096 == 0, "queues begin on a page");
_Static_assert(offsetof(struct nvme_rings, list) % 4096 == 0, "no list crosses a page");
_Static_assert(offsetof(struct nvme_rings, ids) % 4096 == 0, "no list crosses a page");

struct nvme_area {
    uint64_t iova;
    uint64_t size;                 /* zero: there is no such client */
};

/* A client's memory that the device reaches, at one or two places, and its lists (lib/block), which
 * we read. A multiple of pages each. */
struct nvme_memory {
    const volatile uint64_t *lists;
    uint64_t lists_size;           /* bytes; zero: the client has none */
    uint64_t size;
    uint64_t low_size;             /* as much of it is at low_iova */
    uint64_t low_iova;
    uint64_t high_iova;
};

struct nvme {
    volatile void *registers;
    struct nvme_rings *rings;
    uint64_t rings_iova;
    struct nvme_area area[NVME_AREAS];
    struct nvme_memory memory[NVME_AREAS];
    struct ring link;              /* to the multiplexer */
    bool     ready;                /* the controller was started, and answers */
    bool     queues;               /* the I/O queues were made */
    bool     running;              /* requests are taken */
    uint32_t stride;               /* bytes between doorbells */
    uint32_t admin_next;           /* both admin queues advance together; counts for ever */
    uint32_t tail;                 /* of the I/O submission queue; counts for ever */
    uint32_t head;                 /* of the I/O completion queue; counts for ever */
    bool     known;                /* what our namespace is: */
    uint64_t sectors;              /* its size */
    uint32_t sectors_per_block;
    bool     discards;
    uint16_t tag[NVME_DEPTH];      /* of the request that a command id stands for */
    bool     busy[NVME_DEPTH];
    uint16_t free[NVME_DEPTH];
    uint32_t free_count;
    uint64_t stray;                /* answers to nothing */
    struct nvme_functions functions;
};

/* memory.c: where the device sees so many bytes of a client's memory, which all lie in one page; false:
 * they aren't the client's. */
bool nvme_memory_at(const struct nvme_memory *memory, uint64_t offset, uint64_t bytes,
                    uint64_t *iova);

/* How long the controller may take is in its own register; this says when to give up asking. */
typedef void nvme_pause(void);

/* Resets and starts the controller and brings those of its virtual functions online that have a
 * namespace (functions.h); false: it failed. `pause` waits a moment between two looks at the
 * device. */
bool nvme_start(struct nvme *nvme, nvme_pause *pause);

/* Learns what our namespace is, of a controller that is ready. False: it can't be read now, or (not
 * ready any more) the controller must be started again. Virtual functions keep theirs. */
bool nvme_measure(struct nvme *nvme, nvme_pause *pause);

/* Makes the I/O queues anew, without touching anything else of a controller that is ready. What was
 * under way is gone then, and reaches no memory any more. False: it failed, and the controller must
 * be started again. */
bool nvme_open(struct nvme *nvme, nvme_pause *pause);

/* Tells the multiplexer what disk it has; needs ring_space() > 0. */
void nvme_tell(struct nvme *nvme);

/* One bounded share of work, both ways. */
void nvme_turn(struct nvme *nvme);

/* Publishes and arms the link; false: there is more to do. `notify`: lib/service/service.h. */
bool nvme_settle(struct nvme *nvme, uint32_t *notify);

#endif
