/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of the boot, and what the loader told, in one form for both protocols. */
#pragma once

#include "core/address.h"
#include "core/boot_ranges.h"

struct boot_info {
    struct range loader;                 /* the loader's own information */
    struct range plan;                   /* the first module */
    paddr_t rsdp;                        /* 0: not told */
};

/* x86/multiboot.c: fills `info` and tells core/boot_memory.h of the usable RAM; stops the boot when
 * the loader's data is unusable. */
void multiboot_read(uint32_t magic, uint32_t information, struct boot_info *info);

/* x86/paging.c: the kernel's own page tables, and what every process's top-level table shares. */
void paging_install(void);             /* builds and loads them, on the first core */
uint64_t paging_kernel_root(void);     /* the CR3 value */

/* A core's kernel stack and entry area: memory taken and mapped. Answers the stack's top. */
uint64_t paging_install_core(uint32_t core);

/* x86/start.c, for x86/boot.S: where another core begins, on which tables and stack. */
extern uint64_t smp_start_root, smp_start_stack;
extern uint32_t smp_start_core;
void smp_core_main(uint32_t core);

void stack_continue(uint64_t stack, void (*function)(void));   /* x86/boot.S */
