/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan: everything that anybody may ever reach, as flat tables. Written by the host tool
 * (`bulkhead build`), checked by it and again by the kernel (kernel/core/plan_check.c), installed
 * at boot, never changed afterwards.
 *
 * A plan file (the "bundle") is: struct bh_plan_header, then the tables, then content (images),
 * every content range starting on a page boundary of the file. The boot loader hands it to the
 * kernel as one module, page-aligned. All numbers are little endian. Objects are named by their
 * index in their table; BH_NONE where a field names nothing. Unused fields and bytes are zero.
 */
#ifndef BULKHEAD_ABI_PLAN_H
#define BULKHEAD_ABI_PLAN_H

#include "base.h"

#define BH_PLAN_MAGIC   0x4e414c504b4c5542ull  /* "BULKPLAN" */
#define BH_PLAN_VERSION 3u

/* The most of each object that a plan may hold: the kernel's tables have these sizes. */
enum bh_plan_limits {
    BH_MAX_CORES         = 32,
    BH_MAX_REGIONS       = 1024,
    BH_MAX_SPACES        = 256,
    BH_MAX_MAPPINGS      = 4096,
    BH_MAX_COMPARTMENTS  = 64,
    BH_MAX_SLOTS         = 2048,
    BH_MAX_THREADS       = 256,
    BH_MAX_VCPUS         = 64,
    BH_MAX_DOORBELLS     = 256,
    BH_MAX_CHANNELS      = 1024,
    BH_MAX_INTERRUPTS    = 128,
    BH_MAX_DEVICES       = 64,
    BH_MAX_PORT_RANGES   = 128,
    BH_MAX_MODES         = 8,
    BH_MAX_PLACEMENTS    = 1024,
    BH_PRIORITIES        = 32,   /* 0 is the lowest, 31 the highest */
};

enum bh_table {
    BH_TABLE_REGION,
    BH_TABLE_SPACE,
    BH_TABLE_MAPPING,
    BH_TABLE_COMPARTMENT,
    BH_TABLE_SLOT,
    BH_TABLE_THREAD,
    BH_TABLE_VCPU,
    BH_TABLE_DOORBELL,
    BH_TABLE_CHANNEL,
    BH_TABLE_INTERRUPT,
    BH_TABLE_DEVICE,
    BH_TABLE_PORT_RANGE,
    BH_TABLE_MODE,
    BH_TABLE_PLACEMENT,
    BH_TABLE_COUNT
};

struct bh_plan_table {
    uint64_t offset;        /* bytes from the start of the plan, a multiple of 8 */
    uint32_t count;         /* entries */
    uint32_t entry_size;    /* bytes: sizeof the table's struct */
};

struct bh_plan_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size;   /* sizeof(struct bh_plan_header) */
    uint64_t total_size;    /* bytes of the whole plan, content included; a multiple of the page */
    uint32_t checksum;      /* CRC-32C (RFC 3720, 12.1) of the whole plan with this field zero */
    uint32_t flags;         /* enum bh_plan_flags */
    char     name[BH_NAME_SIZE];
    uint32_t cores;         /* cores that the plan uses: 1 to BH_MAX_CORES; logical 0..cores-1 */
    uint32_t first_mode;    /* the mode that the machine starts in */
    uint32_t log_channel;   /* channel that the kernel signals when it logged, or BH_NONE */
    uint32_t log_port;      /* first port of a 16550 for the kernel's log until the programs start,
                               and for its last words in a panic; 0: none */
    struct bh_plan_table table[BH_TABLE_COUNT];
};

/* Test-only switches, each turning one protection off: the positive controls of the red team.
 * A kernel not built with them (KERNEL_CONTROLS) refuses a plan in which one is set. */
enum bh_plan_flags {
    BH_PLAN_CONTROL_DMA_OPEN        = 1u << 0,  /* every device space maps all RAM read-write */
    BH_PLAN_CONTROL_NO_SOURCE_CHECK = 1u << 1,  /* entries and groups: requester ids don't matter */
    BH_PLAN_CONTROL_NO_INVALIDATE   = 1u << 2,  /* unmapping doesn't invalidate the IOTLB */
    BH_PLAN_CONTROL_NO_QUIESCE      = 1u << 3,  /* boot and resets leave devices running */
    BH_PLAN_CONTROL_PORTS_OPEN      = 1u << 4,  /* I/O permission bitmaps allow every port */
    BH_PLAN_CONTROL_NO_FPU_SWITCH   = 1u << 5,  /* FPU and debug registers leak across switches */
    BH_PLAN_CONTROL_NO_STORM_LIMIT  = 1u << 6,  /* interrupts and faults aren't rate-limited */
    BH_PLAN_CONTROL_CONFIG_OPEN     = 1u << 7,  /* all of a BAR may be mapped, wherever it is */
    BH_PLAN_CONTROL_ALL             = (1u << 8) - 1,
};

