/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest without an operating system that drives QEMU's edu device itself (docs/specs/edu.rst):
 * from the store that raises its message to the guest's handler. It ends interrupts as Linux does,
 * by the paravirtual EOI. Touches the device and its own memory; trusts nobody.
 */
#include "bench/mark.h"
#include "tests/guests/devices.h"

enum { EDU = 0x11e81234, EDU_RAISE = 0x60, EDU_ACKNOWLEDGE = 0x64 };
enum { PCI_BAR0 = 0x10, PCI_CAPABILITIES = 0x34, PCI_MSI = 5, MSI_ENABLE = 1 << 16 };
enum { MSR_APIC_BASE = 0x1b, APIC_ON_X2 = 0xc00, MSR_X2_EOI = 0x80b, MSR_X2_SPURIOUS = 0x80f,
       APIC_ENABLE = 0x1ff, MSR_PV_EOI = 0x4b564d04, VECTOR = 0x40, WARM_UP = 16 };
enum { GATE_PRESENT = 0x8e00 };                  /* an interrupt gate: APM volume 2, 4.8.4 */

#define BAR_AT 0x20000000u                      /* above RAM, in the first GiB, which is mapped */

struct gate {
    uint16_t low, selector, flags, middle;
    uint32_t high, reserved;
};

struct frame;

void main(const uint8_t *zero_page);

static struct gate gates[256];
static volatile uint8_t *edu;
static volatile unsigned taken;
static uint32_t eoi_flag;

static void write_msr(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static uint64_t read_msr(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

__attribute__((interrupt)) static void handle(struct frame *frame) {
    (void)frame;
    MARK_END(MARK_INTERRUPT);
    write32(edu + EDU_ACKNOWLEDGE, 1);
    taken++;
    if (__atomic_exchange_n(&eoi_flag, 0, __ATOMIC_RELAXED) == 0)
        write_msr(MSR_X2_EOI, 0);
}

static void take_interrupts(void) {
    uint64_t handler = (uintptr_t)handle;
    uint16_t code;
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idt = {
        sizeof(gates) - 1, (uintptr_t)gates };
    __asm__ volatile("mov %%cs, %0" : "=r"(code));
    gates[VECTOR] = (struct gate){ .low = (uint16_t)handler, .selector = code,
                                   .flags = GATE_PRESENT, .middle = (uint16_t)(handler >> 16),
                                   .high = (uint32_t)(handler >> 32) };
    __asm__ volatile("lidt %0" : : "m"(idt));
    write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | APIC_ON_X2);
    write_msr(MSR_X2_SPURIOUS, APIC_ENABLE);
    write_msr(MSR_PV_EOI, (uintptr_t)&eoi_flag | 1);
    __asm__ volatile("sti");
}

static unsigned find_msi(unsigned device) {
    unsigned at = config_read(device, PCI_CAPABILITIES) & 0xff;
    while (at != 0 && (config_read(device, at) & 0xff) != PCI_MSI)
        at = config_read(device, at) >> 8 & 0xff;
    return at;
}

/* Without the upper half of an address: the VMM's capability has none. */
static void set_up_device(unsigned device) {
    unsigned msi = find_msi(device);
    config_write(device, PCI_BAR0, BAR_AT);
    edu = device_memory(BAR_AT);
    config_write(device, msi + 4, 0xfee00000);
    config_write(device, msi + 8, VECTOR);
    config_write(device, msi, config_read(device, msi) | MSI_ENABLE);
}

static void raise_one(void) {
    unsigned before = taken;
    MARK_BEGIN(MARK_INTERRUPT);
    write32(edu + EDU_RAISE, 1);
    while (taken == before)
        pause();
}

void main(const uint8_t *zero_page) {
    unsigned device = find_device(EDU);
    (void)zero_page;
    if (device == 0) {
        say("interrupt: no edu\n");
        rest();
    }
    set_up_device(device);
    take_interrupts();
    say("interrupt: here\n");
    for (int i = 0; i < WARM_UP; i++)
        raise_one();
    MEASURE(MARK_INTERRUPT_LOOP, raise_one());
    rest();
}
