/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things lie in virtual memory. Only numbers: assembly and the linker script include this
 * too.
 *
 *   0 .. 2^47                process pages; nothing in the kernel's own tables
 *   DIRECT_BASE + address    RAM and firmware tables, read-write, never executable
 *   REGISTERS_BASE + address device registers, uncached
 *   STACKS_BASE              one kernel stack a core, an unmapped page below and above each
 *   IMAGE_BASE + address     the kernel image
 *   TRAMPOLINE_BASE          entry and exit code, and each core's entry area: the only supervisor
 *                            pages in a process's tables
 */
#pragma once

#define IMAGE_PHYSICAL   0x100000
#define IMAGE_BASE       0xffffffff80000000
#define TRAMPOLINE_BASE  0xffffffffc0000000
#define ENTRY_AREAS_BASE 0xffffffffc0100000
#define DIRECT_BASE      0xffff800000000000
#define REGISTERS_BASE   0xffffc00000000000
#define STACKS_BASE      0xffffe00000000000

#define STACK_SIZE       0x8000        /* of one core's kernel stack */
#define STACK_STRIDE     0x10000
#define ENTRY_AREA_STRIDE 0x10000

#define SIPI_PAGE        0x8000

#define KERNEL_CODE      0x08
#define KERNEL_DATA      0x10
#define USER_DATA        0x1b
#define USER_CODE        0x23
#define TASK_STATE       0x28
