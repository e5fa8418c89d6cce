/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ports of the devices that only a VM with firmware has: timer, interrupt controllers, ACPI's
 * fixed registers, the firmware's configuration device. All under the device lock. What comes from
 * the guest are ports, sizes and bytes.
 *
 * References: PIIX3 data sheet 2.5 (port 0x61 "NMI status and control"), 2.5.5.4 (port 0x92).
 */
#include "vmm/vm.h"

#include "vmm/platform/layout.h"

enum legacy_port {
    PORT_SYSTEM = 0x61,              /* speaker and timer 2 */
    PORT_FAST_RESET = 0x92,          /* and address line 20 */
};

enum system_bit {
    SYSTEM_GATE = 1u << 0, SYSTEM_WRITABLE = 3, SYSTEM_REFRESH = 1u << 4, SYSTEM_OUTPUT = 1u << 5,
    FAST_RESET_NOW = 1u << 0, FAST_ADDRESS_20 = 1u << 1,
    REFRESH_TICKS = 18,              /* of the timer's clock: about 15 us */
};

void legacy_reset(struct vm *vm) {
    pit_reset(&vm->pit);
    pm_reset(&vm->pm);
    fwcfg_select(&vm->fwcfg, 0);
    vm->speaker = 0;
    if (vm->has_firmware)
        rtc_put_memory(&vm->rtc, vm->memory.part[0].size, vm->memory.part[1].size);
}

static bool is_pic(uint16_t port) {
    return port_in_range(port, 1, PIC_PORT_FIRST, PIC_PORTS) ||
           port_in_range(port, 1, PIC_PORT_SECOND, PIC_PORTS) ||
           port_in_range(port, 1, PIC_PORT_ELCR, PIC_PORTS);
}

static uint8_t read_system(const struct vm *vm) {
    uint64_t now = timers_now(vm, PIT_HZ);
    bool high = pit_output(&vm->pit, PIT_SPEAKER, now);
    return (uint8_t)(vm->speaker | (high ? SYSTEM_OUTPUT : 0) |
                     (now / REFRESH_TICKS % 2 != 0 ? SYSTEM_REFRESH : 0));
}

static void write_system(struct vm *vm, uint8_t value) {
    vm->speaker = value & SYSTEM_WRITABLE;
    pit_gate(&vm->pit, PIT_SPEAKER, (value & SYSTEM_GATE) != 0, timers_now(vm, PIT_HZ));
}

static bool read_byte(struct vm *vm, uint16_t port, uint8_t *value) {
    if (is_pic(port)) {
        *value = irq_pic_read(vm, port);
        return true;
    }
    if (port_in_range(port, 1, PIT_PORT, PIT_PORTS)) {
        *value = pit_read(&vm->pit, port - PIT_PORT, timers_now(vm, PIT_HZ));
        return true;
    }
    switch (port) {
    case PORT_SYSTEM: *value = read_system(vm); return true;
    case PORT_FAST_RESET: *value = FAST_ADDRESS_20; return true;
    case FWCFG_PORT_DATA: *value = fwcfg_read(&vm->fwcfg); return true;
    default: return false;
    }
}

bool legacy_read(struct vm *vm, uint16_t port, unsigned size, uint32_t *value) {
    uint8_t byte = 0;
    if (port_in_range(port, size, PM_PORT, PM_PORTS)) {
        *value = pm_read(&vm->pm, port - PM_PORT, size, timers_now(vm, PM_TIMER_HZ));
        return true;
    }
    bool known = size == 1 && read_byte(vm, port, &byte);
    *value = byte;
    return known;
}

static bool write_byte(struct vm *vm, uint16_t port, uint8_t value) {
    if (is_pic(port)) {
        irq_pic_write(vm, port, value);
        return true;
    }
    if (port_in_range(port, 1, PIT_PORT, PIT_PORTS)) {
        pit_write(&vm->pit, port - PIT_PORT, value, timers_now(vm, PIT_HZ));
        return true;
    }
    switch (port) {
    case PORT_SYSTEM: write_system(vm, value); return true;
    case PORT_FAST_RESET:
        if (value & FAST_RESET_NOW)
            vm_end(vm, VM_END_RESET);
        return true;
    default: return false;
    }
}

bool legacy_write(struct vm *vm, uint16_t port, unsigned size, uint32_t value) {
    if (port_in_range(port, size, PM_PORT, PM_PORTS)) {
        if (pm_write(&vm->pm, port - PM_PORT, size, value))
            vm_end(vm, VM_END_POWEROFF);
        return true;
    }
    if (port == FWCFG_PORT_SELECT && size == 2) {
        fwcfg_select(&vm->fwcfg, (uint16_t)value);
        return true;
    }
    return size == 1 && write_byte(vm, port, (uint8_t)value);
}
