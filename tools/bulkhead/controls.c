/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of bits. See controls.h. */
#include "controls.h"

const char *const control_names[CONTROLS] = {
    "dma-open", "no-source-check", "no-invalidate", "no-quiesce",
    "ports-open", "no-fpu-switch", "no-storm-limit", "config-open",
};

const char *const compartment_operations[COMPARTMENT_OPERATIONS] = {
    "state", "run", "stop", "reset",
};

const char *const machine_operations[MACHINE_OPERATIONS] = { "reboot", "poweroff" };
