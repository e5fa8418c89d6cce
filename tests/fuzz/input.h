/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzzer's input as a list of numbers, taken one after the other; what is beyond its end is zero. */
#ifndef BULKHEAD_TESTS_FUZZ_INPUT_H
#define BULKHEAD_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input { const uint8_t *data; size_t size; };

/* A number of so many bytes, the lowest first. */
static inline uint64_t take(struct input *in, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && in->size > 0; i++) {
        value |= (uint64_t)*in->data++ << (8 * i);
        in->size--;
    }
    return value;
}

#endif
