/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82576's switch inside: which frames each virtual function gets and may send, its mailbox and
 * its resets. Runs on the host over a fake device. Trusts no virtual function: each has at most one
 * message handled a look, and only its own pool's filters depend on what it says.
 */
#ifndef BULKHEAD_DRIVERS_IGB_POOLS_H
#define BULKHEAD_DRIVERS_IGB_POOLS_H

#include "drivers/igb/mailbox.h"
#include "drivers/igb/registers.h"

enum { POOLS_OWN_ADDRESSES = 8 };  /* of our clients, which virtual functions can reach inside */

struct pools {
    volatile void *registers;
    struct mailbox_function function[IGB_VIRTUAL];
    uint8_t  own[POOLS_OWN_ADDRESSES][6];
    unsigned own_count;
    uint64_t messages, refused, resets;
    unsigned refused_last;         /* the function that was refused something last */
};

/* After the card's reset: filters, pools, switch; every virtual function is told to begin anew. */
void pools_start(struct pools *pools);

/* Resets and messages that are there, one a function. Answers the card's other causes (ICR). */
uint32_t pools_serve(struct pools *pools);

/* The link changed: virtual functions look for themselves. */
void pools_tell(struct pools *pools);

#endif
