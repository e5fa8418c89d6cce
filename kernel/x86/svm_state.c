/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state page and the control block; see svm_state.h. Section numbers are the APM volume 2's.
 */
#include "x86/svm_state.h"

enum {
    VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_AC = 17, VECTOR_MC = 18,
    EXCEPTIONS_ALWAYS = 1 << VECTOR_DB | 1 << VECTOR_AC | 1 << VECTOR_MC,
    INTERCEPT_CR = 1 << 8 | 1 << (16 + 4) | 1 << (16 + 8),  /* CR8; writes of CR4 */
    RFLAGS_ONE = 1 << 1,
    RFLAGS_DEFINED = 0x3f7fd5,      /* 3.1.6 */
    DR6_AT_RESET = 0xffff0ff0u,     /* table 14-1 */
    DR7_AT_RESET = 0x400,
    CR0_AT_RESET = 0x60000010,
    EFER_LME = 1 << 8,
    EFER_LMA = 1 << 10,
    EFER_SVME = 1 << 12,
};
#define CR0_PG (1ull << 31)
#define CR4_PAE (1ull << 5)
#define PAT_AT_RESET 0x0007040600070406ull

static const uint32_t intercept_misc1 =
    SVM_INTERCEPT_INTR | SVM_INTERCEPT_NMI | SVM_INTERCEPT_SMI | SVM_INTERCEPT_INIT |
    SVM_INTERCEPT_CR0_SELECTIVE | SVM_INTERCEPT_RDPMC | SVM_INTERCEPT_CPUID | SVM_INTERCEPT_RSM |
    SVM_INTERCEPT_INVD | SVM_INTERCEPT_HLT | SVM_INTERCEPT_INVLPGA | SVM_INTERCEPT_IO | SVM_INTERCEPT_MSR |
    SVM_INTERCEPT_SHUTDOWN;

static const uint32_t intercept_misc2 =
    SVM_INTERCEPT_VMRUN | SVM_INTERCEPT_VMMCALL | SVM_INTERCEPT_VMLOAD | SVM_INTERCEPT_VMSAVE |
    SVM_INTERCEPT_STGI | SVM_INTERCEPT_CLGI | SVM_INTERCEPT_SKINIT | SVM_INTERCEPT_ICEBP |
    SVM_INTERCEPT_WBINVD | SVM_INTERCEPT_MONITOR | SVM_INTERCEPT_MWAIT |
    SVM_INTERCEPT_MWAIT_ARMED | SVM_INTERCEPT_XSETBV | SVM_INTERCEPT_RDPRU;

/* One counted instruction a word in the emulator, one micro-operation stream on silicon. */
static inline void copy_words(volatile void *to, const volatile void *from, uint64_t count)
{
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) :: "memory");
}

void svm_state_reset(struct vmcb *vmcb)
{
    vmcb->save = (struct vmcb_save){
        .efer = EFER_SVME, .rflags = RFLAGS_ONE, .cr0 = CR0_AT_RESET,
        .dr6 = DR6_AT_RESET, .dr7 = DR7_AT_RESET, .pat = PAT_AT_RESET,
    };
    vmcb->control.intercept_cr = INTERCEPT_CR;
    vmcb->control.intercept_misc1 = intercept_misc1;
    vmcb->control.intercept_misc2 = intercept_misc2;
    vmcb->control.intercept_exceptions = EXCEPTIONS_ALWAYS;
    vmcb->control.virtual_interrupt = SVM_V_INTR_MASKING;
    vmcb->control.event_injection = 0;
    vmcb->control.exit_event = 0;
    vmcb->control.shadow = 0;
}

bool svm_event_allowed(uint64_t event)
{
    uint32_t vector = event & SVM_EVENT_VECTOR;
    bool known = false;

    if ((event & SVM_EVENT_VALID) == 0)
        return event == 0;
    switch (event & SVM_EVENT_TYPE) {
    case SVM_EVENT_INTERRUPT:
    case SVM_EVENT_SOFTWARE:
        known = true;
        break;
    case SVM_EVENT_NMI:
        known = vector == VECTOR_NMI;
        break;
    case SVM_EVENT_EXCEPTION:
        known = vector < 32 && vector != VECTOR_NMI;
        break;
    default:
        break;
    }
    return known && (event & SVM_EVENT_RESERVED) == 0;
}

