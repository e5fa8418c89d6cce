/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot loader told, in one form for both protocols (x86/multiboot.c). */
#pragma once

#include "core/address.h"

#define BOOT_MAX_RANGES 128u

struct boot_range {
    uint64_t base;
    uint64_t size;
};

struct boot_info {
    struct boot_range ram[BOOT_MAX_RANGES];   /* usable, as the firmware reports it */
    uint32_t ram_count;
    struct boot_range loader;                 /* the loader's own information */
    struct boot_range plan;                   /* the first module */
    paddr_t rsdp;                             /* 0: not told */
};

/* Fills `info`; stops the boot when the loader's data is unusable. */
void multiboot_read(uint32_t magic, uint32_t information, struct boot_info *info);
