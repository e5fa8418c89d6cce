/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC (SDM 3A chapter 11): end of interrupt, messages between cores, the one-shot timer.
 * In x2APIC mode wherever the CPU has it: no store to a page of registers, and every core's id fits.
 * The timer's rate is measured once, on the first core; all cores' are taken to be the same.
 */
#include "x86/apic.h"

#include "core/core.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/time.h"
#include "x86/acpi.h"
#include "x86/cpu.h"

enum apic_register {                   /* offsets; the x2APIC's MSR is MSR_X2APIC + offset / 16 */
    APIC_ID = 0x20, APIC_TASK_PRIORITY = 0x80, APIC_EOI = 0xb0, APIC_SPURIOUS = 0xf0,
    APIC_ICR_LOW = 0x300, APIC_ICR_HIGH = 0x310, APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370, APIC_TIMER_START = 0x380,
    APIC_TIMER_NOW = 0x390, APIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_BASE_ADDRESS  0x000ffffffffff000ull
#define APIC_BASE_ENABLE   (1ull << 11)
#define APIC_BASE_X2APIC   (1ull << 10)
#define CPUID_ECX_X2APIC   (1u << 21)  /* leaf 1 */
#define APIC_SOFT_ENABLE   0x100u
#define APIC_MASKED        0x10000u
#define APIC_LVT_NMI       0x400u
#define APIC_DIVIDE_BY_1   0xbu
#define ICR_PENDING        0x1000u
#define ICR_ASSERT         0x4000u
#define MAX_POLLS          1000000u
#define MAX_COUNT          0xffffffffu
#define MEASURE_US         2000u
#define MEASUREMENTS       5u
#define SCALE_BITS         24          /* timer counts a tick, as a fraction of 2^24 */

static bool x2apic;
static volatile uint32_t *registers;
static uint64_t counts_a_tick;

static uint32_t apic_read(enum apic_register at) {
    if (x2apic)
        return (uint32_t)msr_read(MSR_X2APIC + at / 16);
    return registers[at / 4];
}

static void apic_write(enum apic_register at, uint32_t value) {
    if (x2apic)
        msr_write(MSR_X2APIC + at / 16, value);
    else
        registers[at / 4] = value;
}

void apic_send(uint32_t core, uint32_t message) {
    uint32_t apic_id = acpi.core_apic_id[core], command = ICR_ASSERT | message;

    if (counts_a_tick == 0)
        return;
    if (x2apic) {
        __asm__ volatile("mfence; lfence" ::: "memory");   /* SDM 11.12.3: not serialising by itself */
        msr_write(MSR_X2APIC + APIC_ICR_LOW / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    for (uint32_t i = 0; i < MAX_POLLS && (apic_read(APIC_ICR_LOW) & ICR_PENDING); i++)
        __asm__ volatile("pause");
    apic_write(APIC_ICR_HIGH, apic_id << 24);
    apic_write(APIC_ICR_LOW, command);
}

/* The shortest of several stretches, that is, the one least disturbed between its reads. */
static void measure_timer(void) {
    uint64_t shortest = UINT64_MAX;

    for (uint32_t i = 0; i < MEASUREMENTS; i++) {
        uint64_t start = time_now(), end = start + time_ticks_of_us(MEASURE_US);
        apic_write(APIC_TIMER_START, MAX_COUNT);
        while (time_now() < end)
            __asm__ volatile("pause");
        uint64_t counts = MAX_COUNT - apic_read(APIC_TIMER_NOW), ticks = time_now() - start;
        if (ticks < shortest)
            counts_a_tick = (counts << SCALE_BITS) / ticks;
        shortest = ticks < shortest ? ticks : shortest;
    }
    apic_write(APIC_TIMER_START, 0);
    if (counts_a_tick == 0)
        panic("boot: the local APIC's timer doesn't count");
}

void apic_install_core(void) {
    uint64_t base = msr_read(MSR_APIC_BASE);

    x2apic = (cpuid(1, 0).ecx & CPUID_ECX_X2APIC) != 0;
    if (!x2apic && registers == NULL)
        registers = physical_registers(paddr(base & APIC_BASE_ADDRESS), 4096);
    msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    if (x2apic)
        msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    apic_write(APIC_TASK_PRIORITY, 0);
    apic_write(APIC_LVT_LINT0, APIC_MASKED);
    apic_write(APIC_LVT_LINT1, APIC_LVT_NMI);
    apic_write(APIC_LVT_ERROR, APIC_MASKED);
    apic_write(APIC_SPURIOUS, APIC_SOFT_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
    if (counts_a_tick == 0)
        measure_timer();
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

bool apic_is_x2apic(void) { return x2apic; }

void core_timer(uint64_t deadline) {
    uint64_t now = time_now();
    uint64_t ticks = deadline > now ? deadline - now : 0;
    uint64_t limit = ((uint64_t)MAX_COUNT << SCALE_BITS) / counts_a_tick;
    uint64_t counts = ticks >= limit ? MAX_COUNT : (ticks * counts_a_tick >> SCALE_BITS) + 1;

    apic_write(APIC_TIMER_START, (uint32_t)counts);
}
