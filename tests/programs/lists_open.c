/* SPDX-License-Identifier: BSD-2-Clause */
/* The NVMe driver's rule of clients' memories (drivers/nvme/memory.c), which lets everything through:
 * only for the red team's control. */
#include "drivers/nvme/nvme.h"

bool nvme_memory_at(const struct nvme_memory *memory, uint64_t offset, uint64_t bytes,
                    uint64_t *iova) {
    (void)bytes;
    *iova = memory->low_iova + offset;
    return true;
}
