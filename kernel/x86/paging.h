/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own page tables, and what every process's top-level table shares with them. */
#pragma once

#include <stdint.h>

void paging_install(void);             /* builds and loads them, on the first core */
uint64_t paging_kernel_root(void);     /* the CR3 value */

/* A core's kernel stack and entry area: memory taken and mapped. Answers the stack's top. */
uint64_t paging_install_core(uint32_t core);
