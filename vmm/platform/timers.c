/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's timers against the host's time: what the 8254 and the HPET drive, and when they are due.
 * Under the device lock but for timers_deadline.
 */
#include "vmm/vm.h"

#include "abi/call.h"
#include "vmm/platform/layout.h"

uint64_t timers_now(const struct vm *vm, uint64_t hz) {
    uint64_t second = (uint64_t)vm->tsc_khz * 1000;
    uint64_t time = vm_now() - vm->boot_tsc;
    return time / second * hz + time % second * hz / second;
}

/* Beyond the end of a tick of a clock of `hz`. */
static uint64_t host_time(const struct vm *vm, uint64_t tick, uint64_t hz) {
    uint64_t second = (uint64_t)vm->tsc_khz * 1000;
    bool never = tick / hz >= (BH_FOREVER - vm->boot_tsc) / second - 1;
    return never ? BH_FOREVER : vm->boot_tsc + tick / hz * second + tick % hz * second / hz + 1;
}

static void pulse(struct vm *vm, unsigned pin) {
    irq_line(vm, pin, false);
    irq_line(vm, pin, true);
}

static void run_pit(struct vm *vm) {
    bool replaced = vm->has_hpet && vm->hpet.legacy;
    if (pit_tick(&vm->pit, timers_now(vm, PIT_HZ)) && !replaced)
        pulse(vm, LAYOUT_TIMER_PIN);
}

static void run_comparator(struct vm *vm, unsigned timer) {
    struct hpet_output output = hpet_output(&vm->hpet, timer);
    bool matched = hpet_match(&vm->hpet, timer, timers_now(vm, HPET_HZ));
    if (output.pin == 0)
        return;
    if (output.level)
        irq_line(vm, output.pin, hpet_status(&vm->hpet, timer));
    else if (matched)
        pulse(vm, output.pin);
}

static void run_hpet(struct vm *vm) {
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        run_comparator(vm, i);
}

void timers_run(struct vm *vm) {
    if (vm->has_firmware)
        run_pit(vm);
    if (vm->has_hpet)
        run_hpet(vm);
}

uint64_t timers_deadline(struct vm *vm) {
    if (!vm->has_firmware && !vm->has_hpet)
        return BH_FOREVER;
    lock_acquire(&vm->device_lock);
    uint64_t pit = vm->has_firmware ? pit_deadline(&vm->pit) : PIT_NEVER;
    uint64_t hpet = vm->has_hpet ? hpet_deadline(&vm->hpet) : HPET_NEVER;
    lock_release(&vm->device_lock);
    uint64_t first = host_time(vm, pit, PIT_HZ);
    uint64_t second = host_time(vm, hpet, HPET_HZ);
    return first < second ? first : second;
}

uint64_t timers_hpet_read(const struct vm *vm, uint32_t offset, unsigned size) {
    return hpet_read(&vm->hpet, offset, size, timers_now(vm, HPET_HZ));
}

/* Lines of level-triggered comparators follow at once: the guest ends its interrupt so. */
bool timers_hpet_write(struct vm *vm, uint32_t offset, unsigned size, uint64_t value) {
    hpet_write(&vm->hpet, offset, size, value, timers_now(vm, HPET_HZ));
    run_hpet(vm);
    return true;
}
