/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns a core's FPU, SSE, AVX and PKRU registers (XSAVE, APM volume 2, 11.5), XCR0 and debug
 * registers DR0 to DR3. The state is switched whenever the owner changes, never on demand by a trap:
 * nobody ever runs on a core with another's values in its registers.
 *
 * Each owner's area is written by the core that last ran it, and by none after fpu_release() there; a
 * reset from another core only sets a flag, which the owner's own core acts on at the next use. DR6
 * and DR7 are in the guest's control block; DR0 to DR3 change guests lazily, as ring 3 can't see them.
 */
#include "x86/svm_state.h"

#include "core/atomic.h"
#include "core/boot_memory.h"
#include "core/core.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/string.h"
#include "core/vcpu.h"
#include "x86/cpu.h"

enum {
    OWNERS = BH_MAX_THREADS + BH_MAX_VCPUS,  /* threads first, then vCPUs */
    DEBUG_ADDRESSES = 4,
    CPUID_XSAVE = 0xd, CPUID_ECX_XSAVE = 1 << 26,
    CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3,
    CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_OSXSAVE = 1 << 18,
    MXCSR_AT_RESET = 0x1f80, XCR0_AT_RESET = 1,   /* the rest is as the header says */
};
/* x87, SSE, AVX, MPX, AVX-512, PKRU: those whose state has room in a page. */
#define XCR0_KNOWN 0x2ffull

/* XSAVE's standard form (11.5.3): the header says which parts aren't in their initial state. */
struct fpu_area {
    uint8_t  reserved0[24];
    uint32_t mxcsr;                          /* read by XRSTOR whatever the header says */
    uint8_t  reserved1[484];
    uint64_t header[8];
    uint8_t  extended[BH_PAGE_SIZE - 576];
};
_Static_assert(offsetof(struct fpu_area, mxcsr) == 24, "XSAVE area");
_Static_assert(offsetof(struct fpu_area, header) == 512, "XSAVE area");

struct fpu_state {
    _Alignas(64) struct fpu_area *area;      /* a cache line each */
    uint64_t reset_wanted;                   /* 1: to be initialized instead of saved or loaded */
    uint64_t xcr0;
    uint64_t debug_address[DEBUG_ADDRESSES]; /* DR0 to DR3, of vCPUs */
};

static struct fpu_state states[OWNERS];
static struct fpu_state *owner[BH_MAX_CORES];        /* whose values the registers hold; 0: nobody's */
static struct fpu_state *debug_owner[BH_MAX_CORES];  /* a vCPU's, or 0 */
uint64_t fpu_xcr0;

static inline uint64_t xcr0_read(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static inline void xcr0_write(uint64_t value) {
    __asm__ volatile("xsetbv" :: "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline void xsave(struct fpu_area *to) {
    __asm__ volatile("xsave64 (%0)" :: "r"(to), "a"(~0u), "d"(~0u) : "memory");
}

static inline void xrstor(const struct fpu_area *from) {
    __asm__ volatile("xrstor64 (%0)" :: "r"(from), "a"(~0u), "d"(~0u) : "memory");
}

static void debug_read(uint64_t address[DEBUG_ADDRESSES]) {
    __asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
                     : "=r"(address[0]), "=r"(address[1]), "=r"(address[2]), "=r"(address[3]));
}

static void debug_write(const uint64_t address[DEBUG_ADDRESSES]) {
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
                     :: "r"(address[0]), "r"(address[1]), "r"(address[2]), "r"(address[3]));
}

static struct fpu_state *vcpu_state(uint32_t vcpu) { return &states[BH_MAX_THREADS + vcpu]; }

void fpu_set_xcr0(uint32_t vcpu, uint64_t xcr0) { vcpu_state(vcpu)->xcr0 = xcr0; }

static void state_install(struct fpu_state *s, uint64_t xcr0) {
    s->area = physical_at(boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "FPU state"), BH_PAGE_SIZE);
    s->xcr0 = xcr0;
    s->reset_wanted = 1;
}

