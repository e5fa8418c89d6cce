/* SPDX-License-Identifier: BSD-2-Clause */
/* A bootable ISO image: GRUB for BIOS and UEFI, the kernel, one plan. */
#ifndef TOOLS_BULKHEAD_ISO_H
#define TOOLS_BULKHEAD_ISO_H

#include <stdbool.h>

/* Says on standard error what went wrong and answers false. */
bool iso_make(const char *build, const char *plan, const char *iso);

#endif