uint64_t svm_event_again(uint64_t event)
{
    uint32_t vector = event & SVM_EVENT_VECTOR;
    uint32_t type = event & SVM_EVENT_TYPE;
    bool exception = type == SVM_EVENT_EXCEPTION;
    bool by_instruction = type == SVM_EVENT_SOFTWARE ||
                          (exception && (vector == VECTOR_BP || vector == VECTOR_OF));

    return by_instruction || !svm_event_allowed(event) ? 0 : event;
}

/* XSETBV's own rules (APM volume 2, 11.5.2): a part that needs another comes with it. */
bool svm_xcr0_allowed(uint64_t xcr0, uint64_t supported)
{
    const uint64_t x87 = 1, sse = 2, avx = 4, mpx = 0x18, avx512 = 0xe0;
    bool mpx_whole = (xcr0 & mpx) == 0 || (xcr0 & mpx) == mpx;
    bool avx512_whole = (xcr0 & avx512) == 0 || (xcr0 & avx512) == avx512;
    bool avx_based = (xcr0 & avx) == 0 || (xcr0 & sse) != 0;
    bool avx512_based = (xcr0 & avx512) == 0 || (xcr0 & avx) != 0;

    return (xcr0 & x87) != 0 && (xcr0 & ~supported) == 0 && mpx_whole && avx512_whole &&
           avx_based && avx512_based;
}

/* LME without PAE while paging is off is a state that VMRUN takes. But at the next exit the emulator
 * restores the host's CR0 under the guest's CR4 and EFER, finds no PAE for long mode, leaves paging
 * off, and the host is lost. So a guest can't get there: writes of CR4, EFER and CR0's paging bit
 * exit, and the VMM is refused it. */
bool svm_mode_allowed(uint64_t efer, uint64_t cr0, uint64_t cr4)
{
    return (efer & EFER_LME) == 0 || (cr0 & CR0_PG) != 0 || (cr4 & CR4_PAE) != 0;
}

enum bh_status svm_state_wishes(const volatile struct bh_vcpu_state *page, uint64_t xcr0_allowed,
                                struct svm_wishes *wishes)
{
    wishes->inject = page->inject;
    wishes->dirty = page->dirty;
    wishes->want = page->want;
    wishes->exceptions = page->exceptions & ~(1u << VECTOR_NMI);
    if (wishes->inject != 0 && !svm_event_allowed(wishes->inject))
        return BH_E_ARGUMENT;
    if (wishes->dirty & BH_STATE_CONTROL) {
        wishes->cr0 = page->cr0;
        wishes->cr4 = page->cr4;
        wishes->efer = page->efer;
        if (!svm_mode_allowed(wishes->efer, wishes->cr0, wishes->cr4))
            return BH_E_ARGUMENT;
    }
    if (wishes->dirty & BH_STATE_XCR0) {
        wishes->xcr0 = page->xcr0;
        if (!svm_xcr0_allowed(wishes->xcr0, xcr0_allowed))
            return BH_E_ARGUMENT;
    }
    return BH_OK;
}

static void load_requests(struct vmcb_control *control, const volatile struct bh_vcpu_state *page,
                          const struct svm_wishes *wishes)
{
    uint32_t misc1 = intercept_misc1;
    uint32_t virtual_interrupt = SVM_V_INTR_MASKING;

    if (wishes->want & BH_WANT_WINDOW) {
        misc1 |= SVM_INTERCEPT_VINTR;
        virtual_interrupt |= SVM_V_IRQ | SVM_V_IGNORE_TPR | SVM_V_PRIORITY_MAX;
    }
    if (wishes->want & BH_WANT_NMI_WINDOW)
        misc1 |= SVM_INTERCEPT_IRET;
    control->intercept_misc1 = misc1;
    control->virtual_interrupt = virtual_interrupt;
    control->intercept_exceptions = wishes->exceptions | EXCEPTIONS_ALWAYS;
    control->shadow = page->shadow & 1;
    control->event_injection = wishes->inject;
    control->exit_event = 0;
}

