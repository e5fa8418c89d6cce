/* SPDX-License-Identifier: BSD-2-Clause */
/* The lists of a zero-copy disk model, and what must stand in them: guest RAM. */
#ifndef BULKHEAD_TESTS_FUZZ_LISTED_H
#define BULKHEAD_TESTS_FUZZ_LISTED_H

#include "vmm/backend.h"

/* From then on the model's data is listed; not `direct`: it is copied. */
void listed_begin(struct backend *backend, bool direct);

/* Of a request that the multiplexer got: aborts if its list names anything else. */
void listed_check(struct ring_descriptor request);

#endif
