/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the NVMe driver's core: commands and doorbells. */
#ifndef BULKHEAD_DRIVERS_NVME_QUEUE_H
#define BULKHEAD_DRIVERS_NVME_QUEUE_H

#include "drivers/nvme/nvme.h"

void nvme_clear_command(volatile struct nvme_command *command, uint8_t opcode, uint32_t id);

/* Both tell the device how far we are; an index in the queue. */
void nvme_ring_submission(struct nvme *nvme, uint32_t queue, uint32_t index);
void nvme_ring_completion(struct nvme *nvme, uint32_t queue, uint32_t index);

#endif
