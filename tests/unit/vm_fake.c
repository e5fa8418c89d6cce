/* SPDX-License-Identifier: BSD-2-Clause */
/* The VM and its world for host tests: see vm_fake.h. */
#include "tests/unit/vm_fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cpu/cpuid.h"
#include "vmm/platform/layout.h"

struct vm_fake vm_fake;

static _Alignas(BH_PAGE_SIZE) uint8_t ram[FAKE_RAM];

enum { STREAM_AREA = 4096, NET_AREA = 64 << 10, NET_HALF = 4096 };

/* ---- The world ---- */

uint64_t vm_now(void) { return vm_fake.now; }
uint64_t vm_kept_heard(void) { return 0; }

uint64_t vm_sleep(uint64_t host_deadline) {
    (void)host_deadline;
    return 0;
}

void lock_pause(void) { abort(); }

bool vm_place_framebuffer(const struct vm *vm, struct gpa at, bool present) {
    (void)vm;
    vm_fake.framebuffer_at = present ? at.value : 0;
    return true;
}

bool vm_enter(const struct vcpu *vcpu, uint64_t host_deadline, uint64_t *bits) {
    (void)host_deadline;
    vcpu->state->exit = BH_EXIT_EVENT;
    *bits = 0;
    return true;
}

void vm_kick(struct vm *vm, const struct vcpu *vcpu) {
    (void)vm;
    vm_fake.kicks[vcpu->number]++;
}

void vm_kick_before_wait(struct vm *vm, const struct vcpu *vcpu) { vm_kick(vm, vcpu); }

void vm_kick_io(struct vm *vm) {
    (void)vm;
    vm_fake.io_kicks++;
}

void vm_kick_nvme(struct vm *vm) {
    vm_kick_io(vm);
}

void vm_log(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(vm_fake.last_log, sizeof(vm_fake.last_log), format, arguments);
    va_end(arguments);
    vm_fake.logged++;
}

bool rng_take(uint64_t *value) {
    *value = 0x5a5a5a5a5a5a5a5aull;
    return true;
}

/* A processor of its own, the same on every host. */
struct cpuid cpuid_host(uint32_t leaf, uint32_t subleaf) {
    switch (leaf) {
    case 0: return (struct cpuid){ 0x10, 0x68747541, 0x444d4163, 0x69746e65 };
    case 1: return (struct cpuid){ 0x00800f12, 0x00000800, 0xffffffff, 0xffffffff };
    case 7: return (struct cpuid){ 0, 0xffffffff, 0xffffffff, 0xffffffff };
    case 0xd:
        if (subleaf == 0)
            return (struct cpuid){ 0x207, 0x340, 0x340, 0 };
        return subleaf == 2 ? (struct cpuid){ 256, 576, 0, 0 } : (struct cpuid){ 7, 0, 0, 0 };
    case 0x80000000: return (struct cpuid){ 0x8000001f, 0, 0, 0 };
    case 0x80000001: return (struct cpuid){ 0x00800f12, 0, 0xffffffff, 0xffffffff };
    case 0x80000008: return (struct cpuid){ 0x3030, 0, 0, 0 };
    default: return (struct cpuid){ 0 };
    }
}

/* ---- The VM ---- */

void vm_fake_kernel(uint8_t image[FAKE_KERNEL]) {
    static const struct { uint16_t offset; uint16_t size; uint64_t value; } fields[] = {
        { 0x1f1, 1, 1 }, { 0x1fe, 2, 0xaa55 }, { 0x201, 1, 0x6a }, { 0x202, 4, 0x53726448 },
        { 0x206, 2, 0x020f }, { 0x22c, 4, 0x7fffffff }, { 0x230, 4, 0x200000 }, { 0x234, 1, 1 },
        { 0x236, 2, 1 }, { 0x238, 4, 255 }, { 0x258, 8, FAKE_KERNEL_AT }, { 0x260, 4, 0x10000 },
    };
    memset(image, 0xc3, FAKE_KERNEL);
    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        memcpy(image + fields[i].offset, &fields[i].value, fields[i].size);
}

