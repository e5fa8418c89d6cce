/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bound of what a client's lists name: all clients' memories lie in the disk's one device space, so
 * that nothing else keeps them apart. A file of its own, so that the red team's control can be built
 * without it. Trusts nobody's offsets; touches nothing.
 */
#include "drivers/nvme/nvme.h"

bool nvme_memory_at(const struct nvme_memory *memory, uint64_t offset, uint64_t bytes,
                    uint64_t *iova) {
    *iova = offset < memory->low_size ? memory->low_iova + offset
                                      : memory->high_iova + offset - memory->low_size;
    return block_within(offset, bytes, memory->size);
}
