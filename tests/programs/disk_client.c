/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In a VM's place without a guest: what a disk answers is heard by the thread of vCPU 0, as in a VM. It
 * wakes thread 0, which does everything.
 */
#include "lib/call/call.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"

enum { FIRST_VCPU = 1 };

void thread_main(uint32_t number) {
    uint32_t io = manifest_need(BH_ENTRY_CHANNEL, "io")->slot;
    uint64_t bits;

    while (number == FIRST_VCPU) {
        call_wait(BH_FOREVER, &bits);
        call_notify(io);
    }
}
