/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An AHCI controller (Intel ICH9's, 8086:2922) with a port for each disk, for guests that have no
 * virtio driver: hard disks with native command queuing, and CD-ROM drives. Behind each port is a
 * link to the block multiplexer, as virtio-blk's. Registers change under the device lock in any
 * thread; commands are taken, and data moves, in the I/O thread (ahci_run).
 *
 * Guest and multiplexer are hostile. Command header, FIS, packet and descriptors are each copied
 * once and then checked; every buffer must lie in guest RAM before a command begins. What moves at
 * once is bounded by the caller's budget, whatever the lists say. A command whose memory isn't RAM
 * ends in a host bus fatal error, one with more data than its first AHCI_PRDS descriptors hold in
 * an overflow; then the port stands still until the driver stops it, as after any error (AHCI,
 * "Error Reporting and Recovery").
 *
 * Until the multiplexer told what disk there is, commands wait, as for a drive that spins up.
 * Whoever stops or resets a port abandons its commands: what the disk still answers changes
 * nothing, and the next command waits until all of it was answered, so that no old write comes
 * after a new one.
 *
 * Not modelled: port multipliers, FIS-based switching, power management, hot plug, command
 * completion coalescing, enclosure management.
 *
 * Reference: see layout.h.
 */
#ifndef VMM_AHCI_H
#define VMM_AHCI_H

#include "vmm/ahci/layout.h"
#include "vmm/backend.h"
#include "vmm/memory.h"
#include "vmm/platform/pci.h"

#define AHCI_MEMORY_BAR 5u
#define AHCI_MEMORY_SIZE 0x1000u

#define AHCI_PORTS 4u
#define AHCI_SLOTS 32u
#define AHCI_PRDS 264u               /* a MiB in pages, and some */
#define AHCI_RANGES 64u              /* of a TRIM: one block of them */
#define AHCI_PACKET_BYTES 16u

/* A place in a command's buffers. */
struct ahci_cursor {
    uint32_t buffer;
    uint32_t offset;
};

enum ahci_protocol {                 /* how a command moves data, and so how it ends */
    AHCI_NO_DATA, AHCI_PIO_IN, AHCI_PIO_OUT, AHCI_DMA, AHCI_QUEUED, AHCI_PACKET,
};

struct ahci_command {
    struct ahci_h2d fis;
    uint8_t packet[AHCI_PACKET_BYTES];
    uint64_t table;
    uint32_t descriptors;            /* as the header says */
    uint32_t buffers;                /* as far as they were fetched */
    struct guest_buffer buffer[AHCI_PRDS];
    bool interrupt;                  /* a descriptor wants one */

    enum ahci_protocol protocol;
    enum block_kind kind;            /* what is asked of the backend, from `sector` on */
    uint64_t sector;
    uint32_t sectors;
    uint32_t asked;                  /* of them */
    uint32_t under_way;              /* requests */
    bool flush;                      /* when all was answered, before the end */
    struct ahci_cursor next;         /* where the data of the next request is */
    uint32_t transferred;            /* bytes */
    uint8_t answer;                  /* the count register at the end */
};

/* A request at the backend. */
struct ahci_piece {
    uint32_t slot;
    struct ahci_cursor at;
};

struct ahci_port {
    const struct guest_memory *memory;
    const struct pci_function *pci;
    struct backend backend;
    bool cdrom;
    uint32_t number;

    uint64_t list;                   /* guest-physical: command list, received FIS area */
    uint64_t received;
    uint32_t causes;                 /* PxIS without what is a mirror */
    uint32_t mask;                   /* PxIE */
    uint32_t control;                /* PxCMD, the bits that are kept */
    uint8_t status;                  /* PxTFD */
    uint8_t error;
    uint32_t signature;
    uint32_t link_control;           /* PxSCTL */
    uint32_t link_error;             /* PxSERR */
    uint32_t active;                 /* PxSACT */
    uint32_t issued;                 /* PxCI */

    bool failed;                     /* an error: still until the driver stops the port */
    bool signature_waits;            /* for the driver to receive FIS */
    bool software_reset;             /* SRST is set */
    uint32_t queued;                 /* slots of queued commands in work */
    uint32_t current;                /* slot of the one that isn't queued; AHCI_SLOTS: none */
    bool begun;                      /* it is in work; otherwise it waits for the queued ones */
    uint32_t taken;                  /* the slot that was taken last */
    uint32_t served;                 /* the slot for which a request was submitted last */
    struct ahci_piece piece[BACKEND_SLOTS];
    struct ahci_command command[AHCI_SLOTS];

    /* The drive's own state. */
    uint8_t transfer_mode;
    uint8_t multiple;                /* sectors of READ MULTIPLE */
    bool write_through;
    uint8_t sense_key, sense_code;
    bool has_queued_error;           /* for the log */
    uint32_t error_slot;
    struct ahci_d2h queued_error;
    uint64_t range[AHCI_RANGES];     /* of the TRIM in work */
    uint32_t range_next;
};

struct ahci {
    struct pci_function pci;
    bool present;
    bool interrupts;                 /* GHC.IE */
    uint32_t raised;                 /* IS, a bit a port */
    uint32_t told;                   /* those that a message went out for */
    uint32_t ports;
    struct ahci_port port[AHCI_PORTS];
};

/* Power-on of a controller with the first `ports` ports; their backends and kinds stay as they
 * are. None: there is no controller. */
void ahci_create(struct ahci *ahci, const struct guest_memory *memory, uint32_t memory_base,
                 uint8_t interrupt_line);

/* Accesses to the memory BAR: aligned; sizes 4 and 8, of others only reads have an effect. A write
 * answers whether the I/O thread has something to do now. */
uint64_t ahci_read(struct ahci *ahci, uint32_t offset, unsigned size);
bool ahci_write(struct ahci *ahci, uint32_t offset, unsigned size, uint64_t value);

/* The level of the interrupt output. */
bool ahci_interrupt(const struct ahci *ahci);

/* Each port takes, submits and completes at most `budget` things; true: there is more to do.
 * `last`: lib/call/before_wait.h. */
bool ahci_run(struct ahci *ahci, unsigned budget, uint32_t *last);

/* Before sleeping: asks the backends for wake-ups; false: there is something to do already. */
bool ahci_settle(struct ahci *ahci);

#endif
