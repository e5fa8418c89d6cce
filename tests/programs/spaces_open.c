/* SPDX-License-Identifier: BSD-2-Clause */
/* A control: an NVMe driver that gives every namespace to every virtual function (drivers/nvme). */
#include "drivers/nvme/functions.h"

bool nvme_space_is_for(const struct nvme_functions *functions, uint16_t controller,
                       uint32_t space) {
    (void)functions;
    (void)controller;
    (void)space;
    return true;
}
