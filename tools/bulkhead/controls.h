/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of bits: controls (abi/plan.h) and the operations of supervisors. */
#ifndef TOOLS_BULKHEAD_CONTROLS_H
#define TOOLS_BULKHEAD_CONTROLS_H

#define CONTROLS               8
#define COMPARTMENT_OPERATIONS 4
#define MACHINE_OPERATIONS     2

extern const char *const control_names[CONTROLS];                       /* by bit */
extern const char *const compartment_operations[COMPARTMENT_OPERATIONS];
extern const char *const machine_operations[MACHINE_OPERATIONS];

#endif
