/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPUID allow-list. Pure but for the host's own CPUID.
 */
#include "vmm/cpu/cpuid.h"

#include "vmm/cpu/x86.h"

#define BIT(n) (1u << (n))

/* Leaf 1 ECX: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND. */
#define LEAF1_ECX (BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | \
                   BIT(23) | BIT(25) | BIT(26) | BIT(28) | BIT(29) | BIT(30))
#define LEAF1_X2APIC       BIT(21)
#define LEAF1_TSC_DEADLINE BIT(24)
#define LEAF1_OSXSAVE      BIT(27)
#define LEAF1_HYPERVISOR   BIT(31)
/* Leaf 1 EDX: FPU DE PSE TSC MSR PAE CX8 APIC SEP PGE CMOV PAT PSE36 CLFLUSH MMX FXSR SSE SSE2. */
#define LEAF1_EDX (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | \
                   BIT(11) | BIT(13) | BIT(15) | BIT(16) | BIT(17) | BIT(19) | BIT(23) | \
                   BIT(24) | BIT(25) | BIT(26))
#define LEAF1_MTRR BIT(12)           /* in leaf 80000001 too */
#define LEAF1_HTT BIT(28)
/* Leaf 7 EBX: FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA. */
#define LEAF7_EBX (BIT(0) | BIT(3) | BIT(5) | BIT(7) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | \
                   BIT(20) | BIT(23) | BIT(24) | BIT(29))
#define LEAF7_TSC_ADJUST BIT(1)      /* the VMM's own: Linux then trusts the TSC unwatched */
#define LEAF7_ECX BIT(2)             /* UMIP */
#define XSAVE_FORMS (BIT(0) | BIT(1) | BIT(2))   /* XSAVEOPT XSAVEC XGETBV1 */
#define XCR0_ALLOWED 7u              /* x87, SSE, AVX */
/* Leaf 80000001 ECX: LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH. */
#define EXTENDED_ECX (BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8))
/* Leaf 80000001 EDX: what leaf 1 has too, SYSCALL NX MMXEXT FFXSR PDPE1GB LM. */
#define EXTENDED_EDX ((LEAF1_EDX & 0x0183f3ffu) | BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(29))
#define INVARIANT_TSC BIT(8)
#define ARAT BIT(2)
#define KVM_EOI BIT(6)

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Number of APIC-id bits that hold `count` vCPUs. */
static uint32_t id_bits(uint32_t count) {
    uint32_t bits = 0;
    while ((1u << bits) < count)
        bits++;
    return bits;
}

static struct cpuid leaf_1(const struct cpuid_guest *guest) {
    struct cpuid host = cpuid_host(1, 0);
    struct cpuid answer = {
        .eax = host.eax,
        .ebx = (host.ebx & 0xff00) | guest->vcpu << 24 | (guest->vcpu_count & 0xff) << 16,
        .ecx = (host.ecx & LEAF1_ECX) | LEAF1_X2APIC | LEAF1_TSC_DEADLINE | LEAF1_HYPERVISOR,
        .edx = (host.edx & LEAF1_EDX) | (guest->vcpu_count > 1 ? LEAF1_HTT : 0) |
               (guest->mtrr ? LEAF1_MTRR : 0),
    };
    if (guest->cr4 & CR4_OSXSAVE)
        answer.ecx |= LEAF1_OSXSAVE;
    return answer;
}

static struct cpuid leaf_7(uint32_t subleaf) {
    struct cpuid host = cpuid_host(7, 0);
    if (subleaf != 0)
        return (struct cpuid){ 0 };
    return (struct cpuid){ .ebx = (host.ebx & LEAF7_EBX) | LEAF7_TSC_ADJUST,
                           .ecx = host.ecx & LEAF7_ECX };
}

/* Extended topology: one thread a core, all vCPUs in one package. */
static struct cpuid leaf_b(const struct cpuid_guest *guest, uint32_t subleaf) {
    enum { LEVEL_THREAD = 1, LEVEL_CORE = 2 };
    struct cpuid answer = { .ecx = subleaf & 0xff, .edx = guest->vcpu };
    if (subleaf == 0) {
        answer.ebx = 1;
        answer.ecx |= LEVEL_THREAD << 8;
    } else if (subleaf == 1) {
        answer.eax = id_bits(guest->vcpu_count);
        answer.ebx = guest->vcpu_count;
        answer.ecx |= LEVEL_CORE << 8;
    }
    return answer;
}

uint64_t cpuid_xcr0(void) {
    return cpuid_host(0xd, 0).eax & XCR0_ALLOWED;
}

