/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card's driver as a program: its regions by name, one client (the switch) whose every
 * new life starts the card anew, a card that doesn't answer tried again each second.
 */
#ifndef BULKHEAD_LIB_NIC_PROGRAM_H
#define BULKHEAD_LIB_NIC_PROGRAM_H

#include "lib/nic/nic.h"
#include "lib/service/service.h"

/* The regions "bar0", "rings", "pool", "tx0" and so on; stops the program if one is too small. */
void nic_find_regions(struct nic *nic, uint32_t bar_size, uint32_t rings_size);

/* What a driver does besides, once a turn; answers the tick at which it wants the next one. */
typedef uint64_t nic_moment(uint64_t now);

/* Serves link "client0" for ever, by nic_start, nic_stop and nic_turn. `moment` may be NULL. */
_Noreturn void nic_run(struct nic *nic, nic_moment *moment);

/* Logs the cable's speed when it changed, and tells the switch. */
void nic_tell_link(void);

#endif
