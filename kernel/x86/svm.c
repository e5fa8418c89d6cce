/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD's virtualization (APM volume 2, chapter 15): control blocks, permission maps, ASIDs, entries.
 * Trusts the plan and the tables that core/space.c built; a guest and its VMM may be hostile.
 *
 * TLB: guest translations are tagged with an ASID. There are fewer ASIDs than a plan may have vCPUs,
 * so vCPU v uses ASID 1 + v % asid_count, and a core flushes it when the vCPU isn't the one that
 * last ran under it there, or when core/vcpu.c says that what the core holds of it is stale.
 */
#include "core/boot_memory.h"
#include "core/core.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/string.h"
#include "core/vcpu.h"
#include "x86/cpu.h"
#include "x86/svm_state.h"

enum {
    MSR_VM_HSAVE_PA = 0xc0010117, EFER_SVME = 1 << 12, NESTED_PAGING = 1 << 0,
    CPUID_EXTENDED_MAX = 0x80000000, CPUID_EXTENDED_FEATURES = 0x80000001, CPUID_SVM = 0x8000000a,
    CPUID_ECX_SVM = 1 << 2, CPUID_EDX_NESTED_PAGING = 1 << 0, CPUID_EDX_FLUSH_BY_ASID = 1 << 6,
    IO_MAP_SIZE = 3 * BH_PAGE_SIZE,        /* 15.10.1 */
    MSR_MAP_SIZE = 2 * BH_PAGE_SIZE,       /* 15.11 */
    MSRS_A_RANGE = 0x2000, MSRS_A_BYTE = 4,   /* two bits each: read, write */
    VECTOR_MC = 18, LONGEST_INSTRUCTION = 15,
    ASIDS_MOST = BH_MAX_VCPUS,             /* that guests use: 1 .. ASIDS_MOST */
};

struct svm_vcpu {
    struct vmcb *vmcb;
    volatile struct bh_vcpu_state *page;
    paddr_t  address;                      /* of vmcb */
    uint32_t asid;
};

static struct svm_vcpu svm_vcpus[BH_MAX_VCPUS];
static uint32_t asid_count;
static uint32_t asid_vcpu[BH_MAX_CORES][ASIDS_MOST];  /* who last used it there */
static paddr_t host_state[BH_MAX_CORES];   /* a page for VMSAVE, and one for VMRUN itself */
static paddr_t io_map, msr_map;
static enum svm_tlb_control tlb_flush;

void svm_run(volatile uint64_t gpr[BH_GPR_COUNT], paddr_t vmcb, paddr_t host);

/* MSRs that the control block switches, so that the guest may use them directly. */
static const uint32_t guest_msrs[] = {
    0x174, 0x175, 0x176,                                    /* SYSENTER_* */
    MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS,
};

/* 15.11: 0.. in the first 2 KiB, c0000000.. in the second. A clear bit lets the guest have it. */
static void msr_map_allow(uint8_t *map, uint32_t msr) {
    uint32_t range = msr >= 0xc0000000u ? 1 : 0;
    uint32_t index = range * MSRS_A_RANGE + msr % MSRS_A_RANGE;

    map[index / MSRS_A_BYTE] &= (uint8_t)~(3u << 2 * (index % MSRS_A_BYTE));
}

static paddr_t map_of_ones(uint64_t size, const char *what) {
    paddr_t map = boot_memory_take(size, BH_PAGE_SIZE, what);

    memset(physical_at(map, size), 0xff, size);
    return map;
}

static void svm_require(void) {
    struct cpuid svm = cpuid(CPUID_SVM, 0);

    if (cpuid(CPUID_EXTENDED_MAX, 0).eax < CPUID_SVM ||
        (cpuid(CPUID_EXTENDED_FEATURES, 0).ecx & CPUID_ECX_SVM) == 0)
        panic("the plan has vCPUs, but this CPU offers no SVM");
    if ((svm.edx & CPUID_EDX_NESTED_PAGING) == 0 || svm.ebx < 2)
        panic("the plan has vCPUs, but this CPU's SVM has no nested paging, or no ASIDs");
    asid_count = svm.ebx - 1 < ASIDS_MOST ? svm.ebx - 1 : ASIDS_MOST;
    tlb_flush = svm.edx & CPUID_EDX_FLUSH_BY_ASID ? SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL;
}

void vcpu_arch_install(void) {
    uint8_t *map;

    svm_require();
    io_map = map_of_ones(IO_MAP_SIZE, "the guests' port map");
    msr_map = map_of_ones(MSR_MAP_SIZE, "the guests' MSR map");
    map = physical_at(msr_map, MSR_MAP_SIZE);
    for (uint32_t i = 0; i < sizeof(guest_msrs) / sizeof(guest_msrs[0]); i++)
        msr_map_allow(map, guest_msrs[i]);
    for (uint32_t core = 0; core < plan_header()->cores; core++) {
        host_state[core] = boot_memory_take(2 * BH_PAGE_SIZE, BH_PAGE_SIZE, "a core's host state");
        for (uint32_t i = 0; i < ASIDS_MOST; i++)
            asid_vcpu[core][i] = BH_NONE;
    }
}

