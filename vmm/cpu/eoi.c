/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts that a guest ends without an exit, by KVM's paravirtual EOI: before an entry a flag in
 * the guest's memory says that the interrupt in service may end so; the guest clears it instead of
 * writing its APIC's EOI register. A vCPU's own thread. A guest that plays with its flag confuses
 * its own interrupts only.
 *
 * Reference: Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN.
 */
#include "vmm/vm.h"

enum { EOI_ENABLED = 1u << 0, EOI_RESERVED = 1u << 1, FLAG_PENDING = 1 };

bool eoi_set(struct vcpu *vcpu, uint64_t value) {
    struct gpa at = { value & ~(uint64_t)EOI_ENABLED };
    uint8_t *flag = guest_range(&vcpu->vm->memory, at, sizeof(uint32_t));
    if (value & EOI_RESERVED || ((value & EOI_ENABLED) && !flag))
        return false;
    vcpu->eoi_setting = value;
    vcpu->eoi_flag = value & EOI_ENABLED ? (uint32_t *)(void *)flag : NULL;
    vcpu->eoi_offered = false;
    return true;
}

/* One whose end lets another one in, or that others are told of, ends by the register. */
void eoi_offer(struct vcpu *vcpu) {
    vcpu->eoi_offered = vcpu->eoi_flag && apic_may_end_silently(&vcpu->apic);
    if (vcpu->eoi_offered)
        __atomic_store_n(vcpu->eoi_flag, FLAG_PENDING, __ATOMIC_RELAXED);
}

void eoi_collect(struct vcpu *vcpu) {
    if (!vcpu->eoi_offered)
        return;
    vcpu->eoi_offered = false;
    if (__atomic_exchange_n(vcpu->eoi_flag, 0, __ATOMIC_RELAXED) == 0)
        apic_end_silently(&vcpu->apic);
}
