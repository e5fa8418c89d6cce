/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts on their way from devices and vCPUs to local APICs. Any thread of the VMM.
 */
#include "vmm/vm.h"

static void deliver(struct vm *vm, const struct vcpu *from, struct vcpu *to,
                    const struct apic_message *message) {
    bool wake = false;
    switch (message->delivery) {
    case APIC_FIXED:
    case APIC_LOWEST: wake = apic_post(&to->apic, message->vector, message->level); break;
    case APIC_NMI: wake = apic_signal(&to->apic, APIC_SIGNAL_NMI, 0); break;
    case APIC_INIT: wake = apic_signal(&to->apic, APIC_SIGNAL_INIT, 0); break;
    case APIC_STARTUP: wake = apic_signal(&to->apic, APIC_SIGNAL_STARTUP, message->vector); break;
    default: break;
    }
    if (wake && to != from)
        vm_kick(vm, to);
}

static bool is_target(const struct vcpu *from, const struct vcpu *to,
                      const struct apic_message *message) {
    switch (message->shorthand) {
    case APIC_SELF: return to == from;
    case APIC_ALL: return true;
    case APIC_OTHERS: return to != from;
    default: return apic_matches(&to->apic, message);
    }
}

void irq_send(struct vm *vm, const struct vcpu *from, const struct apic_message *message) {
    if (message->deassert)
        return;
    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        if (!is_target(from, &vm->vcpu[i], message))
            continue;
        deliver(vm, from, &vm->vcpu[i], message);
        if (message->delivery == APIC_LOWEST)
            return;
    }
}

void irq_line(struct vm *vm, unsigned pin, bool high) {
    struct apic_message message;
    lock_acquire(&vm->ioapic_lock);
    bool fires = ioapic_line(&vm->ioapic, pin, high, &message);
    lock_release(&vm->ioapic_lock);
    if (fires)
        irq_send(vm, NULL, &message);
}

void irq_end(struct vm *vm, uint8_t vector) {
    struct apic_message message;
    unsigned pin = 0;
    bool fires = true;
    while (fires) {
        lock_acquire(&vm->ioapic_lock);
        fires = ioapic_eoi(&vm->ioapic, vector, &pin, &message);
        lock_release(&vm->ioapic_lock);
        if (fires)
            irq_send(vm, NULL, &message);
    }
}

void irq_flush_messages(struct vm *vm, struct pci_function *function) {
    struct apic_message message;
    while (pci_take_message(function, &message))
        irq_send(vm, NULL, &message);
}

uint32_t irq_ioapic_read(struct vm *vm, uint64_t offset) {
    lock_acquire(&vm->ioapic_lock);
    uint32_t value = ioapic_read(&vm->ioapic, offset);
    lock_release(&vm->ioapic_lock);
    return value;
}

void irq_ioapic_write(struct vm *vm, uint64_t offset, uint32_t value) {
    struct apic_message message;
    int eoi;
    lock_acquire(&vm->ioapic_lock);
    bool fires = ioapic_write(&vm->ioapic, offset, value, &eoi, &message);
    lock_release(&vm->ioapic_lock);
    if (fires)
        irq_send(vm, NULL, &message);
    if (eoi != APIC_NO_VECTOR)
        irq_end(vm, (uint8_t)eoi);
}
