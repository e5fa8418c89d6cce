/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU with the machine that a description asks for. */
#ifndef TOOLS_BULKHEAD_RUN_H
#define TOOLS_BULKHEAD_RUN_H

#include "description.h"

struct run_options {
    const char *build;      /* folder of the kernel */
    const char *plan;
    const char *iso;
    bool  from_iso;
    bool  uefi;
    bool  print;            /* the command line, to standard output, instead of running it */
    char **extra;           /* more arguments, up to a NULL; or NULL */
};

/* Replaces this process by QEMU; returns only when that failed (1) or after printing (0). */
int run_qemu(const struct description *description, const struct run_options *options);

#endif
