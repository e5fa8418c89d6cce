/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device models together: their reset, their interrupts, the I/O thread's turn.
 */
#include "vmm/vm.h"

#include "vmm/platform/layout.h"

enum { TURN_FRAMES = 64, TURN_CHAINS = 16, TURN_REQUESTS = 16, TURN_CELLS = 200 };
/* Of one disk alone, before the others' turn comes. */
enum { DISK_TURNS = 4 };
enum { BRIDGE_VENDOR = 0x8086, BRIDGE_DEVICE = 0x0d57, BRIDGE_CLASS = 0x060000 };

enum { E1000_PIN = LAYOUT_PCI_PIN(LAYOUT_PCI_E1000), AHCI_PIN = LAYOUT_PCI_PIN(LAYOUT_PCI_AHCI) };

enum { NUMBER_NET = 0, NUMBER_HVC = 1, NUMBER_DISK = 2, NUMBER_RNG = NUMBER_DISK + VM_DISKS_MAX };

struct virtio_device *devices_virtio(struct vm *vm, unsigned number) {
    if (number == NUMBER_NET)
        return vm->net.present ? &vm->net.device : NULL;
    if (number == NUMBER_HVC)
        return vm->hvc.present ? &vm->hvc.device : NULL;
    if (number == NUMBER_RNG)
        return vm->rng.present ? &vm->rng.device : NULL;
    if (number - NUMBER_DISK >= VM_DISKS_MAX)
        return NULL;
    struct disk *disk = &vm->disk[number - NUMBER_DISK];
    return disk->present ? &disk->device : NULL;
}

static uint32_t memory_bar(unsigned number) {
    return (uint32_t)LAYOUT_BARS + number * VIRTIO_BAR_SIZE;
}

/* Makes the virtio devices anew, their BARs where the doorbells are. */
static void create_virtio(struct vm *vm) {
    if (vm->net_doorbell.size != 0)
        net_create(&vm->net, vm->net_mac, &vm->memory, memory_bar(NUMBER_NET),
                   (uint16_t)vm->net_doorbell.at, vm->net_doorbell.size);
    if (vm->hvc_doorbell.size != 0)
        hvc_create(&vm->hvc, &vm->memory, memory_bar(NUMBER_HVC), (uint16_t)vm->hvc_doorbell.at,
                   vm->hvc_doorbell.size);
    rng_create(&vm->rng, &vm->memory, memory_bar(NUMBER_RNG));
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        if (vm->disk_doorbell[i].size != 0 && !vm->nvme[i].present)
            disk_create(&vm->disk[i], &vm->memory, memory_bar(NUMBER_DISK + i),
                        (uint16_t)vm->disk_doorbell[i].at, vm->disk_doorbell[i].size);
}

/* The card has no doorbell, takes the network device's place on the bus and its interrupt's pin. */
static void create_e1000(struct vm *vm) {
    vm->e1000_line = false;
    if (vm->has_e1000)
        e1000_create(&vm->e1000, vm->net_mac, &vm->memory, (uint32_t)LAYOUT_E1000_BAR,
                     LAYOUT_PORT_E1000, E1000_PIN);
}

/* Each is in the place of the virtio disk of its number, its registers around its doorbell. */
static void create_nvme(struct vm *vm) {
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        if (vm->nvme[i].present)
            nvme_create(&vm->nvme[i], &vm->memory,
                        (uint32_t)vm->disk_doorbell[i].at - NVME_IO_DOORBELLS, i);
}

/* The disks that are SATA's are this one device's. */
static void create_ahci(struct vm *vm) {
    vm->ahci_line = false;
    ahci_create(&vm->ahci, &vm->memory, (uint32_t)LAYOUT_AHCI_BAR, AHCI_PIN);
}

static void create_screen(struct vm *vm) {
    screen_create(&vm->screen, (uint32_t)LAYOUT_VGA_FRAMEBUFFER, (uint32_t)LAYOUT_VGA_REGISTERS);
    devices_place_framebuffer(vm);
}

static void create_passed(struct vm *vm) {
    struct passthrough_window window = devices_window(vm);
    uint64_t next = LAYOUT_HOLE;
    for (unsigned i = 0; i < vm->passed_count; i++)
        passthrough_create(&vm->passed[i], &window, &next);
}