static void open_links(void) {
    struct vm *vm = &vm_fake.vm;
    link_pair_make(&vm_fake.net, NET_HALF, NET_AREA);
    link_pair_make(&vm_fake.hvc, BH_PAGE_SIZE, STREAM_AREA);
    link_pair_make(&vm_fake.serial, BH_PAGE_SIZE, STREAM_AREA);
    link_pair_make(&vm_fake.disk, BH_PAGE_SIZE, FAKE_DISK_SLOTS * BACKEND_SLOT);
    ring_open(&vm->disk[0].backend.link, &vm_fake.disk.a, 1);
    ring_open(&vm_fake.disk_peer, &vm_fake.disk.b, 2);
    net_open(&vm->net.link, &vm_fake.net.a, 1);
    stream_open(&vm->hvc.link, &vm_fake.hvc.a, 1);
    stream_open(&vm->serial_link, &vm_fake.serial.a, 1);
    net_open(&vm_fake.net_peer, &vm_fake.net.b, 2);
    stream_open(&vm_fake.hvc_peer, &vm_fake.hvc.b, 2);
    stream_open(&vm_fake.serial_peer, &vm_fake.serial.b, 2);
    for (unsigned i = 0; i < 2; i++) {
        ring_check(&vm->net.link);
        ring_check(&vm->hvc.link);
        ring_check(&vm->disk[0].backend.link);
        ring_check(&vm_fake.disk_peer);
        ring_check(&vm->serial_link);
        ring_check(&vm_fake.net_peer);
        ring_check(&vm_fake.hvc_peer);
        ring_check(&vm_fake.serial_peer);
    }
    vm->has_serial_link = true;
}

static void make_vcpu(unsigned number) {
    struct vcpu *vcpu = &vm_fake.vm.vcpu[number];
    vcpu->vm = &vm_fake.vm;
    vcpu->number = number;
    vcpu->state = calloc(1, BH_PAGE_SIZE);
    apic_reset(&vcpu->apic, number);
    start_reset(vcpu);
}

/* As the loader leaves it: 2 MiB pages, present, writable. */
static void make_page_tables(void) {
    uint64_t *table = (uint64_t *)(void *)(ram + LAYOUT_PAGE_TABLES);
    table[0] = (LAYOUT_PAGE_TABLES + 0x1000) | 3;
    for (unsigned i = 0; i < 4; i++)
        table[512 + i] = (LAYOUT_PAGE_TABLES + 0x1000 * (2 + i)) | 3;
    for (unsigned i = 0; i < 2048; i++)
        table[1024 + i] = ((uint64_t)i << 21) | 0x83;
}

void vm_fake_make(unsigned vcpu_count) {
    static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
    const struct loader_result kernel = { NULL, { 0x1000 }, { LAYOUT_ZERO_PAGE },
                                          { LAYOUT_PAGE_TABLES }, true };
    struct vm *vm = &vm_fake.vm;
    memset(&vm_fake, 0, sizeof(vm_fake));
    memset(ram, 0, FAKE_RAM);
    vm->memory.part[0] = (struct guest_ram){ ram, 0, FAKE_RAM };
    vm->vcpu_count = vcpu_count;
    vm->before_wait = BH_NONE;
    vm->tsc_khz = 1000000;
    vm->boot_time = 1700000000;
    memcpy(vm->net_mac, mac, sizeof(mac));
    vm->net_doorbell = (struct doorbell){ FAKE_NET_PORT, FAKE_NOTIFY_SIZE, 0, false };
    vm->hvc_doorbell = (struct doorbell){ FAKE_HVC_PORT, FAKE_NOTIFY_SIZE, 0, false };
    vm->disk_doorbell[0] = (struct doorbell){ FAKE_DISK_PORT, FAKE_NOTIFY_SIZE, FAKE_DISK_BELL,
                                              false };
    vm->disk_link_bits[0] = vm->disks_link_bits = FAKE_DISK_LINK;
    vm->disk_count = 1;
    vm_fake.now = 1000000000;
    for (unsigned i = 0; i < vcpu_count; i++)
        make_vcpu(i);
    open_links();
    devices_reset(vm);
    make_page_tables();
    start_kernel(&vm->vcpu[0], &kernel);
}