void fpu_install(void) {
    struct cpuid parts = cpuid(CPUID_XSAVE, 0);

    if ((cpuid(1, 0).ecx & CPUID_ECX_XSAVE) == 0)
        panic("this CPU has no XSAVE");
    fpu_xcr0 = ((uint64_t)parts.edx << 32 | parts.eax) & XCR0_KNOWN;
    for (uint32_t i = 0; i < plan_count(BH_TABLE_THREAD); i++)
        state_install(&states[i], fpu_xcr0);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_VCPU); i++)
        state_install(vcpu_state(i), XCR0_AT_RESET);
}

void fpu_install_core(void) {
    cr0_write((cr0_read() & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_MP);
    cr4_write(cr4_read() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE);
    xcr0_write(fpu_xcr0);
    if (cpuid(CPUID_XSAVE, 0).ebx > BH_PAGE_SIZE)
        panic("this CPU's FPU state takes %u bytes, more than a page", cpuid(CPUID_XSAVE, 0).ebx);
}

/* A guest's XCR0 is read back, not taken for what was loaded: a CPU that lets a guest change it by
 * itself must not make XSAVE leave parts out. */
static void save_xcr0(struct fpu_state *s) {
    uint64_t xcr0 = xcr0_read();

    if (xcr0 != fpu_xcr0)
        xcr0_write(fpu_xcr0);
    if (s->reset_wanted == 0)
        s->xcr0 = xcr0;
}

/* What is about to be reset isn't saved any more. */
static void save_owner(uint32_t core) {
    struct fpu_state *s = owner[core];

    owner[core] = 0;
    if (s >= vcpu_state(0))
        save_xcr0(s);
    if (s != 0 && s->reset_wanted == 0)
        xsave(s->area);
}

static void save_debug(uint32_t core) {
    if (debug_owner[core] != 0)
        debug_read(debug_owner[core]->debug_address);
    debug_owner[core] = 0;
}

/* The slow part of a reset, on the core that is going to run it. Answers the state, so that the way
 * past it holds nothing across a call. */
static __attribute__((noinline)) struct fpu_state *reset_now(uint32_t core, struct fpu_state *s) {
    atomic_store(&s->reset_wanted, 0);
    *s->area = (struct fpu_area){ .mxcsr = MXCSR_AT_RESET };
    if (debug_owner[core] == s)
        debug_owner[core] = 0;
    memset(s->debug_address, 0, sizeof(s->debug_address));
    return s;
}

static void take_over(uint32_t core, struct fpu_state *s) {
    bool has_it = owner[core] == s && s->reset_wanted == 0;

    if (has_it || plan_control(BH_PLAN_CONTROL_NO_FPU_SWITCH))
        return;
    save_owner(core);
    owner[core] = s;
    if (s->reset_wanted != 0)
        s = reset_now(core, s);
    xrstor(s->area);
    if (s >= vcpu_state(0) && s->xcr0 != fpu_xcr0)
        xcr0_write(s->xcr0);
}

static void debug_take_over(uint32_t core, struct fpu_state *s) {
    if (debug_owner[core] == s || plan_control(BH_PLAN_CONTROL_NO_FPU_SWITCH))
        return;
    save_debug(core);
    debug_write(s->debug_address);
    debug_owner[core] = s;
}

void fpu_use_thread(uint32_t thread) { take_over(core_this(), &states[thread]); }

void fpu_use_vcpu(uint32_t vcpu) {
    take_over(core_this(), vcpu_state(vcpu));
    debug_take_over(core_this(), vcpu_state(vcpu));
}

void fpu_reset_thread(uint32_t thread) { atomic_store(&states[thread].reset_wanted, 1); }

void fpu_reset_vcpu(uint32_t vcpu) {
    vcpu_state(vcpu)->xcr0 = XCR0_AT_RESET;
    atomic_store(&vcpu_state(vcpu)->reset_wanted, 1);
}

void fpu_release(void) {
    uint32_t core = core_this();

    save_owner(core);
    save_debug(core);
}
