/* SPDX-License-Identifier: BSD-2-Clause */
/* The block multiplexer behind the disk of a VM on the host (vm_fake.h), one step at a time. */
#ifndef BULKHEAD_TESTS_UNIT_MUX_FAKE_H
#define BULKHEAD_TESTS_UNIT_MUX_FAKE_H

#include "lib/block/block.h"

/* Each gives the VM's devices a turn: the first that of whoever hears of answers. */
void mux_answer(struct ring_descriptor request, enum block_status status);
void mux_announce(uint64_t sectors, uint16_t flags);
void mux_restart(void);

void mux_put_answer(struct ring_descriptor request, enum block_status status);   /* and no turn */
bool mux_request(struct ring_descriptor *request);       /* false: there is none */
uint8_t *mux_data(struct ring_descriptor request);       /* as the disk reaches it */

#endif
