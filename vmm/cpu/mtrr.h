/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's memory type range registers. They keep what the guest writes and have no effect, since all
 * of a guest's memory is write-back; but firmware sets them without being able to do otherwise, and an
 * operating system wants them to be the same on all processors. A vCPU's own thread.
 *
 * References: APM volume 2, 7.7 (MTRRs).
 */
#ifndef VMM_MTRR_H
#define VMM_MTRR_H

#include <stdbool.h>
#include <stdint.h>

#define MTRR_FIXED    11u
#define MTRR_VARIABLE 8u             /* pairs of base and mask */

struct mtrr {
    uint64_t fixed[MTRR_FIXED];
    uint64_t variable[2 * MTRR_VARIABLE];
    uint64_t default_type;
};

/* False: no MSR of that number is an MTRR. */
bool mtrr_read(const struct mtrr *mtrr, uint32_t number, uint64_t *value);

/* False: that, or the value is one that the register doesn't take. `address_bits`: how wide physical
 * addresses are. */
bool mtrr_write(struct mtrr *mtrr, uint32_t number, uint64_t value, unsigned address_bits);

#endif
