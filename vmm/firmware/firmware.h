/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM that firmware starts instead of our loader: the image lies right below 4 GiB, read-only, its
 * end in RAM below 1 MiB, and vCPU 0 begins at the reset vector. What the firmware has to know of
 * the machine it reads from the configuration device (fwcfg.h).
 */
#ifndef VMM_FIRMWARE_H
#define VMM_FIRMWARE_H

#include "vmm/firmware/fwcfg.h"
#include "vmm/memory.h"

struct firmware_machine {
    unsigned vcpu_count;
    bool hpet;
    bool screen;                     /* a VGA and a keyboard */
    struct guest_rom vgabios;        /* for a firmware that doesn't bring one itself; or size 0 */
};

/* Copies the image's end into RAM and makes the configuration device's items, by the I/O thread
 * before the guest runs. NULL: done; else what is wrong and how to mend it. */
const char *firmware_load(const struct guest_memory *memory,
                          const struct firmware_machine *machine, struct fwcfg *fwcfg);

#endif
