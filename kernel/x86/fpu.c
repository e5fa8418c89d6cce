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
#include "x86/fpu.h"

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
    NOBODY = OWNERS,
    DEBUG_ADDRESSES = 4,
    CPUID_XSAVE = 0xd,
    CPUID_ECX_XSAVE = 1 << 26,
    CR0_MP = 1 << 1,
    CR0_EM = 1 << 2,
    CR0_TS = 1 << 3,
    CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
    CR4_OSXSAVE = 1 << 18,
    XSAVE_FCW = 0,                           /* byte offsets in the area (11.5.3) */
    XSAVE_MXCSR = 24,
    XSAVE_HEADER_END = 576,
    FCW_AT_RESET = 0x37f,                    /* as FNINIT leaves it */
    MXCSR_AT_RESET = 0x1f80,
};
/* x87, SSE, AVX, MPX, AVX-512, PKRU: those whose state has room in a page. */
#define XCR0_KNOWN 0x2ffull

static uint8_t *area[OWNERS];
static uint64_t reset_wanted[OWNERS];
static uint64_t guest_xcr0[BH_MAX_VCPUS];
static uint64_t debug_address[BH_MAX_VCPUS][DEBUG_ADDRESSES];
static uint32_t owner[BH_MAX_CORES];
static uint32_t debug_owner[BH_MAX_CORES];   /* a vCPU, or BH_NONE */
static uint64_t host_xcr0;

static inline uint64_t xcr0_read(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static inline void xcr0_write(uint64_t value)
{
    __asm__ volatile("xsetbv" :: "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline void xsave(uint8_t *to)
{
    __asm__ volatile("xsave64 (%0)" :: "r"(to), "a"(~0u), "d"(~0u) : "memory");
}

static inline void xrstor(const uint8_t *from)
{
    __asm__ volatile("xrstor64 (%0)" :: "r"(from), "a"(~0u), "d"(~0u) : "memory");
}

static void debug_read(uint64_t address[DEBUG_ADDRESSES])
{
    __asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
                     : "=r"(address[0]), "=r"(address[1]), "=r"(address[2]), "=r"(address[3]));
}

static void debug_write(const uint64_t address[DEBUG_ADDRESSES])
{
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
                     :: "r"(address[0]), "r"(address[1]), "r"(address[2]), "r"(address[3]));
}

uint64_t fpu_supported(void)
{
    return host_xcr0;
}

void fpu_set_xcr0(uint32_t vcpu, uint64_t xcr0)
{
    guest_xcr0[vcpu] = xcr0;
}

/* The INIT state: XRSTOR takes every part whose bit in the header is clear as initial, but reads
 * MXCSR all the same. */
static void area_initialize(uint8_t *a)
{
    const uint32_t mxcsr = MXCSR_AT_RESET;
    const uint16_t fcw = FCW_AT_RESET;

    memset(a, 0, XSAVE_HEADER_END);
    memcpy(a + XSAVE_FCW, &fcw, sizeof(fcw));
    memcpy(a + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

static void area_take(uint32_t who)
{
    paddr_t page = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "FPU state");

    area[who] = physical_at(page, BH_PAGE_SIZE);
    area_initialize(area[who]);
}

void fpu_install(void)
{
    struct cpuid parts = cpuid(CPUID_XSAVE, 0);

    if ((cpuid(1, 0).ecx & CPUID_ECX_XSAVE) == 0)
        panic("this CPU has no XSAVE");
    host_xcr0 = ((uint64_t)parts.edx << 32 | parts.eax) & XCR0_KNOWN;
    for (uint32_t i = 0; i < plan_count(BH_TABLE_THREAD); i++)
        area_take(i);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_VCPU); i++) {
        area_take(BH_MAX_THREADS + i);
        guest_xcr0[i] = 1;
    }
    for (uint32_t i = 0; i < BH_MAX_CORES; i++) {
        owner[i] = NOBODY;
        debug_owner[i] = BH_NONE;
    }
}

void fpu_install_core(void)
{
    cr0_write((cr0_read() & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_MP);
    cr4_write(cr4_read() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE);
    xcr0_write(host_xcr0);
    if (cpuid(CPUID_XSAVE, 0).ebx > BH_PAGE_SIZE)
        panic("this CPU's FPU state takes %u bytes, more than a page", cpuid(CPUID_XSAVE, 0).ebx);
}

static bool is_vcpu(uint32_t who)
{
    return who >= BH_MAX_THREADS && who < OWNERS;
}

/* XCR0 is read back, not taken for what was loaded: a CPU that lets a guest change it by itself must
 * not make XSAVE leave parts out. What is about to be reset isn't saved any more. */
static void save_owner(uint32_t core)
{
    uint32_t who = owner[core];
    uint64_t xcr0 = xcr0_read();

    owner[core] = NOBODY;
    if (xcr0 != host_xcr0)
        xcr0_write(host_xcr0);
    if (who == NOBODY || reset_wanted[who] != 0)
        return;
    xsave(area[who]);
    if (is_vcpu(who))
        guest_xcr0[who - BH_MAX_THREADS] = xcr0;
}

static void save_debug(uint32_t core)
{
    if (debug_owner[core] != BH_NONE)
        debug_read(debug_address[debug_owner[core]]);
    debug_owner[core] = BH_NONE;
}

/* The slow part of a reset, on the core that is going to run `who`. */
static void reset_now(uint32_t core, uint32_t who)
{
    atomic_store(&reset_wanted[who], 0);
    area_initialize(area[who]);
    if (!is_vcpu(who))
        return;
    if (debug_owner[core] == who - BH_MAX_THREADS)
        debug_owner[core] = BH_NONE;
    memset(debug_address[who - BH_MAX_THREADS], 0, sizeof(debug_address[0]));
}

static void take_over(uint32_t core, uint32_t who)
{
    if (plan_control(BH_PLAN_CONTROL_NO_FPU_SWITCH))
        return;
    save_owner(core);
    if (reset_wanted[who] != 0)
        reset_now(core, who);
    xrstor(area[who]);
    owner[core] = who;
}

void fpu_use_thread(uint32_t thread)
{
    uint32_t core = core_this();

    if (owner[core] != thread || reset_wanted[thread] != 0)
        take_over(core, thread);
}

void fpu_use_vcpu(uint32_t vcpu)
{
    uint32_t core = core_this();
    uint32_t who = BH_MAX_THREADS + vcpu;

    if (owner[core] == who && reset_wanted[who] == 0)
        return;
    take_over(core, who);
    if (owner[core] != who)
        return;
    if (debug_owner[core] != vcpu) {
        save_debug(core);
        debug_write(debug_address[vcpu]);
        debug_owner[core] = vcpu;
    }
    if (guest_xcr0[vcpu] != host_xcr0)
        xcr0_write(guest_xcr0[vcpu]);
}

void fpu_reset_thread(uint32_t thread)
{
    atomic_store(&reset_wanted[thread], 1);
}

void fpu_reset_vcpu(uint32_t vcpu)
{
    guest_xcr0[vcpu] = 1;
    atomic_store(&reset_wanted[BH_MAX_THREADS + vcpu], 1);
}

void fpu_release(void)
{
    uint32_t core = core_this();

    save_owner(core);
    save_debug(core);
}
