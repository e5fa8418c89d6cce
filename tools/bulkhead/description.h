/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A system description as it was written: the schema library fills these structures by the schema
 * of schema.c. Texts are as in the file; their meaning is checked later (check.c). A pointer is
 * NULL and a count zero where the file says nothing. docs/description.md explains every field.
 */
#ifndef TOOLS_BULKHEAD_DESCRIPTION_H
#define TOOLS_BULKHEAD_DESCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"
#include "tree.h"

struct description_forward {
    uint32_t host;              /* TCP port of the host */
    char    *guest;             /* "10.0.2.15:80" */
};

struct description_hardware {   /* what the machine has at a PCI address */
    char    *address;
    char    *id;
    char    *model;             /* QEMU's name, for `run` */
    char    *options;           /* QEMU's options for it */
    char    *behind;            /* address of the bridge that it is behind */
    bool     network;           /* user networking is its back end */
    char    *disk;              /* a raw image file is its back end */
    char   **namespaces;        /* or one for each namespace of a disk with virtual functions */
    uint32_t namespaces_count;
    struct description_forward *forwards;
    uint32_t forwards_count;
};

enum description_iommu { IOMMU_NONE, IOMMU_VTD, IOMMU_AMDVI };

struct description_machine {
    uint32_t cores;
    char    *memory;
    enum description_iommu iommu;
    char    *cpu;
    char    *options;           /* more arguments for QEMU */
    char    *hardware;          /* a listing of what it has, by `bulkhead probe` */
    struct description_hardware *devices;
    uint32_t devices_count;
};

struct description_bar {
    uint32_t bar;
    char    *offset;
    char    *size;
    char    *as;
    bool     write_combine;
};

struct description_ports {
    uint32_t first;
    uint32_t count;
    char    *as;
};

struct description_device {
    char    *name;
    char    *as;                /* what its driver calls it; its name if not given */
    char    *pci;
    char    *virtual_of;        /* instead: a virtual function of this device ... */
    uint32_t *virtual_number;   /* ... which one, from 0 */
    char    *mac;               /* ... a card's: its address, and its VLAN, */
    uint32_t vlan;
    uint32_t *space;            /* a disk's: its namespace; its physical one's driver gives them */
    char    *id;
    bool     platform;
    bool     dma;
    bool     unsafe;
    bool     mediated;          /* the kernel sets where it does DMA: refused, check_mediated.c */
    bool     no_reset;          /* that nothing can reset it is known */
    uint32_t msix;              /* how many entries */
    bool     msi;
    uint32_t isa;               /* ISA interrupt line, 0: none */
    uint32_t fault_limit;
    uint32_t storm_limit;
    struct description_bar *bars;
    uint32_t bars_count;
    struct description_ports *ports;
    uint32_t ports_count;
};

struct description_schedule {   /* where and when a thread runs */
    uint32_t  core;
    uint32_t *priority;
    char     *budget;
    char     *period;
};

struct description_setting {
    char *name;
    char *value;
};

struct description_region {
    char *name;
    char *size;
    char *kind;                 /* ram (default), plan, log, vga, content */
    char *file;                 /* content: its path */
    char *rights;               /* the most; default rw */
    char *alignment;
    char *process;              /* private regions: rights in the compartment's process, or none */
    char *at;                   /* private regions: virtual address */
    char *device;               /* private regions: in this device's space */
    char *dma;                  /* ... with these rights */
    char *iova;
};

struct description_supervise {
    char  *compartment;
    char **operations;          /* state, run, stop, reset; none: all */
    uint32_t operations_count;
};

struct description_program {    /* what every compartment has */
    char *name;
    char *program;
    struct description_schedule schedule;
    char *stack;
    bool  stopped;              /* not started at boot */
    bool  quiet;                /* no log line to the console */
    bool  no_counters;
    bool  modes;
    char **machine;             /* reboot, poweroff */
    uint32_t machine_count;
    char **devices;
    uint32_t devices_count;
    struct description_schedule *threads;    /* those beyond the first */
    uint32_t threads_count;
    struct description_setting *settings;
    uint32_t settings_count;
    struct description_region *regions;
    uint32_t regions_count;
    struct description_supervise *supervise;
    uint32_t supervise_count;
};

struct description_console {
    struct description_program base;
    char *driver;
    bool  no_monitor;           /* only lines: no supervision, no power, no log */
};

