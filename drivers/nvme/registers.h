/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, commands and completions of an NVMe controller. References: NVM Express Base
 * Specification 1.4; the section stands beside each.
 */
#ifndef BULKHEAD_DRIVERS_NVME_REGISTERS_H
#define BULKHEAD_DRIVERS_NVME_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum nvme_register {               /* byte offsets in BAR 0; section 3.1 */
    NVME_CAP_LOW   = 0x00,
    NVME_CAP_HIGH  = 0x04,
    NVME_CC        = 0x14,         /* 3.1.5 configuration */
    NVME_CSTS      = 0x1c,         /* 3.1.6 status */
    NVME_AQA       = 0x24,         /* 3.1.8 sizes of the admin queues */
    NVME_ASQ       = 0x28,         /* 3.1.9 */
    NVME_ACQ       = 0x30,         /* 3.1.10 */
    NVME_DOORBELLS = 0x1000,       /* 3.1.25 */
    NVME_BAR_SIZE  = 0x2000,       /* what is mapped: up to the doorbells of eight queues and more */
};

enum nvme_bits {
    CAP_MQES       = 0xffff,       /* low: entries of a queue, less one */
    CAP_STRIDE     = 0xf,          /* high: doorbells are 4 << this apart */
    CC_ENABLE      = 1 << 0,
    CC_ENTRIES     = 6 << 16 | 4 << 20,   /* IOSQES 64 bytes, IOCQES 16 bytes; pages of 4 KiB */
    CSTS_READY     = 1 << 0,
    CSTS_FATAL     = 1 << 1,
};

enum nvme_admin_opcode {           /* 5: figure 139 */
    ADMIN_DELETE_SQ = 0x00,
    ADMIN_CREATE_SQ = 0x01,
    ADMIN_DELETE_CQ = 0x04,
    ADMIN_CREATE_CQ = 0x05,
    ADMIN_IDENTIFY  = 0x06,
    ADMIN_ATTACHMENT = 0x15,       /* 5.19 namespace attachment */
    ADMIN_VIRTUAL   = 0x1c,        /* 5.22 virtualization management */
};

enum nvme_opcode {                 /* 6: figure 346 */
    NVME_FLUSH   = 0x00,
    NVME_WRITE   = 0x01,
    NVME_READ    = 0x02,
    NVME_DATASET = 0x09,           /* 6.7 dataset management */
};

enum nvme_values {
    IDENTIFY_NAMESPACE  = 0,
    IDENTIFY_CONTROLLER = 1,
    IDENTIFY_ALLOCATED  = 0x10,    /* ids of namespaces behind the given one */
    IDENTIFY_ATTACHED   = 0x12,    /* controllers that have the namespace */
    IDENTIFY_PRIMARY    = 0x14,    /* what a primary controller has to give to secondary ones */
    IDENTIFY_SECONDARY  = 0x15,
    ATTACHMENT_ATTACH   = 0,
    ATTACHMENT_DETACH   = 1,
    VIRTUAL_PRIMARY     = 1,       /* actions on a controller: our own flexible resources, ... */
    VIRTUAL_OFFLINE     = 7,
    VIRTUAL_ASSIGN      = 8,       /* ... a secondary one's */
    VIRTUAL_ONLINE      = 9,
    VIRTUAL_QUEUES      = 0 << 8,
    VIRTUAL_INTERRUPTS  = 1 << 8,
    QUEUE_CONTIGUOUS    = 1 << 0,
    QUEUE_INTERRUPTS    = 1 << 1,
    DATASET_DEALLOCATE  = 1 << 2,
    ONCS_DATASET        = 1 << 2,  /* of identify controller, byte 520 */
    OACS_NAMESPACES     = 1 << 3,  /* byte 256 */
    OACS_VIRTUAL        = 1 << 7,
};

/* 4.2: figure 105. */
struct nvme_command {
    uint8_t  opcode;
    uint8_t  flags;
    uint16_t id;
    uint32_t space;                /* namespace */
    uint64_t reserved;
    uint64_t metadata;
    uint64_t prp1;
    uint64_t prp2;
    uint32_t dword10;
    uint32_t dword11;
    uint32_t dword12;
    uint32_t dword13;
    uint32_t dword14;
    uint32_t dword15;
};

/* 4.6: figure 122. */
struct nvme_completion {
    uint32_t result;
    uint32_t reserved;
    uint16_t queue_head;
    uint16_t queue;
    uint16_t id;
    uint16_t status;               /* bit 0: phase; the rest zero: success */
};

/* 6.7.1: figure 370. */
struct nvme_range {
    uint32_t attributes;
    uint32_t length;
    uint64_t first;
};

_Static_assert(sizeof(struct nvme_command) == 64, "NVMe 4.2");
_Static_assert(sizeof(struct nvme_completion) == 16, "NVMe 4.6");
_Static_assert(sizeof(struct nvme_range) == 16, "NVMe 6.7.1");

#endif
