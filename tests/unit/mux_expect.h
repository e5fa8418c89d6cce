/* SPDX-License-Identifier: BSD-2-Clause */
/* What a test expects that the block multiplexer gets (mux_fake.h); after cmocka.h. */
#ifndef BULKHEAD_TESTS_UNIT_MUX_EXPECT_H
#define BULKHEAD_TESTS_UNIT_MUX_EXPECT_H

#include "tests/unit/mux_fake.h"
#include "tests/unit/vm_fake.h"

static inline struct ring_descriptor expect_request(enum block_kind kind, uint64_t sector,
                                                    uint32_t count) {
    struct ring_descriptor request = { 0 };
    assert_true(mux_request(&request));
    assert_true(block_valid(request, vm_fake.disk_peer.in_size));
    assert_int_equal(request.kind, kind);
    assert_int_equal(block_lba(request), sector);
    assert_int_equal(request.length, count);
    return request;
}

static inline void expect_no_request(void) {
    struct ring_descriptor request;
    assert_false(mux_request(&request));
}

#endif
