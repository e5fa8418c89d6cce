/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A passed-through PCI function and the kernel's calls about it, for host tests: a network card of
 * one 16 KiB BAR with the MSI-X table in its third page and the pending bits in its fourth, I/O
 * ports, a 64-bit BAR, and capabilities of which only some are the guest's.
 */
#ifndef BULKHEAD_TESTS_PASSED_FAKE_H
#define BULKHEAD_TESTS_PASSED_FAKE_H

#include "vmm/vm.h"

enum {
    PASSED_SLOT = 100, PASSED_PIECE = 200,   /* slots */
    PASSED_PIECES = 2, PASSED_ENTRIES = 3,
    PASSED_BAR = 0, PASSED_BAR_SIZE = 0x4000, PASSED_PIECE_SIZE = 0x2000, PASSED_TABLE = 0x2000,
    PASSED_PENDING = 0x3000,
    PASSED_PORTS_BAR = 2, PASSED_WIDE_BAR = 4, PASSED_WIDE_SIZE = 0x10000,
};

struct passed_fake {
    uint32_t config[1024];
    enum bh_device_state state;      /* as the kernel has it */
    bool never_comes_back;           /* the next reset ends in quarantine */
    unsigned reset_polls;            /* how often a reset's state is asked before it is over */
    unsigned resets, polls;
    uint64_t at[PASSED_PIECES];      /* where the guest sees the pieces; 0: nowhere */
    const char *lost;                /* the name of what can't be reset */
    unsigned mistakes;               /* calls that the kernel would have refused */
};

extern struct passed_fake passed_fake;

/* Right after vm_fake_make: the guest has the function, as the first that is passed through. */
void passed_fake_use(bool msix);

#endif
