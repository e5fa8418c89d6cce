/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An NVMe 1.4 controller with one namespace, a disk: behind it is a link to the block multiplexer,
 * as virtio-blk's. For guests that have an NVMe driver and no virtio one. Registers change under
 * the device lock in any thread; commands are taken, and data moves, in nvme_run: by the I/O thread,
 * or by a vCPU's that hears of answers.
 *
 * Doorbells in memory ("Doorbell Buffer Config command") make it as cheap as virtio: the driver
 * stores its indexes there, and writes to a doorbell only where the event index asks it to: when the
 * I/O thread is about to sleep. The value means nothing then: the kernel may take it (cpu/hints.c).
 *
 * Guest and multiplexer are hostile. A command, a list of pages and a range are each copied once
 * and then checked; every queue and every page must lie in guest RAM. What moves at once is bounded
 * by the caller's budget. A command that is wrong ends with the specification's status, a
 * doorbell's value that is none in an event, and if it is in memory its queue stands still. A
 * command is taken when there is room for its completion, so that completions never wait.
 *
 * The controller is ready when the multiplexer has told what disk there is. Whoever resets it
 * abandons its commands: what the disk still answers changes nothing, and it isn't ready again
 * before all of it was answered, so that no old write comes after a new one. A disk that reaches the
 * guest's RAM itself (backend.h) may still move data then: the controller tells that it was reset, or
 * that a queue was deleted, when it doesn't any more.
 *
 * Not modelled: pin interrupts, SGLs, metadata, other pages than of 4 KiB, namespace management,
 * firmware download, power states, weighted arbitration.
 *
 * Reference: see layout.h.
 */
#ifndef VMM_NVME_H
#define VMM_NVME_H

#include "vmm/backend.h"
#include "vmm/memory.h"
#include "vmm/nvme/layout.h"
#include "vmm/platform/pci.h"

#define NVME_BAR 0u
#define NVME_BAR_SIZE 0x4000u
#define NVME_QUEUES 5u               /* pairs; the first is the admin queues' */
#define NVME_IO_DOORBELLS (NVME_DOORBELLS + 2 * NVME_DOORBELL)   /* in the BAR */
#define NVME_IO_DOORBELLS_SIZE (2 * NVME_DOORBELL * (NVME_QUEUES - 1))
#define NVME_QUEUE_SIZE 256u         /* entries at most */
#define NVME_PAGES (BACKEND_SLOT / NVME_PAGE + 1)
#define NVME_RANGES 256u             /* of a deallocation */
#define NVME_EVENT_REQUESTS 4u
#define NVME_NO_REQUEST BACKEND_SLOTS

/* Whose a request is: a submission queue's, or */
enum { NVME_NOBODY = NVME_QUEUES, NVME_SHUTDOWN };

/* A submission queue. */
struct nvme_sq {
    const uint8_t *entries;          /* in guest RAM, as all that is; NULL: there is no queue */
    const uint32_t *doorbell;        /* in memory, and its event index; NULL: it is the register */
    uint32_t *event;
    uint32_t size;
    uint32_t head;
    uint32_t tail;                   /* as the register was written */
    uint32_t cq;
    bool broken;                     /* the doorbell in memory has no index: nothing is taken */
};

/* A completion queue. */
struct nvme_cq {
    uint8_t *entries;
    const uint32_t *doorbell;
    uint32_t *event;
    uint32_t size;
    uint32_t head;                   /* as far as it was looked at */
    uint32_t written;                /* the register */
    uint32_t tail;
    uint32_t claimed;                /* entries that the driver has, or commands will have */
    uint32_t vector;
    bool interrupts;
    bool phase;
};

/* The pages of a command's data. */
struct nvme_pages {
    uint32_t first;                  /* bytes in the first one */
    uint8_t *page[NVME_PAGES];
};

/* A command in work, or a shutdown's flush. */
struct nvme_request {
    enum block_kind kind;
    uint16_t id;
    uint8_t sq;                      /* whose it is */
    bool forced;                     /* a flush follows the write */
    bool failed;
    uint32_t pieces;                 /* under way */
    struct nvme_pages pages;
};

struct nvme {
    struct pci_function pci;
    bool present;
    uint32_t number;                 /* of the disk in its VM */
    const struct guest_memory *memory;
    struct backend backend;

    uint32_t config;                 /* CC */
    uint32_t status;                 /* CSTS */
    uint32_t admin_sizes;            /* AQA */
    uint64_t admin_sq;               /* ASQ, ACQ */
    uint64_t admin_cq;
    bool starting;                   /* enabled, and not ready yet */
    bool deleting;                   /* the disk still reaches the RAM of what `deletion` ended */
    uint16_t deletion;               /* the command's id */

    bool armed;                      /* nothing waits, and the driver rings for what comes */
    uint32_t queues;                 /* bit n: submission queue n is there */
    uint32_t done;                   /* bit n: completion queue n has something new */
    uint32_t turn;                   /* the queue that is looked at first */
    struct nvme_sq sq[NVME_QUEUES];
    struct nvme_cq cq[NVME_QUEUES];
    uint8_t *doorbells;              /* in memory; NULL: the registers */
    uint8_t *event_indexes;

    uint32_t feature[NVME_FEATURES];
    uint32_t vector_feature[NVME_QUEUES];
    uint32_t event_requests;
    uint16_t event_request[NVME_EVENT_REQUESTS];
    uint32_t events;                 /* enum nvme_event, a bit each: to be told */
    uint32_t events_held;            /* not before the driver has read the log */
    uint64_t told_sectors;           /* what the driver knows; 0: nothing */
    bool changed;                    /* for the log */

    uint8_t answer[NVME_PAGE];       /* to an admin command, before the guest gets it */

    uint32_t in_work;                /* bit n: request n */
    uint32_t flush_due;              /* those that wait for their flush */
    bool shutdown_due;               /* the same of the driver's farewell */
    uint32_t open;                   /* the deallocation that isn't asked for to its end, or none */
    struct nvme_request request[BACKEND_SLOTS];
    uint8_t request_of[BACKEND_SLOTS];   /* by the backend's tag */
    struct nvme_range range[NVME_RANGES];   /* of `open` */
    uint32_t ranges;
    uint32_t range_next;
    uint32_t range_asked;            /* of range_next's sectors */
};

/* Power-on; the backend's link stays as it is. */
void nvme_create(struct nvme *nvme, const struct guest_memory *memory, uint32_t memory_base,
                 uint32_t number);

/* Accesses to the memory BAR: aligned; sizes 4 and 8, of others only reads have an effect. A write
 * answers whether the I/O thread has something to do now. */
uint64_t nvme_read(const struct nvme *nvme, uint32_t offset, unsigned size);
bool nvme_write(struct nvme *nvme, uint32_t offset, unsigned size, uint64_t value);

/* Whether what is written to the I/O queues' doorbell registers means nothing: the driver keeps them
 * in memory, or there are none. */
bool nvme_rings_in_memory(const struct nvme *nvme);

/* Takes at most `budget` commands and answers; true: there is more to do at once. `last`: see
 * lib/call/before_wait.h. */
bool nvme_run(struct nvme *nvme, unsigned budget, enum backend_turn turn, uint32_t *last);

/* Before sleeping: asks both sides for wake-ups; false: there is something to do already. */
bool nvme_settle(struct nvme *nvme);

#endif
