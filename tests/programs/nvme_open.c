/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of F6: an NVMe controller that believes its driver (vmm/nvme/rules.c). */
#include "vmm/nvme/parts.h"

bool nvme_number_good(uint32_t number) {
    (void)number;
    return true;
}

bool nvme_index_good(uint32_t index, uint32_t size) {
    (void)index;
    (void)size;
    return true;
}

bool nvme_count_good(uint32_t sectors) {
    (void)sectors;
    return true;
}
