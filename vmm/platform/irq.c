/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts on their way from devices and vCPUs to local APICs. Any thread of the VMM.
 */
#include "vmm/platform/layout.h"
#include "vmm/vm.h"

enum kick { KICK_NOW, KICK_BEFORE_WAIT };

/* By a vCPU's own thread (`from`), or none. */
static bool deliver_vector(const struct vcpu *from, struct vcpu *to,
                           const struct apic_message *message) {
    if (to != from)
        return apic_post(&to->apic, message->vector, message->level);
    apic_raise(&to->apic, message->vector, message->level);
    return false;
}

static void deliver(struct vm *vm, const struct vcpu *from, struct vcpu *to,
                    const struct apic_message *message, enum kick kick) {
    bool wake = false;
    switch (message->delivery) {
    case APIC_FIXED:
    case APIC_LOWEST: wake = deliver_vector(from, to, message); break;
    case APIC_NMI: wake = apic_signal(&to->apic, APIC_SIGNAL_NMI, 0); break;
    case APIC_INIT: wake = apic_signal(&to->apic, APIC_SIGNAL_INIT, 0); break;
    case APIC_STARTUP: wake = apic_signal(&to->apic, APIC_SIGNAL_STARTUP, message->vector); break;
    default: break;
    }
    if (!wake || to == from)
        return;
    if (kick == KICK_NOW)
        vm_kick(vm, to);
    else
        vm_kick_before_wait(vm, to);
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

static void send(struct vm *vm, const struct vcpu *from, const struct apic_message *message,
                 enum kick kick) {
    if (message->deassert)
        return;
    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        if (!is_target(from, &vm->vcpu[i], message))
            continue;
        deliver(vm, from, &vm->vcpu[i], message, kick);
        if (message->delivery == APIC_LOWEST)
            return;
    }
}

void irq_send(struct vm *vm, const struct vcpu *from, const struct apic_message *message) {
    send(vm, from, message, KICK_NOW);
}

/* With the lock held: vCPU 0 sees the 8259s' output without it. true: it has to be woken. */
static bool update_external(struct vm *vm) {
    bool high = pic_output(&vm->pic);
    bool was = __atomic_exchange_n(&vm->pic_output, high, __ATOMIC_SEQ_CST);
    return high && !was;
}

/* The ISA devices' pins of the I/O APIC are the 8259s' lines, but for the timer's. */
static bool drive_pic(struct vm *vm, unsigned pin, bool high) {
    if (!vm->has_firmware || pin >= PIC_LINES)
        return false;
    pic_line(&vm->pic, pin == LAYOUT_TIMER_PIN ? 0 : pin, high);
    return update_external(vm);
}

void irq_line(struct vm *vm, unsigned pin, bool high) {
    struct apic_message message;
    lock_acquire(&vm->ioapic_lock);
    bool fires = ioapic_line(&vm->ioapic, pin, high, &message);
    bool wake = drive_pic(vm, pin, high);
    lock_release(&vm->ioapic_lock);
    if (fires)
        irq_send(vm, NULL, &message);
    if (wake)
        vm_kick(vm, &vm->vcpu[0]);
}

bool irq_external(const struct vm *vm) {
    return __atomic_load_n(&vm->pic_output, __ATOMIC_SEQ_CST);
}

uint8_t irq_acknowledge_external(struct vm *vm) {
    lock_acquire(&vm->ioapic_lock);
    uint8_t vector = pic_acknowledge(&vm->pic);
    update_external(vm);
    lock_release(&vm->ioapic_lock);
    return vector;
}

/* The chip of one of the 8259s' ports; *level: it is the chip's edge/level register. */
static unsigned chip_of(uint16_t port, bool *level) {
    *level = port >= PIC_PORT_ELCR;
    return *level ? port - PIC_PORT_ELCR : port >= PIC_PORT_SECOND;
}

uint8_t irq_pic_read(struct vm *vm, uint16_t port) {
    bool level;
    unsigned chip = chip_of(port, &level);
    lock_acquire(&vm->ioapic_lock);
    uint8_t value = level ? pic_read_level(&vm->pic, chip) : pic_read(&vm->pic, chip, port % 2);
    lock_release(&vm->ioapic_lock);
    return value;
}

void irq_pic_write(struct vm *vm, uint16_t port, uint8_t value) {
    bool level;
    unsigned chip = chip_of(port, &level);
    lock_acquire(&vm->ioapic_lock);
    if (level)
        pic_write_level(&vm->pic, chip, value);
    else
        pic_write(&vm->pic, chip, port % 2, value);
    bool wake = update_external(vm);
    lock_release(&vm->ioapic_lock);
    if (wake)
        vm_kick(vm, &vm->vcpu[0]);
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

void irq_flush_messages(struct vm *vm, const struct vcpu *from, struct pci_function *function) {
    struct apic_message message;
    while (pci_has_raised(function) && pci_take_message(function, &message))
        irq_send(vm, from, &message);
}

void irq_flush_messages_before_wait(struct vm *vm, struct pci_function *function) {
    struct apic_message message;
    while (pci_has_raised(function) && pci_take_message(function, &message))
        send(vm, NULL, &message, KICK_BEFORE_WAIT);
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