static void load_registers(struct vmcb_save *save, const volatile struct bh_vcpu_state *page)
{
    save->rax = page->gpr[BH_RAX];
    save->rsp = page->gpr[BH_RSP];
    save->rip = page->rip;
    save->rflags = (page->rflags & RFLAGS_DEFINED) | RFLAGS_ONE;
}

/* LMA follows LME and paging, as it always does in a CPU (14.8.1): VMRUN doesn't check it. */
static uint64_t guest_efer(uint64_t efer, uint64_t cr0)
{
    bool long_mode = (efer & EFER_LME) != 0 && (cr0 & CR0_PG) != 0;

    return (efer & ~(uint64_t)EFER_LMA) | EFER_SVME | (long_mode ? EFER_LMA : 0);
}

/* Values that VMRUN refuses (15.5.1) are left to it: they end in BH_EXIT_INVALID. */
static void load_control(struct vmcb_save *save, const volatile struct bh_vcpu_state *page,
                         const struct svm_wishes *wishes)
{
    save->cr0 = wishes->cr0;
    save->cr4 = wishes->cr4;
    save->efer = guest_efer(wishes->efer, wishes->cr0);
    save->cr2 = page->cr2;
    save->cr3 = page->cr3;
    save->dr6 = page->dr6;
    save->dr7 = page->dr7;
    save->cpl = page->cpl & 3;
}

void svm_state_load(struct vmcb *vmcb, volatile struct bh_vcpu_state *page,
                    const struct svm_wishes *wishes)
{
    struct vmcb_save *save = &vmcb->save;
    uint32_t dirty = wishes->dirty;

    load_requests(&vmcb->control, page, wishes);
    if (dirty == 0)
        return;
    page->dirty = 0;
    if (dirty & BH_STATE_RESET) {
        save->dr6 = DR6_AT_RESET;
        save->dr7 = DR7_AT_RESET;
    }
    if (dirty & BH_STATE_GPR)
        load_registers(save, page);
    if (dirty & BH_STATE_CONTROL)
        load_control(save, page, wishes);
    if (dirty & BH_STATE_SEGMENTS)
        copy_words(save->segment, page->segment, sizeof(save->segment) / 8);
    if (dirty & BH_STATE_MSR) {
        copy_words(save->msr, &page->star, VMCB_SAVED_MSRS);
        save->pat = page->pat;
    }
    if (dirty & BH_STATE_TSC)
        vmcb->control.tsc_offset = page->tsc_offset;
}

void svm_state_store(const struct vmcb *vmcb, volatile struct bh_vcpu_state *page)
{
    const struct vmcb_save *save = &vmcb->save;

    page->shadow = vmcb->control.shadow & 1;
    page->inject = vmcb->control.event_injection;
    page->gpr[BH_RAX] = save->rax;
    page->gpr[BH_RSP] = save->rsp;
    page->rip = save->rip;
    page->rflags = save->rflags;
    page->cr0 = save->cr0;
    page->cr2 = save->cr2;
    page->cr3 = save->cr3;
    page->cr4 = save->cr4;
    page->efer = save->efer & ~(uint64_t)EFER_SVME;
    page->dr6 = save->dr6;
    page->dr7 = save->dr7;
    page->cpl = save->cpl;
    copy_words(page->segment, save->segment, sizeof(save->segment) / 8);
    copy_words(&page->star, save->msr, VMCB_SAVED_MSRS);
}

static struct vcpu_leaving for_vmm(enum bh_exit exit, uint64_t info1, uint64_t info2)
{
    return (struct vcpu_leaving){ .kind = VCPU_FOR_VMM, .exit = exit,
                                  .info1 = info1, .info2 = info2 };
}

static struct vcpu_leaving decode_port(const struct vmcb_control *control)
{
    uint64_t info = control->exit_info1;
    bool plain_out = (info & (SVM_IO_IN | SVM_IO_STRING | SVM_IO_REPEAT)) == 0;