enum bh_region_kind {
    BH_REGION_RAM     = 0,  /* placed by the kernel at boot; zeroed, then content copied in, at
                               boot and whenever its owner is reset */
    BH_REGION_CONTENT = 1,  /* the plan's own pages at content_offset, in place, never writable */
    BH_REGION_BAR     = 2,  /* part of a device's BAR */
    BH_REGION_PLAN    = 3,  /* the plan's header and tables, read-only */
    BH_REGION_LOG     = 4,  /* the kernel's log (abi/info.h), read-only */
    BH_REGION_COUNTERS = 5, /* the kernel's counters (abi/info.h), read-only */
    BH_REGION_PHYS    = 6,  /* fixed physical range outside RAM: legacy framebuffer and such */
};

enum bh_cache {
    BH_CACHE_WRITE_BACK    = 0,
    BH_CACHE_UNCACHED      = 1,
    BH_CACHE_WRITE_COMBINE = 2,
};

struct bh_plan_region {
    char     name[BH_NAME_SIZE];
    uint32_t kind;           /* enum bh_region_kind */
    uint32_t rights;         /* the most that a mapping may grant; never WRITE with EXECUTE, unless
                                only guest spaces map it with EXECUTE */
    uint32_t cache;          /* enum bh_cache */
    uint32_t owner;          /* compartment whose reset clears and reloads it; BH_NONE: shared */
    uint64_t size;           /* bytes, a multiple of the page */
    uint64_t alignment;      /* bytes, a multiple of the page; 2 MiB for guest RAM */
    uint64_t content_offset; /* in the plan, page-aligned; with content_size 0: nothing */
    uint64_t content_size;   /* bytes, <= size; the rest of the region is zero */
    uint32_t device;         /* BAR: the device */
    uint32_t bar;            /* BAR: 0 to 5 */
    uint64_t base;           /* BAR: byte offset in the BAR; PHYS: physical address */
};

enum bh_space_kind {
    BH_SPACE_PROCESS = 0,    /* addresses are virtual: BH_PAGE_SIZE .. 2^47 - 1 */
    BH_SPACE_GUEST   = 1,    /* addresses are guest-physical, below 2^46 */
    BH_SPACE_DEVICE  = 2,    /* addresses are IOVAs, below 2^38, never 0xfee00000..0xfeefffff */
};

struct bh_plan_space {
    char     name[BH_NAME_SIZE];
    uint32_t kind;           /* enum bh_space_kind */
    uint32_t owner;          /* compartment */
    uint32_t first_doorbell; /* GUEST: its doorbells are those from here on that name it */
    uint32_t pool_pages;     /* GUEST: table pages kept for guest_place, 64 at most */
};

/* In the order of their spaces, and of addresses in each. */
struct bh_plan_mapping {
    uint32_t space;
    uint32_t region;
    uint64_t address;        /* page-aligned: VA, GPA or IOVA by the space's kind */
    uint64_t offset;         /* into the region, page-aligned */
    uint64_t size;           /* page-aligned; offset + size <= the region's */
    uint32_t rights;         /* a subset of the region's; never WRITE with EXECUTE in a process */
    uint32_t reserved;
};

enum bh_compartment_flags {
    BH_COMPARTMENT_START = 1u << 0,  /* started at boot */
};

struct bh_plan_compartment {
    char     name[BH_NAME_SIZE];
    uint32_t space;          /* its process space */
    uint32_t flags;          /* enum bh_compartment_flags */
    uint32_t first_slot;     /* its capability table: the slots that name it; their numbers in calls
                                count from this one, 0 */
    uint32_t reserved;
};

/* What a slot holds: the table that `object` indexes, or what there is but one of. Of other tables
 * a slot is good for nothing. */
enum bh_slot_kind {
    BH_SLOT_PLACE       = BH_TABLE_REGION,       /* guest_place; object2 is the guest space */
    BH_SLOT_COMPARTMENT = BH_TABLE_COMPARTMENT,  /* compartment_control */
    BH_SLOT_VCPU        = BH_TABLE_VCPU,         /* vcpu_run */
    BH_SLOT_CHANNEL     = BH_TABLE_CHANNEL,      /* notify, notify_wait */
    BH_SLOT_DEVICE      = BH_TABLE_DEVICE,       /* device_control, device_read */
    BH_SLOT_MODE        = BH_TABLE_MODE,         /* mode_enter */
    BH_SLOT_MACHINE     = BH_TABLE_COUNT,        /* machine_control; object 0 */
};

struct bh_plan_slot {
    uint32_t compartment;    /* that has it */
    uint32_t kind;           /* enum bh_slot_kind */
    uint32_t object;
    uint32_t object2;        /* PLACE: the guest space; else zero */
    uint32_t rights;         /* bit n allows operation n of the call (see call.h); PLACE: bh_rights */
    uint32_t reserved;
};

/* A thread starts with RIP = entry, RSP = stack, RDI = number,
 * RSI = BH_MANIFEST_ADDRESS, everything else zero. */
struct bh_plan_thread {
    char     name[BH_NAME_SIZE];
    uint32_t compartment;
    uint32_t number;         /* in its compartment: 0, 1, .. */
    uint64_t entry;
    uint64_t stack;
};

