/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio PCI transport: capabilities, common configuration, device status, queues. Modern
 * devices only. The notify capability lies in I/O space, at the ports of the kernel's doorbells, so
 * that a guest's kick wakes the I/O thread without an exit to us; as long as the guest leaves that
 * BAR where it is. Memory BAR: common configuration, ISR, device configuration, MSI-X table and
 * pending bits.
 *
 * References: Virtual I/O Device 1.2 ("virtio"), sections 2.1 (status), 4.1 (PCI).
 */
#ifndef VMM_VIRTIO_H
#define VMM_VIRTIO_H

#include "vmm/platform/pci.h"
#include "vmm/virtio/virtqueue.h"

#define VIRTIO_QUEUES 2u             /* the most that a device has */
#define VIRTIO_MEMORY_BAR 4u
#define VIRTIO_NOTIFY_BAR 0u
#define VIRTIO_BAR_SIZE 0x4000u
#define VIRTIO_CONFIG_MAX 64u

enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1, VIRTIO_DRIVER = 2, VIRTIO_DRIVER_OK = 4, VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64, VIRTIO_FAILED = 128,
};

#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

struct virtio_device {
    struct pci_function pci;
    const struct guest_memory *memory;
    uint64_t offered;                /* feature bits */
    uint64_t accepted;
    uint32_t offered_select;
    uint32_t accepted_select;
    uint8_t window_at;               /* the configuration access capability */
    uint16_t config_vector;
    uint16_t queue_select;
    uint8_t status;                  /* enum virtio_status */
    bool in_reset;                   /* it may still touch the guest's RAM (virtio 2.4.2) */
    uint8_t config[VIRTIO_CONFIG_MAX];
    uint32_t config_size;
    uint16_t queues;                 /* that this device has */
    struct virtqueue queue[VIRTIO_QUEUES];
};

enum virtio_event {
    VIRTIO_NOTHING,
    VIRTIO_KICK,                     /* the driver notified a queue, or became ready */
    VIRTIO_RESET,                    /* the driver reset the device: forget what is in flight */
};

struct virtio_identity {
    uint16_t device;                 /* virtio device type: 1 network, 3 console */
    uint32_t class;                  /* PCI class code, 24 bits */
    uint16_t queues;                 /* 1 to VIRTIO_QUEUES */
    uint64_t features;               /* besides VERSION_1 and EVENT_IDX */
};

/* `notify_size`: a power of two >= 4 * VIRTIO_QUEUES; notify_port is a multiple of it. */
void virtio_create(struct virtio_device *device, const struct virtio_identity *identity,
                   const struct guest_memory *memory, uint32_t memory_base, uint16_t notify_port,
                   uint32_t notify_size);

/* Accesses to the memory BAR, by offset; size 1, 2, 4 or 8. */
uint64_t virtio_bar_read(struct virtio_device *device, uint32_t offset, unsigned size);
enum virtio_event virtio_bar_write(struct virtio_device *device, uint32_t offset, unsigned size,
                                   uint64_t value);

/* Before a read and after a write of configuration space at `offset`: does what the access means to
 * the window there, through which the BARs can be reached. */
void virtio_window_read(struct virtio_device *device, unsigned offset);
enum virtio_event virtio_window_write(struct virtio_device *device, unsigned offset);

/* The driver has set it up and may be served. */
bool virtio_ready(const struct virtio_device *device);

/* The driver broke the rules: nothing is served until it resets the device. */
void virtio_fail(struct virtio_device *device);

/* The device's configuration changed by itself: the driver is told. */
void virtio_config_changed(struct virtio_device *device);

/* Raises the queue's interrupt if the driver wants one for what was published. */
void virtio_signal(struct virtio_device *device, unsigned queue);

#endif
