/* SPDX-License-Identifier: BSD-2-Clause */
/* Where x86/boot.S goes on in C, on the boot stack. */
#ifndef KERNEL_X86_START_H
#define KERNEL_X86_START_H

#include <stdint.h>

void boot_start(uint32_t magic, uint32_t information);

#endif
