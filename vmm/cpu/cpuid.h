/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What CPUID answers to a guest: the host's own answers, cut down to an allow-list of features that
 * the VMM and the kernel carry, plus what the VMM itself adds (x2APIC, TSC deadline, hypervisor).
 * Whatever isn't listed here reads as zero.
 *
 * References: AMD APM volume 3, appendix E; Intel SDM volume 2A, CPUID.
 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <stdbool.h>
#include <stdint.h>

struct cpuid { uint32_t eax, ebx, ecx, edx; };

struct cpuid_guest {
    uint32_t vcpu;                   /* = APIC id */
    uint32_t vcpu_count;
    uint32_t tsc_khz;
    bool mtrr;
    uint64_t cr4;
    uint64_t xcr0;
};

struct cpuid cpuid_answer(const struct cpuid_guest *guest, uint32_t leaf, uint32_t subleaf);

/* The bits of XCR0 that a guest may set on this machine. */
uint64_t cpuid_xcr0(void);

/* The bits of CR4 that a guest may set, by the features that it sees. */
uint64_t cpuid_cr4(void);

/* How many bits a physical address has. */
unsigned cpuid_address_bits(void);

/* The host's own answer; given by the program (vmm/runtime.c). */
struct cpuid cpuid_host(uint32_t leaf, uint32_t subleaf);

#endif
