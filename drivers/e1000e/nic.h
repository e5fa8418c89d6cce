/* SPDX-License-Identifier: BSD-2-Clause */
/* The 82574L as a network card (lib/nic/nic.h says whom it trusts). */
#ifndef BULKHEAD_DRIVERS_E1000E_NIC_H
#define BULKHEAD_DRIVERS_E1000E_NIC_H

#include "drivers/e1000e/registers.h"
#include "lib/nic/nic.h"

enum { NIC_RESET_POLLS = 100 };

/* The two rings in the region "rings", as the driver and the device see it. */
struct nic_rings {
    struct nic_receive  receive[NIC_DEPTH];
    struct nic_transmit transmit[NIC_DEPTH];
};

#endif
