/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's interrupt to the driver that waits for it. The device is QEMU's edu, which raises its
 * interrupt when a register is written. The first thread is the driver and has the higher priority;
 * the second raises and is interrupted by it on the same core. Needs DEVICE "edu", REGION "bar0",
 * INTERRUPT "irq0". Trusts its device: a bench.
 */
#include <stdint.h>

#include "bench/mark.h"
#include "bench/programs/bench.h"
#include "lib/call/call.h"
#include "lib/manifest/manifest.h"
#include "lib/mmio/mmio.h"
#include "lib/start/start.h"

enum edu_register { EDU_RAISE = 0x60, EDU_ACKNOWLEDGE = 0x64 };

static volatile uint8_t *registers;
static volatile unsigned int taken;

static void raise_one(void) {
    unsigned int before = taken;

    MARK_BEGIN(MARK_INTERRUPT);
    mmio_write32(registers, EDU_RAISE, 1);
    while (taken == before) {
    }
}

void thread_main(uint32_t number) {
    (void)number;
    for (int i = 0; i < WARM_UP; i++)
        raise_one();
    MEASURE(MARK_INTERRUPT_LOOP, raise_one());
    for (;;)
        bench_rest();
}

int main(void) {
    uint32_t device = manifest_need(BH_ENTRY_DEVICE, "edu")->slot;
    uint64_t bits;

    registers = manifest_address(manifest_need(BH_ENTRY_REGION, "bar0"));
    if (call_device_control(device, BH_DEVICE_BUS_MASTER_ON) != BH_OK)
        program_stop("interrupt: the device mayn't send interrupts");
    program_ready();
    for (;;) {
        call_wait(BH_FOREVER, &bits);
        MARK_END(MARK_INTERRUPT);
        mmio_write32(registers, EDU_ACKNOWLEDGE, 1);
        taken++;
    }
}
