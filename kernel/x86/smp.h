/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the other cores (SDM 3A 8.4.4). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void smp_prepare_core(uint32_t core);  /* its stack and entry area; before boot memory closes */
void smp_start_cores(uint32_t cores);  /* returns when all wait in smp_core_main */
void smp_release_cores(void);          /* lets them go on into the scheduler */
uint32_t smp_cores(void);

void smp_core_main(uint32_t core);     /* x86/boot.S calls it, on that core's stack */
void stack_continue(uint64_t stack, void (*function)(void));   /* x86/boot.S */

extern uint64_t smp_start_root, smp_start_stack;               /* for x86/boot.S */
extern uint32_t smp_start_core;
