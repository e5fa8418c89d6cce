/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot loader told, in one form for both protocols (x86/multiboot.c). */
#pragma once

#include "core/address.h"
#include "core/boot_ranges.h"

struct boot_info {
    struct range loader;                 /* the loader's own information */
    struct range plan;                   /* the first module */
    paddr_t rsdp;                             /* 0: not told */
};

/* Fills `info` and tells core/boot_memory.h of the usable RAM; stops the boot when the loader's
 * data is unusable. */
void multiboot_read(uint32_t magic, uint32_t information, struct boot_info *info);
