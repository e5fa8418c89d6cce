/* SPDX-License-Identifier: BSD-2-Clause */
/* Where x86/boot.S goes on in C, on the boot stack. */
#pragma once

#include <stdint.h>

void boot_start(uint32_t magic, uint32_t information);
