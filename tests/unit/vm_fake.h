/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole VM in a host process, for unit tests and fuzz targets of the VMM: RAM, vCPU state pages,
 * virtio devices with links to a peer that the test plays, and a world that stands still until
 * the test moves it (vmm/runtime.c's place is taken by vm_fake.c).
 */
#ifndef BULKHEAD_TESTS_VM_FAKE_H
#define BULKHEAD_TESTS_VM_FAKE_H

#include "tests/unit/link_pair.h"
#include "vmm/vm.h"

enum {
    FAKE_RAM = 4 << 20,
    FAKE_KERNEL = 8192,              /* bytes of vm_fake_kernel's image */
    FAKE_ROM = 256 << 10,            /* bytes of a firmware's image */
    FAKE_KERNEL_AT = 0x200000,       /* where it wants to be */
    FAKE_NET_PORT = 0xc000,
    FAKE_HVC_PORT = 0xc010,
    FAKE_DISK_PORT = 0xc020,
    FAKE_DISK_SLOTS = 2,
    FAKE_NOTIFY_SIZE = 16,
    FAKE_DISK_LINK = 1 << 16,        /* notifications of the disk's link and doorbell */
    FAKE_DISK_BELL = 1 << 17,
};

struct vm_fake {
    struct vm vm;
    struct link_pair net, hvc, serial, disk, seat;   /* end A is the VMM's */
    struct ring net_peer, hvc_peer, serial_peer, disk_peer, seat_peer;
    uint64_t now;
    unsigned kicks[VM_VCPUS_MAX];
    unsigned io_kicks;
    uint64_t framebuffer_at;         /* where the kernel has it; 0: nowhere */
    unsigned logged;
    char last_log[256];
};

extern struct vm_fake vm_fake;

/* Makes the VM anew, its links up; no guest is loaded, vCPU 0 is in 64-bit mode at RIP 0x1000 with
 * an identity map of 4 GiB, as after the boot protocol. */
void vm_fake_make(unsigned vcpu_count);
void vm_fake_free(void);

/* A kernel image as the boot protocol wants it, of a few instructions. */
void vm_fake_kernel(uint8_t image[FAKE_KERNEL]);

/* Right after vm_fake_make: the network link belongs to an 82540EM instead of virtio-net. */
void vm_fake_use_e1000(void);

/* The same: the disk link belongs to port 0 of an AHCI controller instead of virtio-blk. */
void vm_fake_use_ahci(bool cdrom);

/* The same: it belongs to an NVMe controller. */
#define FAKE_NVME_BAR 0xe0060000ull
void vm_fake_use_nvme(void);

/* The same: the VM has a screen and a keyboard; the link to the seat is up. */
void vm_fake_use_screen(void);

/* The same: firmware starts the VM, as soon as vm_load is called. */
void vm_fake_use_firmware(void);

/* The 8259s as a BIOS sets them up: vectors from 0x08 and from 0x70, nothing masked. */
void vm_fake_program_pics(void);

/* Puts bytes into guest RAM, or code at vCPU 0's RIP. */
void vm_fake_poke(uint64_t gpa, const void *bytes, size_t size);
void vm_fake_code(const void *bytes, size_t size);

/* One exit of vCPU 0. */
void vm_fake_exit(enum bh_exit exit, uint64_t info1, uint64_t info2, uint64_t next_rip);
uint32_t vm_fake_in(uint16_t port, unsigned size);
void vm_fake_out(uint16_t port, unsigned size, uint32_t value);
uint64_t vm_fake_load(uint64_t gpa, unsigned size);
void vm_fake_store(uint64_t gpa, unsigned size, uint64_t value);

/* PCI configuration by ports 0xcf8 and 0xcfc. */
uint32_t vm_fake_config_read(unsigned device, unsigned offset);
void vm_fake_config_write(unsigned device, unsigned offset, uint32_t value);

/* Sets a virtio device up as a driver does: bus mastering, features, both queues of `size` at
 * `queues` (a page each part), MSI-X vectors 0x50 + n to vCPU 0, DRIVER_OK. */
void vm_fake_virtio_start(unsigned device, uint64_t queues, uint16_t size, uint64_t features);

#endif
