/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver's numbers must hold to before they lead into our tables. A file of its own, so that
 * the red team's control can be built without it.
 */
#include "vmm/nvme/parts.h"

bool nvme_number_good(uint32_t number) {
    return number < NVME_QUEUES;
}

bool nvme_index_good(uint32_t index, uint32_t size) {
    return index < size;
}

bool nvme_count_good(uint32_t sectors) {
    return sectors <= BACKEND_SLOT / BLOCK_SECTOR;
}
