/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host tool tells a program about its own compartment: which slots it has, where its
 * regions are mapped, its links, its settings. One read-only content region, mapped at
 * BH_MANIFEST_ADDRESS in every process; the kernel knows nothing of it.
 *
 * An entry's `name` is the program's own name for the thing, so that one program image serves many
 * compartments: a driver's interrupt is "irq0" whichever device it drives.
 */
#ifndef BULKHEAD_ABI_MANIFEST_H
#define BULKHEAD_ABI_MANIFEST_H

#include "base.h"

#define BH_MANIFEST_ADDRESS 0x0000000010000000ull
#define BH_MANIFEST_MAGIC   0x534e414d4b4c5542ull  /* "BULKMANS" */
#define BH_MANIFEST_VERSION 1u
#define BH_SETTING_SIZE     1024u

enum bh_manifest_kind {
    BH_ENTRY_SETTING     = 1,   /* value: text; name: "mac", "cmdline", "switch.limit", ... */
    BH_ENTRY_REGION      = 2,   /* address, size; gpa: where the guest sees it, or BH_NO_ADDRESS;
                                   iova: where its device sees it, or BH_NO_ADDRESS;
                                   used: bytes of content (an initramfs' true length) */
    BH_ENTRY_CHANNEL     = 3,   /* slot: may notify */
    BH_ENTRY_EVENT       = 4,   /* thread, bits: what somebody signals to us ("life.<peer>") */
    BH_ENTRY_INTERRUPT   = 5,   /* thread, bits; index: MSI-X entry or ISA line */
    BH_ENTRY_DEVICE      = 6,   /* slot */
    BH_ENTRY_PORTS       = 7,   /* first port in address, count in size */
    BH_ENTRY_VCPU        = 8,   /* slot, thread that runs it, address of its state page; index */
    BH_ENTRY_DOORBELL    = 9,   /* address: port or GPA, size; thread, bits; index: 0 port, 1 page */
    BH_ENTRY_PLACE       = 10,  /* slot, size: a region that guest_place can move */
    BH_ENTRY_COMPARTMENT = 11,  /* slot: supervised */
    BH_ENTRY_MODE        = 12,  /* slot */
    BH_ENTRY_MACHINE     = 13,  /* slot */
    BH_ENTRY_COUNTERS    = 14,  /* address, size: struct bh_counters (abi/info.h) */
    BH_ENTRY_LINK        = 15,  /* see struct bh_manifest_link */
    BH_ENTRY_THREAD      = 16,  /* index: the thread's number in this compartment; core at boot */
};

#define BH_NO_ADDRESS 0xffffffffffffffffull

/* One end of a link (lib/ring): two half regions, each written by one end and read by the other, and
 * the data areas of the two directions. An end that doesn't map an area has its size zero. */
struct bh_manifest_link {
    uint64_t own_half;      /* address of the half that we write */
    uint64_t peer_half;     /* address of the half that the peer writes */
    uint64_t half_size;
    uint64_t out_area;      /* data that we send; writable by us unless a device fills it */
    uint64_t out_size;
    uint64_t in_area;       /* data that the peer sends */
    uint64_t in_size;
    uint64_t own_iova;      /* IOVA of out_area in our device's space, or BH_NO_ADDRESS */
    uint64_t peer_iova;     /* IOVA of in_area in our device's space, or BH_NO_ADDRESS */
    uint64_t life_bits;     /* bits set in our word when the peer's compartment starts or stops */
    uint32_t server;        /* 1: we serve, 0: we are the client */
    uint32_t port;          /* server: number of this client among its clients, from 0 */
    char     peer[BH_NAME_SIZE];
};

struct bh_manifest_entry {
    char     name[BH_NAME_SIZE];
    uint32_t kind;          /* enum bh_manifest_kind */
    uint32_t slot;          /* in our capability table, or BH_NONE. LINK: notifies the peer */
    uint32_t thread;        /* number, in this compartment, of the thread that gets `bits` */
    uint32_t index;
    uint64_t bits;
    uint64_t address;
    uint64_t size;
    uint64_t gpa;
    uint64_t iova;
    uint64_t used;
    union {
        struct bh_manifest_link link;
        char value[BH_SETTING_SIZE];  /* zero-terminated */
    };
};

struct bh_manifest {
    uint64_t magic;
    uint32_t version;
    uint32_t count;
    char     system[BH_NAME_SIZE];
    char     compartment[BH_NAME_SIZE];
    uint32_t compartment_index;       /* in the plan */
    uint32_t entry_size;              /* sizeof(struct bh_manifest_entry) */
    struct bh_manifest_entry entry[];
};

_Static_assert(sizeof(struct bh_manifest) == 88, "manifest format");
_Static_assert(sizeof(struct bh_manifest_entry) == 96 + BH_SETTING_SIZE, "manifest format");

#endif
