/* SPDX-License-Identifier: BSD-2-Clause */
/* Modes: which thread runs on which core, with what priority and budget. */
#pragma once

#include "abi/call.h"

void mode_install(void);               /* the plan's first mode */

/* Any core. Every core moves its own threads at its next dispatch; BH_E_STATE while the last change
 * is still on its way. */
enum bh_status mode_enter(uint32_t mode);

/* For core/sched.c. */
void mode_apply(void);                 /* this core's part of a change, if it has one to do */
uint32_t mode_place(uint32_t thread, uint64_t now);  /* its priority, budget; answers its core */