void vm_fake_use_e1000(void) {
    struct vm *vm = &vm_fake.vm;
    vm->has_e1000 = true;
    vm->e1000.link = vm->net.link;
    vm->net_doorbell.size = 0;
    vm->net.present = false;
    devices_reset(vm);
}

void vm_fake_use_ahci(bool cdrom) {
    struct vm *vm = &vm_fake.vm;
    vm->ahci.ports = 1;
    vm->ahci.port[0].backend.link = vm->disk[0].backend.link;
    vm->ahci.port[0].cdrom = cdrom;
    vm->disk_doorbell[0].size = 0;
    vm->disk_link_bits[0] = vm->disks_link_bits = 0;
    vm->disk[0].present = false;
    devices_reset(vm);
}

void vm_fake_use_nvme(void) {
    struct vm *vm = &vm_fake.vm;
    vm->nvme[0].present = true;
    vm->nvme[0].backend.link = vm->disk[0].backend.link;
    vm->disk_doorbell[0] = (struct doorbell){ FAKE_NVME_BAR + NVME_IO_DOORBELLS,
                                              NVME_IO_DOORBELLS_SIZE, FAKE_DISK_BELL, false };
    vm->disk[0].present = false;
    devices_reset(vm);
}

/* The area of pictures is made once: it is large. */
void vm_fake_use_screen(void) {
    static _Alignas(BH_PAGE_SIZE) uint8_t pictures[SCREEN_AREA];
    struct vm *vm = &vm_fake.vm;
    link_pair_make(&vm_fake.seat, BH_PAGE_SIZE, STREAM_AREA);
    vm_fake.seat.a.link.out_area = vm_fake.seat.b.link.in_area = (uintptr_t)pictures;
    vm_fake.seat.a.link.out_size = vm_fake.seat.b.link.in_size = SCREEN_AREA;
    ring_open(&vm->screen.link, &vm_fake.seat.a, 1);
    ring_open(&vm_fake.seat_peer, &vm_fake.seat.b, 2);
    ring_check(&vm->screen.link);
    ring_check(&vm_fake.seat_peer);
    vm->screen.period = (uint64_t)vm->tsc_khz * 1000 / SCREEN_LOOKS_A_SECOND;
    vm->screen.present = vm->i8042.keyboard.present = true;
    devices_reset(vm);
}

void vm_fake_use_firmware(void) {
    static uint8_t image[FAKE_ROM];
    for (unsigned i = 0; i < FAKE_ROM; i++)
        image[i] = (uint8_t)(i * 7 + i / 4096);
    vm_fake.vm.memory.rom = (struct guest_rom){ image, LAYOUT_4G - FAKE_ROM, FAKE_ROM };
    vm_fake.vm.has_firmware = true;
    devices_reset(&vm_fake.vm);
}

void vm_fake_free(void) {
    for (unsigned i = 0; i < vm_fake.vm.vcpu_count; i++)
        free(vm_fake.vm.vcpu[i].state);
    link_pair_free(&vm_fake.net);
    link_pair_free(&vm_fake.hvc);
    link_pair_free(&vm_fake.serial);
    link_pair_free(&vm_fake.disk);
    link_pair_free(&vm_fake.seat);
}

void vm_fake_poke(uint64_t gpa, const void *bytes, size_t size) {
    guest_write(&vm_fake.vm.memory, (struct gpa){ gpa }, bytes, size);
}

void vm_fake_code(const void *bytes, size_t size) {
    vm_fake_poke(vm_fake.vm.vcpu[0].state->rip, bytes, size);
}

