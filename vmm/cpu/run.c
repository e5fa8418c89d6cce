/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's thread: collects what others posted, injects, enters the guest, answers its exits.
 */
#include "vmm/vm.h"

static void take_signals(struct vcpu *vcpu, uint32_t signals) {
    if (signals & APIC_SIGNAL_INIT) {
        apic_init_signal(&vcpu->apic);
        start_reset(vcpu);
        if (vcpu->number == 0 && vcpu->vm->has_firmware)
            start_firmware(vcpu);    /* the bootstrap processor waits for nobody */
    }
    if ((signals & APIC_SIGNAL_STARTUP) && vcpu->mode == VCPU_WAITS_FOR_STARTUP)
        start_at_vector(vcpu, (uint8_t)__atomic_load_n(&vcpu->apic.startup_vector,
                                                       __ATOMIC_RELAXED));
    if (signals & APIC_SIGNAL_NMI)
        vcpu->nmi_waiting = true;
}

static uint64_t deadline(const struct vcpu *vcpu) {
    uint64_t at = vcpu->apic.timer_at;
    return at == 0 ? BH_FOREVER : at - vcpu->state->tsc_offset;
}

static void poll_timer(struct vcpu *vcpu) {
    if (vcpu->apic.timer_at != 0)
        apic_timer_poll(&vcpu->apic, vcpu_now(vcpu));
}

/* Waiting for the lock may bring more; and it may take the notification of what is looked at behind
 * it, so this comes first. */
static void take_kept(struct vcpu *vcpu) {
    for (uint64_t bits = vm_kept_heard(); bits != 0; bits = vm_kept_heard())
        devices_hear(vcpu->vm, vcpu, bits);
}

/* Whether the vCPU may enter the guest now. */
static bool is_awake(struct vcpu *vcpu) {
    if (vcpu->mode == VCPU_HALTED && inject_wakes(vcpu))
        vcpu->mode = VCPU_RUNS;
    return vcpu->mode == VCPU_RUNS;
}

static void enter(struct vcpu *vcpu) {
    uint64_t bits;
    inject_next(vcpu);
    eoi_offer(vcpu);
    if (!vm_enter(vcpu, deadline(vcpu), &bits)) {
        vm_log("vCPU %u: the kernel refuses to run it", vcpu->number);
        vm_end(vcpu->vm, VM_END_FAULT);
        return;
    }
    inject_take_back(vcpu);
    eoi_collect(vcpu);
    devices_hear(vcpu->vm, vcpu, bits);
    exit_handle(vcpu, vcpu->state->exit);
    inject_again(vcpu);
}

_Noreturn void vcpu_main(struct vcpu *vcpu) {
    for (;;) {
        take_kept(vcpu);
        if (!vm_runs(vcpu->vm)) {
            vm_park(vcpu);
            continue;
        }
        uint32_t signals = apic_collect(&vcpu->apic);
        if (signals != 0)
            take_signals(vcpu, signals);
        poll_timer(vcpu);
        if (is_awake(vcpu))
            enter(vcpu);
        else
            devices_hear(vcpu->vm, vcpu, vm_sleep(deadline(vcpu)));
    }
}