/* Above all RAM below 4 GiB and below the I/O APIC. */
struct passthrough_window devices_window(const struct vm *vm) {
    const struct guest_ram *low = &vm->memory.part[0];
    return (struct passthrough_window){ low->gpa + low->size, LAYOUT_HOLE_BARS_END + 1 };
}

/* Where the kernel refuses, because something else is there, it is nowhere. */
void devices_place_framebuffer(struct vm *vm) {
    struct passthrough_window window = devices_window(vm);
    uint64_t at = vm->screen.present ? screen_framebuffer(&vm->screen, window.first, window.end)
                                     : 0;
    if (at == vm->framebuffer_at)
        return;
    if (vm->framebuffer_at != 0)
        vm_place_framebuffer(vm, (struct gpa){ vm->framebuffer_at }, false);
    bool placed = at != 0 && vm_place_framebuffer(vm, (struct gpa){ at }, true);
    vm->framebuffer_at = placed ? at : 0;
}

static bool is_in_place(const struct vm *vm, unsigned number) {
    uint64_t at = vm->disk_doorbell[number].at;
    uint32_t offset;
    if (vm->nvme[number].present)
        return pci_in_memory_bar(&vm->nvme[number].pci, NVME_BAR, at, &offset) &&
               offset == NVME_IO_DOORBELLS;
    return vm->disk[number].present &&
           pci_in_io_bar(&vm->disk[number].device.pci, VIRTIO_NOTIFY_BAR, (uint16_t)at, &offset) &&
           offset == 0;
}

/* Firmware and guests move BARs: a doorbell may be where another device's is, or nobody's. */
void devices_place_doorbells(struct vm *vm) {
    for (unsigned i = 0; i < vm->disk_count; i++)
        vm->disk_doorbell[i].in_place = is_in_place(vm, i);
    hints_check(vm);
}

void devices_event(struct vm *vm, unsigned number, enum virtio_event event) {
    if (event == VIRTIO_RESET && number >= NUMBER_DISK && number < NUMBER_RNG)
        disk_forget(&vm->disk[number - NUMBER_DISK]);
}

void devices_reset(struct vm *vm) {
    lock_acquire(&vm->ioapic_lock);
    ioapic_reset(&vm->ioapic);
    pic_reset(&vm->pic);
    __atomic_store_n(&vm->pic_output, false, __ATOMIC_SEQ_CST);
    lock_release(&vm->ioapic_lock);
    serial_reset(&vm->serial);
    vm->serial_line = vm->keyboard_line = false;
    i8042_reset(&vm->i8042);
    rtc_reset(&vm->rtc);
    vm->pci_address = 0;
    legacy_reset(vm);
    hpet_reset(&vm->hpet);
    pci_create(&vm->bridge, BRIDGE_VENDOR, BRIDGE_DEVICE, BRIDGE_CLASS, 0);
    chipset_create(&vm->chipset);
    create_virtio(vm);
    create_e1000(vm);
    create_nvme(vm);
    create_ahci(vm);
    create_screen(vm);
    create_passed(vm);
    hints_forget(vm);
    devices_place_doorbells(vm);
}

/* A level that an emulated device drives, as the I/O APIC last saw it. */
static void update_line(struct vm *vm, unsigned pin, bool line, bool *seen) {
    if (line == *seen)
        return;
    *seen = line;
    irq_line(vm, pin, line);
}

/* The line falls between two bytes, so that each makes an edge. */
static void update_keyboard(struct vm *vm) {
    update_line(vm, I8042_PIN, i8042_interrupt(&vm->i8042), &vm->keyboard_line);
    if (i8042_advance(&vm->i8042))
        update_line(vm, I8042_PIN, i8042_interrupt(&vm->i8042), &vm->keyboard_line);
}

void devices_update_interrupts(struct vm *vm) {
    update_line(vm, SERIAL_PIN, serial_interrupt(&vm->serial), &vm->serial_line);
    update_line(vm, E1000_PIN, e1000_interrupt(&vm->e1000), &vm->e1000_line);
    update_line(vm, AHCI_PIN, ahci_interrupt(&vm->ahci), &vm->ahci_line);
    update_keyboard(vm);
    irq_flush_messages(vm, NULL, &vm->ahci.pci);
}

/* What the guest sent waits for a console that isn't there yet, until the buffer is full. */
static void drop_unheard(struct vm *vm) {
    if (serial_full(&vm->serial))
        serial_taken(&vm->serial, vm->serial.sent_count);
}

