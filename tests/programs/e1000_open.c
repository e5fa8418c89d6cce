/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of F6 and F9: an 82540EM that believes its driver (vmm/e1000/rules.c). */
#include "vmm/e1000/parts.h"

bool e1000_queue_good(const struct e1000_queue *queue) {
    (void)queue;
    return true;
}

bool e1000_context_good(const struct e1000_context *context) {
    (void)context;
    return true;
}