void vm_fake_exit(enum bh_exit exit, uint64_t info1, uint64_t info2, uint64_t next_rip) {
    struct vcpu *vcpu = &vm_fake.vm.vcpu[0];
    vcpu->state->exit = exit;
    vcpu->state->info1 = info1;
    vcpu->state->info2 = info2;
    vcpu->state->next_rip = next_rip;
    exit_handle(vcpu, exit);
}

uint32_t vm_fake_in(uint16_t port, unsigned size) {
    return bus_read_port(&vm_fake.vm.vcpu[0], port, size);
}

void vm_fake_out(uint16_t port, unsigned size, uint32_t value) {
    bus_write_port(&vm_fake.vm.vcpu[0], port, size, value);
}

uint64_t vm_fake_load(uint64_t gpa, unsigned size) {
    return bus_read_memory(&vm_fake.vm.vcpu[0], (struct gpa){ gpa }, size);
}

void vm_fake_store(uint64_t gpa, unsigned size, uint64_t value) {
    bus_write_memory(&vm_fake.vm.vcpu[0], (struct gpa){ gpa }, size, value);
}

static void latch(unsigned device, unsigned offset) {
    vm_fake_out(0xcf8, 4, 0x80000000u | device << 11 | (offset & 0xfc));
}

uint32_t vm_fake_config_read(unsigned device, unsigned offset) {
    latch(device, offset);
    return vm_fake_in(0xcfc, 4);
}

void vm_fake_config_write(unsigned device, unsigned offset, uint32_t value) {
    latch(device, offset);
    vm_fake_out(0xcfc, 4, value);
}

static void start_queue(uint64_t bar, unsigned queue, uint64_t at, uint16_t size) {
    vm_fake_store(bar + 22, 2, queue);
    vm_fake_store(bar + 24, 2, size);
    vm_fake_store(bar + 26, 2, 1 + queue);
    vm_fake_store(bar + 32, 4, at);
    vm_fake_store(bar + 40, 4, at + 0x1000);
    vm_fake_store(bar + 48, 4, at + 0x2000);
    vm_fake_store(bar + 28, 2, 1);
}

void vm_fake_virtio_start(unsigned device, uint64_t queues, uint16_t size, uint64_t features) {
    enum { MSIX_CAPABILITY = 0x84, BAR4 = 0x20 };
    uint64_t bar = vm_fake_config_read(device, BAR4) & ~15u;
    vm_fake_config_write(device, 4, 7);
    vm_fake_config_write(device, MSIX_CAPABILITY, 0x80000000u);
    for (unsigned i = 0; i < 3; i++) {
        vm_fake_store(bar + 0x3000 + 16 * i, 4, 0xfee00000);
        vm_fake_store(bar + 0x3008 + 16 * i, 4, 0x50 + i);
        vm_fake_store(bar + 0x300c + 16 * i, 4, 0);
    }
    vm_fake_store(bar + 20, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    vm_fake_store(bar + 8, 4, 0);
    vm_fake_store(bar + 12, 4, (uint32_t)features);
    vm_fake_store(bar + 8, 4, 1);
    vm_fake_store(bar + 12, 4, features >> 32);
    vm_fake_store(bar + 16, 2, 0);
    vm_fake_store(bar + 20, 1, VIRTIO_FEATURES_OK);
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++)
        start_queue(bar, i, queues + 0x4000 * i, size);
    vm_fake_store(bar + 20, 1, VIRTIO_DRIVER_OK);
}

void vm_fake_program_pics(void) {
    enum { PIC1 = 0x20, PIC2 = 0xa0 };
    static const struct { uint16_t port; uint8_t value; } words[] = {
        { PIC1, 0x11 }, { PIC2, 0x11 }, { PIC1 + 1, 0x08 }, { PIC2 + 1, 0x70 }, { PIC1 + 1, 4 },
        { PIC2 + 1, 2 }, { PIC1 + 1, 1 }, { PIC2 + 1, 1 },
    };
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        vm_fake_out(words[i].port, 1, words[i].value);
}
