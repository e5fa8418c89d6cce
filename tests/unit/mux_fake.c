/* SPDX-License-Identifier: BSD-2-Clause */
/* See mux_fake.h. */
#include "tests/unit/mux_fake.h"

#include "tests/unit/vm_fake.h"

void mux_announce(uint64_t sectors, uint16_t flags) {
    ring_put(&vm_fake.disk_peer, (struct ring_descriptor){
        .kind = BLOCK_INFO, .length = flags, .extra = sectors });
    ring_flush(&vm_fake.disk_peer);
    devices_run(&vm_fake.vm);
}

bool mux_request(struct ring_descriptor *request) {
    if (ring_available(&vm_fake.disk_peer) == 0)
        return false;
    *request = ring_get(&vm_fake.disk_peer);
    ring_done(&vm_fake.disk_peer, 1);
    ring_flush(&vm_fake.disk_peer);
    return true;
}

void mux_put_answer(struct ring_descriptor request, enum block_status status) {
    block_answer(&vm_fake.disk_peer, block_tag(request), status);
    ring_flush(&vm_fake.disk_peer);
}

void mux_answer(struct ring_descriptor request, enum block_status status) {
    struct vm *vm = &vm_fake.vm;
    mux_put_answer(request, status);
    if (vm->disks_link_bits != 0)
        devices_hear(vm, &vm->vcpu[0], vm->disks_link_bits);
    else
        devices_run(vm);
}

uint8_t *mux_data(struct ring_descriptor request) {
    return (uint8_t *)(uintptr_t)vm_fake.disk.a.link.out_area + request.offset;
}

void mux_restart(void) {
    ring_open(&vm_fake.disk_peer, &vm_fake.disk.b, vm_fake.disk_peer.generation + 1);
    for (unsigned i = 0; i < 3; i++) {
        devices_run(&vm_fake.vm);
        ring_check(&vm_fake.disk_peer);
    }
}