static void send_serial(struct vm *vm) {
    const uint8_t *bytes;
    uint32_t count = serial_outgoing(&vm->serial, &bytes);
    while (count != 0) {
        uint32_t taken = stream_write(&vm->serial_link, bytes, count);
        serial_taken(&vm->serial, taken);
        if (taken < count)
            return;
        count = serial_outgoing(&vm->serial, &bytes);
    }
}

static void run_serial(struct vm *vm) {
    uint8_t bytes[SERIAL_FIFO];
    if (vm->has_serial_link)
        stream_check(&vm->serial_link);
    if (!vm->has_serial_link || !ring_up(&vm->serial_link)) {
        drop_unheard(vm);
        return;
    }
    send_serial(vm);
    uint32_t received = stream_read(&vm->serial_link, bytes, serial_room(&vm->serial));
    serial_receive(&vm->serial, bytes, received);
    stream_flush(&vm->serial_link);
}

/* One that isn't there raised nothing. */
static void flush_msix(struct vm *vm) {
    irq_flush_messages_before_wait(vm, &vm->net.device.pci);
    irq_flush_messages_before_wait(vm, &vm->hvc.device.pci);
    irq_flush_messages_before_wait(vm, &vm->rng.device.pci);
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        irq_flush_messages_before_wait(vm, &vm->disk[i].device.pci);
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        irq_flush_messages_before_wait(vm, &vm->nvme[i].pci);
}

static void run_passed(struct vm *vm) {
    for (unsigned i = 0; i < vm->passed_count; i++)
        passthrough_run(&vm->passed[i]);
}

bool devices_stop(struct vm *vm) {
    bool quiet = true;
    lock_acquire(&vm->device_lock);
    for (unsigned i = 0; i < vm->passed_count; i++)
        quiet &= passthrough_stop(&vm->passed[i]);
    for (unsigned i = 0; i < VM_DISKS_MAX; i++) {
        quiet &= backend_stop(&vm->disk[i].backend);
        quiet &= backend_stop(&vm->nvme[i].backend);
    }
    lock_release(&vm->device_lock);
    return quiet;
}

/* A disk on virtio or NVMe. By a vCPU's thread, which heard of answers, or by the I/O thread (NULL),
 * which heard of requests and wakes whom it must when it waits. true: there is nothing left to do, and
 * both sides wake us for more. */
static bool serve_disk(struct vm *vm, const struct vcpu *by, unsigned number, uint32_t *last) {
    struct disk *disk = &vm->disk[number];
    struct nvme *nvme = &vm->nvme[number];
    struct pci_function *function = nvme->present ? &nvme->pci : &disk->device.pci;
    enum backend_turn turn = by == NULL ? BACKEND_REQUESTS : BACKEND_ANSWERS;
    for (unsigned i = 0; i < DISK_TURNS; i++) {
        bool more = nvme->present ? nvme_run(nvme, TURN_REQUESTS, turn, last)
                                  : disk_run(disk, TURN_REQUESTS, turn, last);
        if (by == NULL)
            irq_flush_messages_before_wait(vm, function);
        else
            irq_flush_messages(vm, by, function);
        if (!more && (nvme->present ? nvme_settle(nvme) : disk_settle(disk)))
            return true;
    }
    return false;
}

/* Those that a thread's kick was for, if it wasn't for all devices: then the kick is `known`. */
static uint32_t take_rung(struct vm *vm, uint64_t bits, uint64_t *known) {
    uint32_t rung = vm->nvme_rung;
    if (!(bits & vm->io_bits))
        return 0;
    vm->nvme_rung = 0;
    if (!__atomic_exchange_n(&vm->io_wanted, false, __ATOMIC_SEQ_CST))
        *known |= vm->io_bits;
    return rung;
}

bool devices_serve(struct vm *vm, uint64_t bits) {
    if (bits == 0)
        return false;
    lock_acquire(&vm->device_lock);
    uint64_t known = 0;
    uint32_t rung = take_rung(vm, bits, &known);
    bool quiet = true;
    for (unsigned i = 0; i < vm->disk_count; i++) {
        uint64_t own = vm->disk_doorbell[i].in_place ? vm->disk_doorbell[i].bits : 0;
        known |= own;
        if ((bits & own) || (rung >> i & 1))
            quiet &= serve_disk(vm, NULL, i, &vm->before_wait);
    }
    lock_release(&vm->device_lock);
    return quiet && (bits & ~known) == 0;
}

