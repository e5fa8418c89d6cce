/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device memory and I/O ports as a vCPU reaches them: which device model answers an access. What no
 * device answers reads as all ones and swallows writes. Everything comes from the guest.
 */
#include "vmm/platform/layout.h"
#include "vmm/vm.h"

enum port {
    PORT_KEYBOARD_RESET = 0xfe, PORT_TIMER_2 = 0x42, PORT_SYSTEM = 0x61,
    PORT_PCI_ADDRESS = 0xcf8, PORT_PCI_DATA = 0xcfc,
};
enum { RESET_NOW = 1u << 2, SLEEP_ENABLE = 1u << 5, SLEEP_TYPE_SHIFT = 2, SLEEP_SOFT_OFF = 5 };
#define PCI_ADDRESS_ENABLE 0x80000000u

static uint64_t all_ones(unsigned size) {
    return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

/* ---- Device memory ---- */

static bool in_page(struct gpa at, uint64_t page) {
    return at.value - page < BH_PAGE_SIZE;
}

/* The number of the virtio device whose memory BAR holds an aligned access; none: beyond the
 * last. */
static unsigned virtio_at(struct vm *vm, struct gpa at, unsigned size, uint32_t *offset) {
    for (unsigned i = 0; i < VM_VIRTIO_DEVICES; i++) {
        const struct virtio_device *device = devices_virtio(vm, i);
        if (device && pci_in_memory_bar(&device->pci, VIRTIO_MEMORY_BAR, at.value, offset))
            return *offset % size == 0 ? i : VM_VIRTIO_DEVICES;
    }
    return VM_VIRTIO_DEVICES;
}

/* Whether the network card's memory BAR holds an aligned access. */
static bool e1000_at(const struct vm *vm, struct gpa at, unsigned size, uint32_t *offset) {
    return vm->e1000.present &&
           pci_in_memory_bar(&vm->e1000.pci, E1000_MEMORY_BAR, at.value, offset) &&
           *offset % size == 0;
}

/* Whether the disk controller's memory BAR holds an aligned access. */
static bool ahci_at(const struct vm *vm, struct gpa at, unsigned size, uint32_t *offset) {
    return vm->ahci.present &&
           pci_in_memory_bar(&vm->ahci.pci, AHCI_MEMORY_BAR, at.value, offset) &&
           *offset % size == 0;
}

/* The NVMe controller whose memory BAR holds an aligned access. */
static struct nvme *nvme_at(struct vm *vm, struct gpa at, unsigned size, uint32_t *offset) {
    for (unsigned i = 0; i < VM_DISKS_MAX; i++) {
        struct nvme *nvme = &vm->nvme[i];
        if (nvme->present && pci_in_memory_bar(&nvme->pci, NVME_BAR, at.value, offset) &&
            *offset % size == 0)
            return nvme;
    }
    return NULL;
}

/* The passed-through function one of whose BARs holds the address: at a place that isn't mapped. */
static struct passthrough *passed_at(struct vm *vm, struct gpa at, unsigned *bar,
                                     uint32_t *offset) {
    for (unsigned i = 0; i < vm->passed_count; i++)
        if (passthrough_decodes(&vm->passed[i], at.value, bar, offset))
            return &vm->passed[i];
    return NULL;
}

static bool in_hpet(const struct vm *vm, struct gpa at, unsigned size) {
    return vm->has_hpet && in_page(at, HPET_PAGE) && at.value % size == 0;
}

/* Whether the screen's registers hold an aligned access. */
static bool screen_at(const struct vm *vm, struct gpa at, unsigned size, uint32_t *offset) {
    return vm->screen.present &&
           pci_in_memory_bar(&vm->screen.pci, SCREEN_REGISTERS_BAR, at.value, offset) &&
           *offset % size == 0;
}

static uint64_t read_apic(struct vcpu *vcpu, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    if (size == 4 && offset % 16 == 0)
        apic_read(&vcpu->apic, (unsigned)(offset / 16), vcpu_now(vcpu), &value);
    return value;
}

static void write_apic(struct vcpu *vcpu, uint64_t offset, unsigned size, uint64_t value) {
    struct apic_effect effect;
    if (size != 4 || offset % 16 != 0)
        return;
    apic_write(&vcpu->apic, (unsigned)(offset / 16), value, vcpu_now(vcpu), &effect);
    exit_apic_effect(vcpu, &effect);
}

static bool in_apic(const struct vcpu *vcpu, struct gpa at) {
    bool mapped = (vcpu->apic.base & APIC_BASE_ENABLE) && !apic_is_x2(&vcpu->apic);
    return mapped && in_page(at, APIC_PAGE);
}

static uint64_t read_virtio(struct vm *vm, struct gpa at, unsigned size) {
    unsigned bar;
    uint32_t offset;
    struct virtio_device *device = devices_virtio(vm, virtio_at(vm, at, size, &offset));
    if (device)
        return virtio_bar_read(device, offset, size);
    const struct passthrough *passed = passed_at(vm, at, &bar, &offset);
    return passed ? passthrough_read(passed, bar, offset, size) : all_ones(size);
}

/* The emulated devices first: their drivers live by their registers, virtio's only begin so. */
uint64_t bus_read_memory(struct vcpu *vcpu, struct gpa at, unsigned size) {
    struct vm *vm = vcpu->vm;
    const struct nvme *nvme;
    uint64_t value;
    uint32_t offset;
    if (in_apic(vcpu, at))
        return read_apic(vcpu, at.value - APIC_PAGE, size);
    if (in_page(at, IOAPIC_PAGE))
        return irq_ioapic_read(vm, at.value - IOAPIC_PAGE);
    lock_acquire(&vm->device_lock);
    if (e1000_at(vm, at, size, &offset))
        value = e1000_read(&vm->e1000, offset, size);
    else if (ahci_at(vm, at, size, &offset))
        value = ahci_read(&vm->ahci, offset, size);
    else if ((nvme = nvme_at(vm, at, size, &offset)) != NULL)
        value = nvme_read(nvme, offset, size);
    else if (in_hpet(vm, at, size))
        value = timers_hpet_read(vm, (uint32_t)(at.value - HPET_PAGE), size);
    else if (screen_at(vm, at, size, &offset))
        value = screen_read(&vm->screen, offset, size);
    else
        value = read_virtio(vm, at, size);
    devices_update_interrupts(vm);
    lock_release(&vm->device_lock);
    return value;
}

/* Of the MSI-X table: what waited for the entry goes out. */
static void write_passed(struct vm *vm, struct gpa at, unsigned size, uint64_t value) {
    unsigned bar;
    uint32_t offset;
    struct passthrough *passed = passed_at(vm, at, &bar, &offset);
    if (!passed)
        return;
    passthrough_write(passed, bar, offset, size, value);
    irq_flush_messages(vm, NULL, &passed->pci);
}

static bool write_virtio(struct vm *vm, struct gpa at, unsigned size, uint64_t value) {
    uint32_t offset;
    unsigned number = virtio_at(vm, at, size, &offset);
    struct virtio_device *device = devices_virtio(vm, number);
    if (!device) {
        write_passed(vm, at, size, value);
        return false;
    }
    enum virtio_event event = virtio_bar_write(device, offset, size, value);
    devices_event(vm, number, event);
    irq_flush_messages(vm, NULL, &device->pci);
    return event != VIRTIO_NOTHING;
}

/* Of the MSI-X table: what waited for the entry goes out. */
static bool write_nvme(struct vm *vm, struct nvme *nvme, uint32_t offset, unsigned size,
                       uint64_t value) {
    bool work = nvme_write(nvme, offset, size, value);
    hints_check(vm);
    if (work)
        vm->nvme_rung |= 1u << nvme->number;
    irq_flush_messages(vm, NULL, &nvme->pci);
    return work;
}

static void write_device(struct vm *vm, struct gpa at, unsigned size, uint64_t value) {
    struct nvme *nvme = NULL;
    uint32_t offset;
    bool work;
    lock_acquire(&vm->device_lock);
    if (e1000_at(vm, at, size, &offset))
        work = e1000_write(&vm->e1000, offset, size, value);
    else if (ahci_at(vm, at, size, &offset))
        work = ahci_write(&vm->ahci, offset, size, value);
    else if ((nvme = nvme_at(vm, at, size, &offset)) != NULL)
        work = write_nvme(vm, nvme, offset, size, value);
    else if (in_hpet(vm, at, size))
        work = timers_hpet_write(vm, (uint32_t)(at.value - HPET_PAGE), size, value);
    else if (screen_at(vm, at, size, &offset))
        work = screen_write(&vm->screen, offset, size, value);
    else
        work = write_virtio(vm, at, size, value);
    devices_update_interrupts(vm);
    lock_release(&vm->device_lock);
    if (work && nvme)
        vm_kick_nvme(vm);
    else if (work)
        vm_kick_io(vm);
}

void bus_write_memory(struct vcpu *vcpu, struct gpa at, unsigned size, uint64_t value) {
    if (in_apic(vcpu, at))
        write_apic(vcpu, at.value - APIC_PAGE, size, value);
    else if (in_page(at, IOAPIC_PAGE))
        irq_ioapic_write(vcpu->vm, at.value - IOAPIC_PAGE, (uint32_t)value);
    else
        write_device(vcpu->vm, at, size, value);
}

/* ---- PCI configuration by ports ---- */

static struct virtio_device *virtio_of(struct vm *vm, unsigned device) {
    return device == 0 ? NULL : devices_virtio(vm, device - 1);
}

static struct pci_function *nvme_of(struct vm *vm, unsigned device) {
    unsigned number = device - LAYOUT_PCI_DISK;
    return number < VM_DISKS_MAX && vm->nvme[number].present ? &vm->nvme[number].pci : NULL;
}

/* Device 0 of bus 0 is the host bridge; the others: platform/layout.h. */
static struct pci_function *function_of(struct vm *vm, unsigned device, unsigned function) {
    struct virtio_device *virtio = virtio_of(vm, device);
    struct pci_function *chip =
        vm->has_firmware ? chipset_function(&vm->chipset, device, function) : NULL;
    if (chip || function != 0)
        return chip;
    if (device == 0)
        return &vm->bridge;
    if (device == LAYOUT_PCI_E1000 && vm->e1000.present)
        return &vm->e1000.pci;
    if (device == LAYOUT_PCI_AHCI)
        return vm->ahci.present ? &vm->ahci.pci : NULL;
    if (device == LAYOUT_PCI_VGA)
        return vm->screen.present ? &vm->screen.pci : NULL;
    return virtio ? &virtio->pci : nvme_of(vm, device);
}

static unsigned latched_device(const struct vm *vm) {
    return vm->pci_address >> 11 & 0x1f;
}

/* Bus 0, function 0 of a device: all that isn't the chipset is there. */
static bool latch_is_single(const struct vm *vm) {
    return (vm->pci_address & PCI_ADDRESS_ENABLE) && (vm->pci_address & 0x00ff0700) == 0;
}

/* The passed-through function that the latch names. */
static struct passthrough *latched_passed(struct vm *vm) {
    unsigned number = latched_device(vm) - LAYOUT_PCI_PASSED;
    bool named = latch_is_single(vm) && number < vm->passed_count;
    return named && vm->passed[number].state != PASSTHROUGH_ABSENT ? &vm->passed[number] : NULL;
}

/* The function that the latch names, and the offset of the access in its configuration space. */
static struct pci_function *latched(struct vm *vm, uint16_t port, unsigned *offset) {
    uint32_t address = vm->pci_address;
    bool bus_0 = (address & 0x00ff0000) == 0;
    *offset = (address & 0xfc) + (port - PORT_PCI_DATA);
    if (!(address & PCI_ADDRESS_ENABLE) || !bus_0)
        return NULL;
    return function_of(vm, latched_device(vm), address >> 8 & 7);
}

static uint32_t read_pci(struct vm *vm, uint16_t port, unsigned size) {
    unsigned offset;
    if (port < PORT_PCI_DATA)
        return port == PORT_PCI_ADDRESS && size == 4 ? vm->pci_address
                                                     : (uint32_t)all_ones(size);
    const struct pci_function *function = latched(vm, port, &offset);
    struct virtio_device *virtio = virtio_of(vm, latched_device(vm));
    const struct passthrough *passed = latched_passed(vm);
    if (passed)
        return passthrough_config_read(passed, offset, size);
    if (virtio && function == &virtio->pci)
        virtio_window_read(virtio, offset);
    return function ? pci_config_read(function, offset, size) : (uint32_t)all_ones(size);
}

/* true: a reset has begun, which the I/O thread sees through. */
static bool write_passed_config(struct vm *vm, struct passthrough *passed, unsigned offset,
                                unsigned size, uint32_t value) {
    struct passthrough_window window = devices_window(vm);
    passthrough_config_write(passed, &window, offset, size, value);
    irq_flush_messages(vm, NULL, &passed->pci);
    return passed->state == PASSTHROUGH_RESETTING;
}

/* true: the I/O thread has something to do now, as a device may do DMA that couldn't before. */
static bool write_pci(struct vm *vm, uint16_t port, unsigned size, uint32_t value) {
    unsigned offset;
    enum virtio_event event = VIRTIO_NOTHING;
    if (port == PORT_PCI_ADDRESS && size == 4)
        vm->pci_address = value;
    if (port < PORT_PCI_DATA)
        return false;
    struct pci_function *function = latched(vm, port, &offset);
    struct passthrough *passed = latched_passed(vm);
    if (passed)
        return write_passed_config(vm, passed, offset, size, value);
    if (!function)
        return false;
    bool could = pci_may_master(function);
    pci_config_write(function, offset, size, value);
    devices_place_framebuffer(vm);
    devices_place_doorbells(vm);
    struct virtio_device *virtio = virtio_of(vm, latched_device(vm));
    if (virtio && function == &virtio->pci)
        event = virtio_window_write(virtio, offset);
    devices_event(vm, latched_device(vm) - 1, event);
    irq_flush_messages(vm, NULL, function);
    return event != VIRTIO_NOTHING || (!could && pci_may_master(function));
}

/* ---- Ports ---- */

static uint64_t wall_clock(const struct vm *vm) {
    return vm->boot_time + (vm_now() - vm->boot_tsc) / 1000 / vm->tsc_khz;
}

static bool e1000_at_port(const struct vm *vm, uint16_t port, uint32_t *offset) {
    return vm->e1000.present && pci_in_io_bar(&vm->e1000.pci, E1000_IO_BAR, port, offset);
}

static bool has_i8042(const struct vm *vm, uint16_t port, unsigned size) {
    return (vm->has_firmware || vm->screen.present) && size == 1 &&
           (port == I8042_PORT_DATA || port == I8042_PORT_COMMAND);
}

static uint8_t read_i8042(struct vm *vm, uint16_t port) {
    return port == I8042_PORT_DATA ? i8042_read_data(&vm->i8042) : i8042_read_status(&vm->i8042);
}

static void write_i8042(struct vm *vm, uint16_t port, uint8_t value) {
    if (port == I8042_PORT_DATA)
        i8042_write_data(&vm->i8042, value);
    else
        i8042_write_command(&vm->i8042, value);
}

/* Ports of a PC that aren't there and don't float. Channel 2 of a PIT that read as ones would be taken
 * for one that counts, and waited for. */
static bool reads_zero(uint16_t port, unsigned size) {
    return port == PORT_SYSTEM || port == PORT_TIMER_2 ||
           port_in_range(port, size, LAYOUT_PORT_SLEEP, 2);
}

static uint32_t read_device_port(struct vm *vm, uint16_t port, unsigned size) {
    uint32_t offset, value;
    if (port_in_range(port, size, SERIAL_PORT, SERIAL_PORTS) && size == 1)
        return serial_read(&vm->serial, port - SERIAL_PORT);
    if (port_in_range(port, size, PORT_PCI_ADDRESS, 8))
        return read_pci(vm, port, size);
    if (port == RTC_PORT_DATA && size == 1)
        return rtc_read(&vm->rtc, wall_clock(vm));
    if (e1000_at_port(vm, port, &offset))
        return e1000_read_port(&vm->e1000, offset, size);
    if (has_i8042(vm, port, size))
        return read_i8042(vm, port);
    if (screen_read_port(&vm->screen, port, size, &value))
        return value;
    if (vm->has_firmware && legacy_read(vm, port, size, &value))
        return value;
    return reads_zero(port, size) ? 0 : (uint32_t)all_ones(size);
}

uint32_t bus_read_port(struct vcpu *vcpu, uint16_t port, unsigned size) {
    struct vm *vm = vcpu->vm;
    lock_acquire(&vm->device_lock);
    bool was_full = serial_room(&vm->serial) == 0;
    uint32_t value = read_device_port(vm, port, size);
    bool work = was_full && serial_room(&vm->serial) != 0;
    devices_update_interrupts(vm);
    lock_release(&vm->device_lock);
    if (work)
        vm_kick_io(vm);
    return value;
}

/* Ports that end the VM's life. */
static bool write_power_port(struct vm *vm, uint16_t port, uint32_t value) {
    bool reset = (port == LAYOUT_PORT_RESET && (value & RESET_NOW)) ||
                 (port == I8042_PORT_COMMAND && (uint8_t)value == PORT_KEYBOARD_RESET);
    bool off = port == LAYOUT_PORT_SLEEP && !vm->has_firmware && (value & SLEEP_ENABLE) &&
               (value >> SLEEP_TYPE_SHIFT & 7) == SLEEP_SOFT_OFF;
    if (reset)
        vm_end(vm, VM_END_RESET);
    if (off)
        vm_end(vm, VM_END_POWEROFF);
    return reset || off;
}

static bool is_notify_port(struct vm *vm, uint16_t port) {
    uint32_t offset;
    for (unsigned i = 0; i < VM_VIRTIO_DEVICES; i++) {
        const struct virtio_device *device = devices_virtio(vm, i);
        if (device && pci_in_io_bar(&device->pci, VIRTIO_NOTIFY_BAR, port, &offset))
            return true;
    }
    return false;
}

/* true: the I/O thread has something to do now. */
static bool write_device_port(struct vm *vm, uint16_t port, unsigned size, uint32_t value) {
    uint32_t offset;
    bool work;
    if (port_in_range(port, size, SERIAL_PORT, SERIAL_PORTS) && size == 1) {
        bool idle = vm->serial.sent_count == 0;
        serial_write(&vm->serial, port - SERIAL_PORT, (uint8_t)value);
        return (idle && vm->serial.sent_count != 0) || serial_full(&vm->serial);
    }
    if (port_in_range(port, size, PORT_PCI_ADDRESS, 8))
        return write_pci(vm, port, size, value);
    if (port == RTC_PORT_INDEX)
        rtc_select(&vm->rtc, (uint8_t)value);
    else if (port == RTC_PORT_DATA)
        rtc_write(&vm->rtc, (uint8_t)value);
    else if (e1000_at_port(vm, port, &offset))
        return e1000_write_port(&vm->e1000, offset, size, value);
    else if (has_i8042(vm, port, size))
        write_i8042(vm, port, (uint8_t)value);
    else if (screen_write_port(&vm->screen, port, size, value, &work))
        return work;
    else if (vm->has_firmware && legacy_write(vm, port, size, value))
        return port_in_range(port, size, PIT_PORT, PIT_PORTS);
    return is_notify_port(vm, port);
}

void bus_write_port(struct vcpu *vcpu, uint16_t port, unsigned size, uint32_t value) {
    struct vm *vm = vcpu->vm;
    if (size == 1 && write_power_port(vm, port, value))
        return;
    lock_acquire(&vm->device_lock);
    bool work = write_device_port(vm, port, size, value);
    devices_update_interrupts(vm);
    lock_release(&vm->device_lock);
    if (work)
        vm_kick_io(vm);
}