void vcpu_arch_install_core(void) {
    paddr_t state = host_state[core_this()];

    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SVME);
    msr_write(MSR_VM_HSAVE_PA, paddr_add(state, BH_PAGE_SIZE).value);
    __asm__ volatile("vmsave" :: "a"(state.value) : "memory");
}

void vcpu_arch_create(uint32_t vcpu, uint32_t space, paddr_t state_page) {
    struct svm_vcpu *v = &svm_vcpus[vcpu];
    struct vmcb_control *control;

    v->address = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "a vCPU's control block");
    v->vmcb = physical_at(v->address, BH_PAGE_SIZE);
    v->page = physical_at(state_page, BH_PAGE_SIZE);
    v->asid = 1 + vcpu % asid_count;
    control = &v->vmcb->control;
    control->io_map = io_map.value;
    control->msr_map = msr_map.value;
    control->asid = v->asid;
    control->nested_control = NESTED_PAGING;
    control->nested_root = space_root(space).value;
    vcpu_arch_reset(vcpu);
}

void vcpu_arch_reset(uint32_t vcpu) {
    svm_vcpus[vcpu].vmcb->control.tsc_offset = 0;
    svm_state_reset(svm_vcpus[vcpu].vmcb);
    fpu_reset_vcpu(vcpu);
}

enum bh_status vcpu_arch_load(uint32_t vcpu) {
    const struct svm_vcpu *v = &svm_vcpus[vcpu];
    uint32_t dirty = v->page->dirty;
    uint64_t xcr0 = v->page->xcr0;

    if ((dirty & BH_STATE_XCR0) != 0 && !xcr0_allowed(xcr0, fpu_xcr0))
        return BH_E_ARGUMENT;
    if (svm_state_take(v->vmcb, v->page, dirty) != BH_OK)
        return BH_E_ARGUMENT;
    if (dirty != 0)
        v->page->dirty = 0;
    if (dirty & BH_STATE_RESET)
        fpu_reset_vcpu(vcpu);
    if (dirty & BH_STATE_XCR0)
        fpu_set_xcr0(vcpu, xcr0);
    return BH_OK;
}

void vcpu_arch_store(uint32_t vcpu, enum bh_exit exit) {
    svm_state_give(svm_vcpus[vcpu].vmcb, svm_vcpus[vcpu].page, exit);
}

/* Did VMRUN refuse at once, in the way of the emulator, which then stores the host's registers where
 * the guest's belong? They must not reach the page, so the guest starts again from its reset state. */
static bool stored_host(const struct svm_vcpu *v) {
    return v->vmcb->save.rax == v->address.value && v->vmcb->save.cr3 == cr3_read();
}

static void choose_flush(struct svm_vcpu *v, uint32_t vcpu, uint32_t core, bool stale) {
    struct vmcb_control *control = &v->vmcb->control;
    uint32_t *last = &asid_vcpu[core][v->asid - 1];
    bool flush = stale || control->flush_wanted != 0 || *last != vcpu;

    control->tlb_control = flush ? tlb_flush : SVM_TLB_KEEP;
    control->flush_wanted = 0;
    *last = vcpu;
}

void vcpu_arch_run(uint32_t vcpu, uint32_t core, bool flush, struct vcpu_leaving *leaving) {
    struct svm_vcpu *v = &svm_vcpus[vcpu];
    struct vmcb_control *control = &v->vmcb->control;

    choose_flush(v, vcpu, core, flush);
    svm_run(v->page->gpr, v->address, host_state[core]);
    control->event_injection = 0;
    svm_decode(v->vmcb, leaving);
    if (leaving->exit == BH_EXIT_EXCEPTION + VECTOR_MC)   /* the host's: to the host's handler */
        __asm__ volatile("int %0" :: "i"(VECTOR_MC));
    svm_deliver_later(v->vmcb, leaving);
    if (leaving->exit == BH_EXIT_INVALID && stored_host(v))
        svm_state_reset(v->vmcb);
}

/* Behind the store at RIP; 0: unknown. The VMM says how long its guest's store is; a lie moves
 * nobody but that guest. */
static uint64_t behind_store(const volatile struct bh_vcpu_state *page, uint64_t rip) {
    for (uint32_t i = 0; i < BH_VCPU_HINTS; i++)
        if (page->hint[i].rip == rip) {
            uint32_t length = page->hint[i].length;
            return length > 0 && length <= LONGEST_INSTRUCTION ? rip + length : 0;
        }
    return 0;
}

bool vcpu_arch_skip(uint32_t vcpu, enum vcpu_leaving_kind kind) {
    struct vmcb *vmcb = svm_vcpus[vcpu].vmcb;
    uint64_t next = kind == VCPU_PORT_WRITE ? vmcb->control.exit_info2 :   /* 15.10.2 */
                    behind_store(svm_vcpus[vcpu].page, vmcb->save.rip);

    if (next == 0)
        return false;
    vmcb->save.rip = next;
    vmcb->control.shadow = 0;
    return true;
}
