/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver of the emulated NVMe controller asks, and expects (nvme_driver.h); after cmocka.h. */
#ifndef BULKHEAD_TESTS_UNIT_NVME_EXPECT_H
#define BULKHEAD_TESTS_UNIT_NVME_EXPECT_H

#include "tests/unit/nvme_driver.h"

static inline struct nvme *nvme(void) { return &vm_fake.vm.nvme[0]; }

static inline void expect_done(uint32_t cq, uint16_t id, uint16_t status) {
    struct driver_done done;
    assert_true(driver_done(cq, &done));
    driver_consume(cq);
    assert_int_equal(done.id, id);
    assert_int_equal(done.status, status);
}

static inline void expect_none_done(uint32_t cq) {
    struct driver_done done;
    assert_false(driver_done(cq, &done));
}

static inline void submit(enum io_opcode opcode, uint16_t id, uint64_t sector, uint32_t count) {
    struct nvme_entry entry = driver_transfer(opcode, id, sector, count);
    driver_submit(1, &entry);
}

#endif