static void take_interrupts(struct vm *vm, const struct vcpu *by, struct passthrough *passed,
                            uint64_t bits) {
    lock_acquire(&vm->device_lock);
    passthrough_raise(passed, bits);
    irq_flush_messages(vm, by, &passed->pci);
    lock_release(&vm->device_lock);
}

/* The answers of disks. What they leave undone is the I/O thread's. */
static void take_answers(struct vm *vm, const struct vcpu *by, uint64_t bits) {
    uint32_t last = BH_NONE;
    bool quiet = true;
    lock_acquire(&vm->device_lock);
    for (unsigned i = 0; i < vm->disk_count; i++)
        if (bits & vm->disk_link_bits[i])
            quiet &= serve_disk(vm, by, i, &last);
    lock_release(&vm->device_lock);
    if (last != BH_NONE)
        call_notify(last);
    if (!quiet)
        vm_kick_io(vm);
}

void devices_hear(struct vm *vm, const struct vcpu *by, uint64_t bits) {
    for (unsigned i = 0; i < vm->passed_count; i++)
        if (bits & vm->passed[i].bits)
            take_interrupts(vm, by, &vm->passed[i], bits);
    if (bits & vm->disks_link_bits)
        take_answers(vm, by, bits);
}

uint64_t devices_passed_deadline(struct vm *vm) {
    uint64_t first = BH_FOREVER;
    if (vm->passed_count == 0)
        return first;
    lock_acquire(&vm->device_lock);
    for (unsigned i = 0; i < vm->passed_count; i++) {
        uint64_t at = passthrough_deadline(&vm->passed[i], vm_now(), vm->tsc_khz);
        first = at < first ? at : first;
    }
    lock_release(&vm->device_lock);
    return first;
}

bool devices_run(struct vm *vm) {
    lock_acquire(&vm->device_lock);
    run_serial(vm);
    bool more = net_run(&vm->net, TURN_FRAMES);
    more |= e1000_run(&vm->e1000, TURN_FRAMES);
    more |= hvc_run(&vm->hvc, TURN_CHAINS);
    more |= rng_run(&vm->rng, TURN_CHAINS);
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        more |= disk_run(&vm->disk[i], TURN_REQUESTS, BACKEND_BOTH, &vm->before_wait);
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        more |= nvme_run(&vm->nvme[i], TURN_REQUESTS, BACKEND_BOTH, &vm->before_wait);
    more |= ahci_run(&vm->ahci, TURN_REQUESTS, &vm->before_wait);
    more |= screen_run(&vm->screen, &vm->memory, &vm->i8042, vm_now(), TURN_CELLS);
    timers_run(vm);
    run_passed(vm);
    devices_update_interrupts(vm);
    flush_msix(vm);
    lock_release(&vm->device_lock);
    return more;
}

/* What doesn't fit into the receive FIFO waits in the link: the guest's reading wakes us. */
static bool settle_serial(struct vm *vm) {
    if (!vm->has_serial_link)
        return true;
    bool quiet = stream_sleep(&vm->serial_link);
    if (ring_up(&vm->serial_link) && vm->serial.sent_count != 0)
        quiet &= ring_space(&vm->serial_link) == 0 && stream_await_space(&vm->serial_link);
    return quiet;
}

bool devices_settle(struct vm *vm) {
    lock_acquire(&vm->device_lock);
    bool quiet = settle_serial(vm);
    quiet &= net_settle(&vm->net);
    quiet &= e1000_settle(&vm->e1000);
    quiet &= hvc_settle(&vm->hvc);
    quiet &= rng_settle(&vm->rng);
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        quiet &= disk_settle(&vm->disk[i]);
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        quiet &= nvme_settle(&vm->nvme[i]);
    quiet &= ahci_settle(&vm->ahci);
    quiet &= screen_settle(&vm->screen);
    lock_release(&vm->device_lock);
    return quiet;
}

uint64_t devices_screen_deadline(struct vm *vm) {
    lock_acquire(&vm->device_lock);
    uint64_t deadline = screen_deadline(&vm->screen);
    lock_release(&vm->device_lock);
    return deadline;
}
