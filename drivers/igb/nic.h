/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The physical function of the 82576: a network card like others (lib/nic/nic.h says whom it
 * trusts) which shares itself with its virtual functions. Its own frames go by the last pool.
 */
#ifndef BULKHEAD_DRIVERS_IGB_NIC_H
#define BULKHEAD_DRIVERS_IGB_NIC_H

#include "drivers/igb/registers.h"
#include "lib/nic/nic.h"

enum { NIC_RESET_POLLS = 100 };

/* The two rings in the region "rings", as the driver and the device see it. */
struct nic_rings {
    struct igb_receive  receive[NIC_DEPTH];
    struct igb_transmit transmit[NIC_DEPTH];
};

/* Resets the whole card, once in our life: its virtual functions begin anew, too. */
bool nic_reset(struct nic *nic);

#endif
