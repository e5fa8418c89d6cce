/* SPDX-License-Identifier: BSD-2-Clause */
/* See tests/unit/virtio_driver.h. */
#include "tests/unit/virtio_driver.h"

int virtio_driver_setup(void **state) {
    (void)state;
    vm_fake_make(1);
    return 0;
}

int virtio_driver_teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

uint64_t queue_at(unsigned queue) { return QUEUES + 0x4000 * queue; }

void put16(uint64_t at, uint16_t value) { vm_fake_poke(at, &value, 2); }

uint16_t get16(uint64_t at) {
    uint16_t value = 0;
    guest_read(&vm_fake.vm.memory, (struct gpa){ at }, &value, 2);
    return value;
}

uint32_t get32(uint64_t at) {
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

void put_descriptor(unsigned queue, unsigned index, uint64_t address, uint32_t length,
                    uint16_t flags, uint16_t next) {
    uint64_t at = queue_at(queue) + 16 * index;
    vm_fake_poke(at, &address, 8);
    vm_fake_poke(at + 8, &length, 4);
    put16(at + 12, flags);
    put16(at + 14, next);
}

void offer(unsigned queue, uint16_t head) {
    uint64_t ring = queue_at(queue) + 0x1000;
    uint16_t index = get16(ring + 2);
    put16(ring + 4 + 2 * (index % SIZE), head);
    put16(ring + 2, index + 1);
}

uint16_t used_index(unsigned queue) { return get16(queue_at(queue) + 0x2002); }

uint32_t used_length(unsigned queue, unsigned index) {
    return get32(queue_at(queue) + 0x2004 + 8 * (index % SIZE) + 4);
}
