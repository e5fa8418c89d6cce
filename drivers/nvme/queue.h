/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the NVMe driver's core: commands, doorbells and the admin queue. */
#ifndef BULKHEAD_DRIVERS_NVME_QUEUE_H
#define BULKHEAD_DRIVERS_NVME_QUEUE_H

#include "drivers/nvme/nvme.h"

void nvme_clear_command(struct nvme_command *command, uint8_t opcode, uint32_t id);

/* Both tell the device how far we are; an index in the queue. */
void nvme_ring_submission(struct nvme *nvme, uint32_t queue, uint32_t index);
void nvme_ring_completion(struct nvme *nvme, uint32_t queue, uint32_t index);

/* Waits until the controller is ready, or no more (`wanted`: CSTS_READY or zero). */
bool nvme_await_ready(struct nvme *nvme, uint32_t wanted, nvme_pause *pause);

/* The next admin command, to be filled; then runs it. False: it failed. A controller that doesn't
 * answer, or something else, isn't ready any more, and nothing runs before its next start. */
struct nvme_command *nvme_next_admin(struct nvme *nvme, uint8_t opcode);
bool nvme_run_admin(struct nvme *nvme, nvme_pause *pause);

/* NVMe 5.15: `what` is the whole dword 10. The answer stays until the next one: `bytes` at `offset`
 * as a number, offset + bytes <= 4096. */
bool nvme_identify(struct nvme *nvme, uint32_t space, uint32_t what, nvme_pause *pause);
uint64_t nvme_identified(const struct nvme *nvme, uint32_t offset, uint32_t bytes);

/* All that there is to do for virtual functions (functions.h), after our controller's reset. If a
 * step fails, those that aren't online have nothing. */
void nvme_start_functions(struct nvme *nvme, nvme_pause *pause);

/* Our namespace is attached to us again, and to nobody else. False: it failed, or, as there are no
 * virtual functions, who has a namespace is none of our business. */
bool nvme_take_space(struct nvme *nvme, nvme_pause *pause);

#endif