struct description_switch {
    struct description_program base;
    char *uplink;               /* compartment of the network driver */
    char *pool;                 /* size of the receive pool */
};

struct description_disk {       /* a block multiplexer */
    struct description_program base;
    char *driver;               /* compartment of the disk's driver */
};

struct description_seat {       /* one screen and keyboard for all VMs that have a screen */
    struct description_program base;
    char *screen;               /* compartment of the display's driver */
    char *keyboard;             /* compartment of the keyboard's driver */
};

struct description_extent {     /* what a VM has of a disk */
    char *from;                 /* the multiplexer */
    char *first;                /* bytes, with size: where on the disk; neither: all of it */
    char *size;
    char *partition;            /* or the partition of that name */
    bool  readonly;
    char *model;                /* virtio (default), nvme, ahci, ahci-cdrom */
    bool  zero_copy;            /* the disk reaches the VM's RAM itself */
};

struct description_nic {
    char *netswitch;
    char *mac;
    char *model;                /* virtio (default), e1000 */
};

struct description_place {
    char *region;
    char *rights;
    char *as;
};

struct description_doorbell {   /* guest-physical pages whose writes only notify */
    char *gpa;
    char *size;
    char *as;
};

#define GUEST_HOLE_START 0xc0000000ull   /* guest RAM goes on at 4 GiB */

struct description_vm {
    struct description_program base;
    char *firmware;             /* starts the VM instead of a kernel */
    char *kernel;
    char *initrd;
    char *cmdline;
    char *memory;
    bool  no_serial;
    bool  no_hvc;
    bool  no_rng;
    bool  hpet;
    bool  screen;               /* a display and a keyboard, at the seat */
    uint32_t pool_pages;
    struct description_schedule *vcpus;
    uint32_t vcpus_count;
    struct description_nic *nic;
    struct description_extent *disks;
    uint32_t disks_count;
    char **passthrough;         /* devices that the guest drives itself */
    uint32_t passthrough_count;
    struct description_place *places;
    uint32_t places_count;
    struct description_doorbell *doorbells;
    uint32_t doorbells_count;
};

struct description_mapping {    /* a named region in somebody's space */
    char *region;
    char *compartment;
    char *vm;                   /* the VM's guest instead */
    char *device;               /* the device's space instead */
    char *at;
    char *offset;
    char *size;
    char *rights;
    char *as;                   /* manifest name; the region's if not given */
};

struct description_channel {
    char *name;
    char *from;
    char *to;
    uint32_t thread;
    char *as;                   /* name in the signaller's manifest */
    char *event;                /* name in the receiver's */
    char *life_of;              /* the kernel signals the life of this compartment */
};

struct description_link {
    char *client;
    char *server;
    char *kind;                 /* stream (default), net */
    char *as;                   /* the client's name for it */
    char *server_as;            /* the server's prefix: client (default), port */
    char *shown;                /* how the server calls the client */
    char *half;
    char *area;
};

struct description_change {     /* how a mode differs from the schedule given elsewhere */
    char *compartment;
    uint32_t *thread;           /* not given: all */
    uint32_t *core;
    uint32_t *priority;
    char *budget;
    char *period;
    bool  off;
};

struct description_mode {
    char *name;
    struct description_change *changes;
    uint32_t changes_count;
};

struct description {
    char *system;
    struct description_machine machine;
    uint32_t log_port;
    uint32_t *cores;            /* cores that the system uses; all of the machine's if not given */
    char **controls;
    uint32_t controls_count;
    struct description_device *devices;
    uint32_t devices_count;
    struct description_program *compartments;
    uint32_t compartments_count;
    struct description_console *console;
    struct description_switch *switches;
    uint32_t switches_count;
    struct description_disk *disks;
    uint32_t disks_count;
    struct description_seat *seat;
    struct description_vm *vms;
    uint32_t vms_count;
    struct description_region *regions;
    uint32_t regions_count;
    struct description_mapping *mappings;
    uint32_t mappings_count;
    struct description_channel *channels;
    uint32_t channels_count;
    struct description_link *links;
    uint32_t links_count;
    struct description_mode *modes;
    uint32_t modes_count;
};

/* Loads the tree's bytes by the schema; reports every departure from it and answers NULL then. */
struct description *description_load(struct tree *tree, struct report *report);
void description_free(struct description *description);

#endif