struct bh_plan_vcpu {
    char     name[BH_NAME_SIZE];
    uint32_t thread;         /* the only thread that may run it */
    uint32_t space;          /* guest space */
    uint32_t state_region;   /* one RAM page: struct bh_vcpu_state (abi/vcpu.h) */
    uint32_t reserved;
};

enum bh_doorbell_kind {
    BH_DOORBELL_PORT = 0,    /* OUT to [address, address + length) of any width */
    BH_DOORBELL_PAGE = 1,    /* write to guest-physical [address, address + length) */
};

struct bh_plan_doorbell {
    uint32_t space;          /* guest space */
    uint32_t kind;           /* enum bh_doorbell_kind */
    uint64_t address;        /* port or GPA */
    uint64_t length;         /* ports or bytes; PAGE: page-aligned */
    uint32_t channel;        /* what is signalled */
    uint32_t reserved;
};

/* Who may set a channel's bits is told by the slots, doorbells and interrupts that name it. */
struct bh_plan_channel {
    char     name[BH_NAME_SIZE];
    uint32_t thread;         /* whose notification word */
    uint32_t life_of;        /* a compartment: the kernel signals when it stops, faults, is reset
                                or starts; BH_NONE: no such */
    uint64_t bits;           /* which bits; not zero */
};

enum bh_interrupt_kind {
    BH_INTERRUPT_MSIX = 0,   /* `source` is the MSI-X table entry */
    BH_INTERRUPT_MSI  = 1,   /* `source` is zero */
    BH_INTERRUPT_ISA  = 2,   /* `source` is the ISA interrupt line, by the I/O APIC (edge) */
};

struct bh_plan_interrupt {
    char     name[BH_NAME_SIZE];
    uint32_t device;
    uint32_t kind;           /* enum bh_interrupt_kind */
    uint32_t source;
    uint32_t channel;
    uint32_t limit;          /* most deliveries in 10 ms; then it is masked until they are over */
    uint32_t reserved;
};

enum bh_device_kind {
    BH_DEVICE_PCI      = 0,
    BH_DEVICE_PLATFORM = 1,  /* ports and ISA interrupts only, no DMA: a UART, a keyboard */
};

enum bh_device_flags {
    BH_DEVICE_UNSAFE = 1u << 0,  /* may master the bus without an IOMMU */
    BH_DEVICE_DMA    = 1u << 1,  /* the owner may turn bus mastering on */
};

struct bh_plan_device {
    char     name[BH_NAME_SIZE];
    uint32_t kind;           /* enum bh_device_kind */
    uint32_t flags;          /* enum bh_device_flags */
    uint32_t owner;          /* compartment */
    uint32_t space;          /* device space, BH_NONE: none (no DMA) */
    uint32_t requester_id;   /* segment << 16 | bus << 8 | device << 3 | function */
    uint16_t vendor_id;      /* expected; 0xffff: any */
    uint16_t device_id;
    uint32_t fault_limit;    /* DMA and interrupt faults before bus mastering goes off and its owner
                                is stopped; > 0 */
    uint32_t virtual;        /* n: the virtual function n - 1 of the physical one at requester_id;
                                0: none, but the function there itself */
};

struct bh_plan_port_range {
    uint32_t device;         /* the device that the ports belong to, and so its owner's */
    uint32_t first;          /* 0 .. 0xffff */
    uint32_t count;
    uint32_t reserved;
};

struct bh_plan_mode {
    char     name[BH_NAME_SIZE];
};

/* A thread without a placement in a mode doesn't run in it. */
struct bh_plan_placement {
    uint32_t mode;
    uint32_t thread;
    uint32_t core;           /* logical: 0 .. header.cores - 1 */
    uint32_t priority;       /* 0 .. BH_PRIORITIES - 1 */
    uint32_t budget_us;      /* <= period_us; equal: no limit */
    uint32_t period_us;      /* 100 .. 1,000,000 */
};

_Static_assert(sizeof(struct bh_plan_table) == 16, "plan format");
_Static_assert(sizeof(struct bh_plan_header) == 80 + 16 * BH_TABLE_COUNT, "plan format");
_Static_assert(sizeof(struct bh_plan_region) == 96, "plan format");
_Static_assert(sizeof(struct bh_plan_space) == 48, "plan format");
_Static_assert(sizeof(struct bh_plan_mapping) == 40, "plan format");
_Static_assert(sizeof(struct bh_plan_compartment) == 48, "plan format");
_Static_assert(sizeof(struct bh_plan_slot) == 24, "plan format");
_Static_assert(sizeof(struct bh_plan_thread) == 56, "plan format");
_Static_assert(sizeof(struct bh_plan_vcpu) == 48, "plan format");
_Static_assert(sizeof(struct bh_plan_doorbell) == 32, "plan format");
_Static_assert(sizeof(struct bh_plan_channel) == 48, "plan format");
_Static_assert(sizeof(struct bh_plan_interrupt) == 56, "plan format");
_Static_assert(sizeof(struct bh_plan_device) == 64, "plan format");
_Static_assert(sizeof(struct bh_plan_port_range) == 16, "plan format");
_Static_assert(sizeof(struct bh_plan_mode) == 32, "plan format");
_Static_assert(sizeof(struct bh_plan_placement) == 24, "plan format");

#endif
