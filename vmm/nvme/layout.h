/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, queue entries and numbers of an NVMe controller as its driver sees them; for the
 * device model's own files.
 *
 * Reference: NVM Express 1.4 ("NVMe"); sections are cited by their titles.
 */
#ifndef VMM_NVME_LAYOUT_H
#define VMM_NVME_LAYOUT_H

#include <stdint.h>

/* "Controller Registers" */
enum nvme_register {
    NVME_CAP = 0x00, NVME_VS = 0x08, NVME_CC = 0x14, NVME_CSTS = 0x1c, NVME_AQA = 0x24,
    NVME_ASQ = 0x28, NVME_ACQ = 0x30,
    NVME_DOORBELLS = 0x1000,         /* of each queue pair: the submission tail, completion head */
    NVME_DOORBELL = 4,               /* bytes of one */
    NVME_MSIX = 0x2000, NVME_PENDING = 0x3000,   /* where we put them */
};

#define CAP_MQES(size) ((uint64_t)((size) - 1))  /* entries of a queue at most - 1 */
#define CAP_CQR  (1ull << 16)        /* queues are contiguous */
#define CAP_TO(half_seconds) ((uint64_t)(half_seconds) << 24)
#define CAP_NVM  (1ull << 37)        /* the NVM command set */

#define VERSION_1_4 0x00010400u

#define CC_EN    (1u << 0)
#define CC_CSS   (7u << 4)           /* command set: NVM is 0 */
#define CC_MPS   (15u << 7)          /* pages of 4 KiB: 0 */
#define CC_AMS   (7u << 11)          /* round robin: 0 */
#define CC_SHN   (3u << 14)          /* shut down */
#define CC_KEPT  0x00fffff1u

#define CSTS_RDY (1u << 0)
#define CSTS_CFS (1u << 1)           /* fatal: only a reset helps */
#define CSTS_SHST_BUSY (1u << 2)
#define CSTS_SHST_DONE (2u << 2)

#define AQA_SIZE 0xfffu
#define AQA_CQ_SHIFT 16
#define AQA_KEPT (AQA_SIZE | AQA_SIZE << AQA_CQ_SHIFT)

enum { NVME_PAGE = 4096, SQ_ENTRY = 64, CQ_ENTRY = 16 };

/* "Submission Queue Entry": its first 56 bytes; of the last dwords no command of ours takes any. */
struct nvme_entry {
    uint32_t control;                /* opcode, flags, identifier */
    uint32_t namespace;
    uint64_t prp1;
    uint64_t prp2;
    uint32_t dword10, dword11, dword12, dword13;
};

enum entry_word { WORD_CONTROL = 0, WORD_PRP1 = 3, WORD_PRP2 = 4, WORD_10 = 5, WORD_12 = 6 };

#define CONTROL_OPCODE  0xffu
#define CONTROL_RULES   0xff00u      /* fused, SGLs: not for us */
#define CONTROL_ID_SHIFT 16

/* "Completion Queue Entry" */
#define DONE_QUEUE_SHIFT  16         /* dword 2: above the submission queue's head */
#define DONE_PHASE  (1ull << 16)     /* dword 3: above the command's identifier */
#define DONE_STATUS_SHIFT 17

/* "Status Field Definition": status code, type above it, and that trying again is no use. */
enum nvme_status {
    NVME_OK = 0,
    NVME_BAD_OPCODE = 0x4001, NVME_BAD_FIELD = 0x4002, NVME_TRANSFER = 0x0004,
    NVME_BAD_NAMESPACE = 0x400b, NVME_PRP_OFFSET = 0x4013, NVME_WRITE_PROTECTED = 0x4020,
    NVME_LBA_RANGE = 0x4080,
    NVME_BAD_CQ = 0x4100, NVME_BAD_QUEUE = 0x4101, NVME_BAD_QUEUE_SIZE = 0x4102,
    NVME_TOO_MANY_EVENTS = 0x4105, NVME_BAD_VECTOR = 0x4108, NVME_BAD_LOG = 0x4109,
    NVME_BAD_DELETION = 0x410c, NVME_NOT_SAVEABLE = 0x410d,
    NVME_WRITE_FAULT = 0x0280, NVME_READ_ERROR = 0x0281,
};

/* "Admin Command Set" */
enum admin_opcode {
    ADMIN_DELETE_SQ = 0x00, ADMIN_CREATE_SQ = 0x01, ADMIN_GET_LOG = 0x02, ADMIN_DELETE_CQ = 0x04,
    ADMIN_CREATE_CQ = 0x05, ADMIN_IDENTIFY = 0x06, ADMIN_ABORT = 0x08, ADMIN_SET_FEATURES = 0x09,
    ADMIN_GET_FEATURES = 0x0a, ADMIN_EVENT_REQUEST = 0x0c, ADMIN_DOORBELL_BUFFER = 0x7c,
};

#define CREATE_CONTIGUOUS (1u << 0)  /* of either queue */
#define CREATE_INTERRUPTS (1u << 1)

enum identify_structure { IDENTIFY_NAMESPACE = 0, IDENTIFY_CONTROLLER = 1, IDENTIFY_LIST = 2,
                          IDENTIFY_DESCRIPTORS = 3 };

enum log_page { LOG_ERRORS = 1, LOG_HEALTH = 2, LOG_FIRMWARE = 3, LOG_CHANGED = 4 };
#define LOG_RETAIN (1u << 15)        /* the event stays */

/* "Feature Values" */
enum nvme_feature {
    FEATURE_ARBITRATION = 1, FEATURE_POWER = 2, FEATURE_LBA_TYPES = 3, FEATURE_TEMPERATURE = 4,
    FEATURE_RECOVERY = 5, FEATURE_CACHE = 6, FEATURE_QUEUES = 7, FEATURE_COALESCING = 8,
    FEATURE_VECTOR = 9, FEATURE_ATOMICITY = 10, FEATURE_EVENTS = 11, NVME_FEATURES = 12,
};
#define FEATURE_SAVE (1u << 31)
enum { SELECT_CURRENT = 0, SELECT_DEFAULT = 1, SELECT_SAVED = 2, SELECT_SUPPORTED = 3 };
#define EVENTS_NAMESPACE (1u << 8)

/* "Asynchronous Event Request command": ours, a bit each. An error holds others back until its log
 * is read; so does a notice. */
enum nvme_event { EVENT_BAD_REGISTER = 1, EVENT_BAD_VALUE = 2, EVENT_NAMESPACE = 4 };
enum { EVENT_ERRORS = EVENT_BAD_REGISTER | EVENT_BAD_VALUE, EVENT_NOTICES = EVENT_NAMESPACE };
/* Type, information, log page */
#define EVENT_TELLS(type, information, page) ((type) | (information) << 8 | (page) << 16)

/* "NVM Command Set" */
enum io_opcode { IO_FLUSH = 0x00, IO_WRITE = 0x01, IO_READ = 0x02, IO_DATASET = 0x09 };
#define IO_COUNT  0xffffu
#define IO_FORCED (1u << 30)         /* on the medium at the end */
#define DATASET_RANGES 0xffu
#define DATASET_DEALLOCATE (1u << 2)

struct nvme_range {                  /* "Dataset Management command" */
    uint32_t attributes;
    uint32_t sectors;
    uint64_t sector;
};
_Static_assert(sizeof(struct nvme_range) == 16, "Range Definition");

#endif
