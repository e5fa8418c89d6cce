/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts a Linux bzImage and its initramfs into guest memory and says how its 64-bit entry, or a 32-bit
 * kernel's only one, is to be entered. The image is hostile input: every field is read once and checked against the image's and
 * the guest memory's bounds before it is used.
 *
 * References: the Linux kernel's Documentation/arch/x86/boot.rst ("boot.rst") and zero-page.rst.
 */
#ifndef VMM_LOADER_H
#define VMM_LOADER_H

#include "vmm/memory.h"

struct loader_input {
    const uint8_t *kernel;
    uint64_t kernel_size;
    const uint8_t *initrd;           /* may be absent: size 0 */
    uint64_t initrd_size;
    const char *command_line;
    struct gpa rsdp;                 /* ACPI's root pointer */
    bool screen;                     /* there is a VGA, in text mode */
};

struct loader_result {
    const char *error;               /* NULL: loaded. Else what is wrong and how to mend it */
    struct gpa entry;                /* of the 64-bit boot protocol, or of the 32-bit one */
    struct gpa boot_params;          /* RSI there */
    struct gpa page_tables;          /* CR3: identity map of the first 4 GiB */
    bool long_mode;                  /* the 64-bit one; without it paging is off */
};

struct loader_result loader_load(const struct guest_memory *memory,
                                 const struct loader_input *input);

#endif