uint64_t cpuid_cr4(void) {
    struct cpuid one = cpuid_host(1, 0);
    struct cpuid seven = leaf_7(0);
    uint64_t allowed = 0x7ff;        /* VME to OSXMMEXCPT; MCE too, which OVMF sets unasked */
    allowed |= one.ecx & BIT(26) ? CR4_OSXSAVE : 0;
    allowed |= seven.ebx & BIT(0) ? BIT(16) : 0;
    allowed |= seven.ebx & BIT(7) ? CR4_SMEP : 0;
    allowed |= seven.ebx & BIT(20) ? CR4_SMAP : 0;
    allowed |= seven.ecx & BIT(2) ? BIT(11) : 0;
    return allowed;
}

unsigned cpuid_address_bits(void) {
    return cpuid_host(0x80000008, 0).eax & 0xff;
}

/* Bytes of a standard-format XSAVE area with these components (APM volume 2, 11.5.3). */
static uint32_t xsave_size(uint64_t components) {
    enum { LEGACY_AND_HEADER = 576, AVX = 4 };
    if (!(components & AVX))
        return LEGACY_AND_HEADER;
    struct cpuid avx = cpuid_host(0xd, 2);
    return avx.ebx + avx.eax;
}

static struct cpuid leaf_d(const struct cpuid_guest *guest, uint32_t subleaf) {
    uint64_t allowed = cpuid_xcr0();
    struct cpuid host = cpuid_host(0xd, subleaf);
    if (subleaf == 0)
        return (struct cpuid){ .eax = (uint32_t)allowed, .ebx = xsave_size(guest->xcr0),
                               .ecx = xsave_size(allowed) };
    if (subleaf == 1)
        return (struct cpuid){ .eax = host.eax & XSAVE_FORMS, .ebx = xsave_size(guest->xcr0) };
    if (subleaf == 2 && (allowed & 4))
        return (struct cpuid){ .eax = host.eax, .ebx = host.ebx };
    return (struct cpuid){ 0 };
}

static struct cpuid standard(const struct cpuid_guest *guest, uint32_t leaf, uint32_t subleaf) {
    enum { HIGHEST = 0x16 };
    struct cpuid answer = { 0 };
    switch (leaf) {
    case 0:
        answer = cpuid_host(0, 0);
        answer.eax = HIGHEST;
        return answer;
    case 1: return leaf_1(guest);
    case 6: answer.eax = ARAT; return answer;
    case 7: return leaf_7(subleaf);
    case 0xb: return leaf_b(guest, subleaf);
    case 0xd: return leaf_d(guest, subleaf);
    case 0x15:                       /* TSC = crystal * EBX / EAX */
        return (struct cpuid){ .eax = 1, .ebx = 1, .ecx = guest->tsc_khz * 1000u };
    case 0x16:
        answer.eax = answer.ebx = guest->tsc_khz / 1000u;
        return answer;
    default: return answer;
    }
}

/* "KVMKVMKVM" with one feature, the paravirtual EOI (cpu/eoi.c): what makes Linux use the x2APIC
 * without interrupt remapping and trust the TSC; leaf 0x40000010 tells the TSC's frequency in
 * kHz. */
static struct cpuid hypervisor(const struct cpuid_guest *guest, uint32_t leaf) {
    if (leaf == 0x40000000)
        return (struct cpuid){ 0x40000010, 0x4b4d564b, 0x564b4d56, 0x0000004d };
    if (leaf == 0x40000001)
        return (struct cpuid){ .eax = KVM_EOI };
    if (leaf == 0x40000010)
        return (struct cpuid){ .eax = guest->tsc_khz, .ebx = guest->tsc_khz };
    return (struct cpuid){ 0 };
}

static struct cpuid extended(const struct cpuid_guest *guest, uint32_t leaf) {
    struct cpuid host = cpuid_host(leaf, 0);
    switch (leaf) {
    case 0x80000000: host.eax = smaller(host.eax, 0x80000008); return host;
    case 0x80000001:
        return (struct cpuid){ .eax = host.eax, .ecx = host.ecx & EXTENDED_ECX,
                               .edx = (host.edx & EXTENDED_EDX) |
                                      (guest->mtrr ? LEAF1_MTRR : 0) };
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
    case 0x80000005:
    case 0x80000006: return host;
    case 0x80000007: return (struct cpuid){ .edx = INVARIANT_TSC };
    case 0x80000008:
        return (struct cpuid){ .eax = host.eax & 0xffff,
                               .ecx = (guest->vcpu_count - 1) | id_bits(guest->vcpu_count) << 12 };
    default: return (struct cpuid){ 0 };
    }
}

struct cpuid cpuid_answer(const struct cpuid_guest *guest, uint32_t leaf, uint32_t subleaf) {
    if (leaf < 0x40000000)
        return standard(guest, leaf, subleaf);
    if (leaf < 0x80000000)
        return hypervisor(guest, leaf);
    return extended(guest, leaf);
}
