/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between core/device*.c only: what the kernel knows of each device of the plan, by its index. All
 * of it is guarded by device_lock after boot.
 */
#pragma once

#include "core/atomic.h"
#include "core/counter.h"
#include "core/device.h"
#include "pci/pci.h"

struct device_state {
    uint32_t function[BH_MAX_DEVICES];        /* index in pci/; BH_NONE: a platform device */
    uint32_t alias[BH_MAX_DEVICES];           /* its second requester id, or BH_NONE */
    bool     decode_ports[BH_MAX_DEVICES];
    uint32_t faults_allowed[BH_MAX_DEVICES];  /* until it is blocked */
    uint64_t fault_log_at[BH_MAX_DEVICES];    /* tick from which the next line may be logged */
    struct pci_reset reset[BH_MAX_DEVICES];
};

extern struct device_state devices;
extern struct lock device_lock;               /* guards interrupt.c, pci/ and iommu/ as well */

/* With the lock held: no DMA any more, and no reports of what it still tries. */
void device_block(uint32_t device);

static inline bool device_is_pci(uint32_t device) { return devices.function[device] != BH_NONE; }

const char *device_owner_name(uint32_t device);
uint32_t device_requester(uint32_t device);

static inline uint64_t device_state(uint32_t device) {
    return counters.device[device][BH_DEVICE_COUNT_STATE];
}

static inline bool device_is_usable(uint32_t device) {
    return device_state(device) == BH_DEVICE_QUIET || device_state(device) == BH_DEVICE_ACTIVE;
}

static inline void device_set_state(uint32_t device, enum bh_device_state state) {
    counters.device[device][BH_DEVICE_COUNT_STATE] = state;
}

/* Why no IOMMU holds it, for people; 0: one does. */
const char *device_unconfined(uint32_t device);

/* interrupt.c, with the lock held: as the plan says; or absent and masked. */
void interrupt_open_device(uint32_t device, bool open);
void interrupt_renew_device(uint32_t device);   /* its registers were lost: set again */

/* bus:device.function, for log_line. */
#define DEVICE_ID_FORMAT    "%02x:%02x.%u"
#define DEVICE_ID(id)       (id) / 256 % 256, (id) / 8 % 32, (id) % 8
