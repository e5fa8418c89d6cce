/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and instructions of the CPU, one tiny function each, and the tables that it reads
 * (Intel SDM volume 3; AMD64 APM volume 2 where it differs). x86 code only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CR0_WP        (1ull << 16)     /* SDM 2.5 */
#define CR0_NE        (1ull << 5)
#define CR4_MCE       (1ull << 6)
#define CR4_UMIP      (1ull << 11)
#define CR4_SMEP      (1ull << 20)
#define CR4_SMAP      (1ull << 21)
#define RFLAGS_RESERVED 0x2ull
#define RFLAGS_TF     (1ull << 8)
#define RFLAGS_IF     (1ull << 9)
#define RFLAGS_DF     (1ull << 10)
#define RFLAGS_IOPL   (3ull << 12)
#define RFLAGS_NT     (1ull << 14)
#define RFLAGS_AC     (1ull << 18)

enum msr {                             /* SDM volume 4 */
    MSR_APIC_BASE = 0x1b,
    MSR_PAT       = 0x277,
    MSR_X2APIC    = 0x800,
    MSR_EFER      = 0xc0000080,
    MSR_STAR      = 0xc0000081,
    MSR_LSTAR     = 0xc0000082,
    MSR_CSTAR     = 0xc0000083,
    MSR_SFMASK    = 0xc0000084,
    MSR_FS_BASE   = 0xc0000100,
    MSR_GS_BASE   = 0xc0000101,
    MSR_KERNEL_GS = 0xc0000102,
};

#define EFER_SCE      (1ull << 0)

struct cpuid { uint32_t eax, ebx, ecx, edx; };

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t msr_read(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

#define CONTROL_REGISTER(name) \
    static inline uint64_t name##_read(void) { \
        uint64_t value; \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value)); \
        return value; \
    } \
    static inline void name##_write(uint64_t value) { \
        __asm__ volatile("mov %0, %%" #name :: "r"(value) : "memory"); \
    }

CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)

/* I/O ports (SDM volume 1, chapter 19). */
static inline uint8_t port_in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}

static inline void port_out16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port));
}

static inline uint64_t tsc_read(void) { return __builtin_ia32_rdtsc(); }

/* This core's descriptor tables, fast calls and protections, after its entry area was made. */
void cpu_install_core(uint32_t core);