    return (struct vcpu_leaving){
        .kind = plain_out ? VCPU_PORT_WRITE : VCPU_FOR_VMM, .exit = BH_EXIT_PORT,
        .address = info >> SVM_IO_PORT_SHIFT & 0xffff, .info1 = info,
    };
}

/* A store by the program itself: not a fetch, not the guest's own table walk, and not the push of an
 * event in delivery, for which nobody could give a length. */
static struct vcpu_leaving decode_nested_fault(const struct vmcb_control *control)
{
    uint64_t info = control->exit_info1;
    bool store = (info & SVM_NESTED_WRITE) != 0 && (info & SVM_NESTED_FETCH) == 0 &&
                 (info & SVM_NESTED_FINAL) != 0 && (control->exit_event & SVM_EVENT_VALID) == 0;

    return (struct vcpu_leaving){
        .kind = store ? VCPU_PAGE_WRITE : VCPU_FOR_VMM, .exit = BH_EXIT_MEMORY,
        .address = control->exit_info2, .info1 = info, .info2 = control->exit_info2,
    };
}

static struct vcpu_leaving decode_range(uint32_t code, const struct vmcb_control *control)
{
    if (code <= SVM_EXIT_CR_LAST)
        return for_vmm(BH_EXIT_CR, code % SVM_EXIT_CR_WRITE, code / SVM_EXIT_CR_WRITE);
    if (code >= SVM_EXIT_EXCEPTION && code <= SVM_EXIT_EXCEPTION_LAST) {
        uint32_t vector = code - SVM_EXIT_EXCEPTION;
        bool page_fault = vector == 14;
        return for_vmm(BH_EXIT_EXCEPTION, vector,
                       page_fault ? control->exit_info2 : control->exit_info1);
    }
    return for_vmm(BH_EXIT_UNDEFINED, code, 0);
}

/* The emulator stores VMEXIT_INVALID as 00000000ffffffffh, hardware as -1: 32 bits are compared. */
struct vcpu_leaving svm_decode(const struct vmcb *vmcb)
{
    const struct vmcb_control *control = &vmcb->control;
    uint32_t code = (uint32_t)control->exit_code;

    switch (code) {
    case SVM_EXIT_INTR:
    case SVM_EXIT_NMI:
    case SVM_EXIT_SMI:
    case SVM_EXIT_INIT:
        return (struct vcpu_leaving){ .kind = VCPU_FOR_KERNEL };
    case SVM_EXIT_IO:
        return decode_port(control);
    case SVM_EXIT_NESTED_FAULT:
        return decode_nested_fault(control);
    case SVM_EXIT_CR0_SELECTIVE:
        return for_vmm(BH_EXIT_CR, 0, 1);
    case SVM_EXIT_VINTR:
        return for_vmm(BH_EXIT_WINDOW, 0, 0);
    case SVM_EXIT_IRET:
        return for_vmm(BH_EXIT_NMI_WINDOW, 0, 0);
    case SVM_EXIT_CPUID:
        return for_vmm(BH_EXIT_CPUID, 0, 0);
    case SVM_EXIT_MSR:
        return for_vmm(BH_EXIT_MSR, control->exit_info1 & 1, 0);
    case SVM_EXIT_HLT:
        return for_vmm(BH_EXIT_HLT, 0, 0);
    case SVM_EXIT_VMMCALL:
        return for_vmm(BH_EXIT_HYPERCALL, 0, 0);
    case SVM_EXIT_XSETBV:
        return for_vmm(BH_EXIT_XSETBV, 0, 0);
    case SVM_EXIT_INVD:
    case SVM_EXIT_WBINVD:
        return for_vmm(BH_EXIT_INVD, code == SVM_EXIT_WBINVD, 0);
    case SVM_EXIT_SHUTDOWN:
        return for_vmm(BH_EXIT_SHUTDOWN, 0, 0);
    case SVM_EXIT_INVALID:
        return for_vmm(BH_EXIT_INVALID, code, 0);
    default:
        return decode_range(code, control);
    }
}
