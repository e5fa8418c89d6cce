/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every header of abi/ builds on: fixed-width types, the page size, rights, errors.
 * Trusts nobody; holds no code. Used by the kernel, by user programs and by the host tool.
 */
#ifndef BULKHEAD_ABI_BASE_H
#define BULKHEAD_ABI_BASE_H

#include <stddef.h>
#include <stdint.h>

#define BH_PAGE_SIZE 4096u
#define BH_NAME_SIZE 32u          /* bytes of a name, the terminating zero included */
#define BH_NONE      0xffffffffu  /* an index that names nothing */

/* Rights of a mapping; a region's own `rights` are the most that any mapping of it may have. */
enum bh_rights {
    BH_READ    = 1u << 0,
    BH_WRITE   = 1u << 1,
    BH_EXECUTE = 1u << 2,
};

/* What a kernel call answers in RAX: zero, or one of these. A call that fails changed nothing. */
enum bh_status {
    BH_OK            = 0,
    BH_E_CALL        = -1,  /* no such call */
    BH_E_SLOT        = -2,  /* the slot is out of range or holds another kind of object */
    BH_E_RIGHT       = -3,  /* the slot's rights don't include this operation */
    BH_E_ARGUMENT    = -4,  /* an argument is out of its range */
    BH_E_STATE       = -5,  /* the object isn't in a state that allows this */
    BH_E_TIMEOUT     = -6,  /* the deadline passed first */
    BH_E_DEVICE      = -7,  /* the device didn't answer in its bounded time, or is quarantined */
    BH_E_SPACE       = -8,  /* the space's fixed pool of table pages is used up */
};

#endif
