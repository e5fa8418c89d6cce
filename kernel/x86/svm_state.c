/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state page and the control block; see svm_state.h. Section numbers are the APM volume 2's.
 */
#include "x86/svm_state.h"

enum {
    VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_PF = 14,
    VECTOR_AC = 17, VECTOR_MC = 18, EXCEPTION_VECTORS = 32,
    VIRTUAL_INTERRUPT = SVM_V_IRQ | SVM_V_IGNORE_TPR | SVM_V_PRIORITY_MAX,
    EXCEPTIONS_ALWAYS = 1 << VECTOR_DB | 1 << VECTOR_AC | 1 << VECTOR_MC,
    INTERCEPT_CR = 1 << 8 | 1 << (16 + 4) | 1 << (16 + 8),  /* CR8; writes of CR4 */
    RFLAGS_ONE = 1 << 1, RFLAGS_DEFINED = 0x3f7fd5,                           /* 3.1.6 */
    DR6_AT_RESET = 0xffff0ff0u, DR7_AT_RESET = 0x400, CR0_AT_RESET = 0x60000010, /* table 14-1 */
    EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_SVME = 1 << 12,
};
#define CR0_PG (1ull << 31)
#define CR4_PAE (1ull << 5)
#define CR4_MCE (1ull << 6)
#define PAT_AT_RESET 0x0007040600070406ull

static const uint32_t intercept_misc1 =
    SVM_INTERCEPT_INTR | SVM_INTERCEPT_NMI | SVM_INTERCEPT_SMI | SVM_INTERCEPT_INIT |
    SVM_INTERCEPT_CR0_SELECTIVE | SVM_INTERCEPT_RDPMC | SVM_INTERCEPT_CPUID | SVM_INTERCEPT_RSM |
    SVM_INTERCEPT_INVD | SVM_INTERCEPT_HLT | SVM_INTERCEPT_INVLPGA | SVM_INTERCEPT_IO |
    SVM_INTERCEPT_MSR | SVM_INTERCEPT_SHUTDOWN;

/* One counted instruction a word in the emulator, one micro-operation stream on silicon. */
static inline void copy_words(volatile void *to, const volatile void *from, uint64_t count) {
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) :: "memory");
}

void svm_state_reset(struct vmcb *vmcb) {
    vmcb->save = (struct vmcb_save){
        .efer = EFER_SVME, .rflags = RFLAGS_ONE, .cr0 = CR0_AT_RESET,
        .dr6 = DR6_AT_RESET, .dr7 = DR7_AT_RESET, .pat = PAT_AT_RESET,
    };
    vmcb->control.intercept_cr = INTERCEPT_CR;
    vmcb->control.intercept_misc2 = SVM_INTERCEPT_INSTRUCTIONS & ~SVM_INTERCEPT_RDTSCP;
}

bool svm_event_allowed(uint64_t event) {
    uint32_t vector = event & SVM_EVENT_VECTOR;
    uint32_t type = event & SVM_EVENT_TYPE;
    bool known = type == SVM_EVENT_INTERRUPT || type == SVM_EVENT_SOFTWARE ||
                 (type == SVM_EVENT_NMI && vector == VECTOR_NMI) ||
                 (type == SVM_EVENT_EXCEPTION && vector < EXCEPTION_VECTORS && vector != VECTOR_NMI);
    bool whole = (event & SVM_EVENT_VALID) != 0 && (event & SVM_EVENT_RESERVED) == 0;

    return event == 0 || (known && whole);
}

uint64_t svm_event_again(uint64_t event) {
    uint32_t vector = event & SVM_EVENT_VECTOR;
    uint32_t type = event & SVM_EVENT_TYPE;
    bool exception = type == SVM_EVENT_EXCEPTION;
    bool by_instruction = type == SVM_EVENT_SOFTWARE ||
                          (exception && (vector == VECTOR_BP || vector == VECTOR_OF));

    if ((event & SVM_EVENT_VALID) != 0 && exception && vector >= EXCEPTION_VECTORS)
        return SVM_EVENT_VALID | SVM_EVENT_INTERRUPT | vector;
    return by_instruction || !svm_event_allowed(event) ? 0 : event;
}

/* LME without PAE while paging is off is a state that VMRUN takes. But at the next exit the emulator
 * restores the host's CR0 under the guest's CR4 and EFER, finds no PAE for long mode, leaves paging
 * off, and the host is lost. So a guest can't get there: writes of CR4, EFER and CR0's paging bit
 * exit, and the VMM is refused it. */
static bool mode_allowed(uint64_t efer, uint64_t cr0, uint64_t cr4) {
    return (efer & EFER_LME) == 0 || (cr0 & CR0_PG) != 0 || (cr4 & CR4_PAE) != 0;
}

static bool is_interrupt(uint64_t event) {
    return (event & SVM_EVENT_VALID) != 0 && (event & SVM_EVENT_TYPE) == SVM_EVENT_INTERRUPT;
}

/* Interrupts go in as virtual ones (15.21.4), all else by EVENTINJ: the emulator sometimes delivers
 * an interrupt of EVENTINJ a second time, as an exception. */
static void deliver(struct vmcb_control *control, uint64_t event) {
    control->event_injection = is_interrupt(event) ? 0 : event;
    if (!is_interrupt(event))
        return;
    control->intercept_misc1 &= ~SVM_INTERCEPT_VINTR;
    control->virtual_interrupt = SVM_V_INTR_MASKING | VIRTUAL_INTERRUPT;
    control->virtual_vector = event & SVM_EVENT_VECTOR;
}

/* A virtual interrupt that the guest didn't take yet; with the intercept it is only a window. */
static uint64_t undelivered(const struct vmcb_control *control) {
    bool window = (control->intercept_misc1 & SVM_INTERCEPT_VINTR) != 0;
    bool pending = (control->virtual_interrupt & SVM_V_IRQ) != 0;

    return pending && !window ? SVM_EVENT_VALID | SVM_EVENT_INTERRUPT | control->virtual_vector : 0;
}

static void take_requests(struct vmcb_control *control, uint32_t want, uint32_t exceptions) {
    bool window = (want & BH_WANT_WINDOW) != 0;

    control->intercept_misc1 = intercept_misc1 | (window ? SVM_INTERCEPT_VINTR : 0) |
                               (want & BH_WANT_NMI_WINDOW ? SVM_INTERCEPT_IRET : 0);
    control->virtual_interrupt = SVM_V_INTR_MASKING | (window ? VIRTUAL_INTERRUPT : 0);
    control->exceptions_wanted = exceptions;
    control->intercept_exceptions = (exceptions & ~(1u << VECTOR_NMI)) | EXCEPTIONS_ALWAYS;
}

static void take_registers(struct vmcb_save *save, const volatile struct bh_vcpu_state *page) {
    save->rax = page->gpr[BH_RAX];
    save->rsp = page->gpr[BH_RSP];
    save->rip = page->rip;
    save->rflags = (page->rflags & RFLAGS_DEFINED) | RFLAGS_ONE;
}

/* LMA follows LME and paging, as it always does in a CPU (14.8.1): VMRUN doesn't check it. */
static uint64_t guest_efer(uint64_t efer, uint64_t cr0) {
    bool long_mode = (efer & EFER_LME) != 0 && (cr0 & CR0_PG) != 0;

    return (efer & ~(uint64_t)EFER_LMA) | EFER_SVME | (long_mode ? EFER_LMA : 0);
}

/* Values that VMRUN refuses (15.5.1) are left to it: they end in BH_EXIT_INVALID. */
static enum bh_status take_control(struct vmcb *vmcb, const volatile struct bh_vcpu_state *page) {
    struct vmcb_save *save = &vmcb->save;
    uint64_t cr0 = page->cr0, cr4 = page->cr4, efer = page->efer;

    if (!mode_allowed(efer, cr0, cr4))
        return BH_E_ARGUMENT;
    save->cr0 = cr0;
    save->cr4 = cr4 | CR4_MCE;         /* without it a machine check is a shutdown (15.12.19) */
    save->efer = guest_efer(efer, cr0);
    save->cr2 = page->cr2;
    save->cr3 = page->cr3;
    save->dr6 = page->dr6;
    save->dr7 = page->dr7;
    save->cpl = page->cpl & 3;
    vmcb->control.flush_wanted = 1;
    return BH_OK;
}

static void take_rest(struct vmcb *vmcb, const volatile struct bh_vcpu_state *page,
                      uint32_t dirty) {
    struct vmcb_save *save = &vmcb->save;

    if ((dirty & BH_STATE_RESET) != 0 && (dirty & BH_STATE_CONTROL) == 0) {
        save->dr6 = DR6_AT_RESET;
        save->dr7 = DR7_AT_RESET;
    }
    if (dirty & BH_STATE_SEGMENTS)
        copy_words(save->segment, page->segment, sizeof(save->segment) / 8);
    if (dirty & BH_STATE_MSR) {
        copy_words(save->msr, &page->star, VMCB_SAVED_MSRS);
        save->pat = page->pat;
    }
    if (dirty & BH_STATE_TSC)
        vmcb->control.tsc_offset = page->tsc_offset;
}

enum bh_status svm_state_take(struct vmcb *vmcb, volatile struct bh_vcpu_state *page,
                              uint32_t dirty) {
    struct vmcb_control *control = &vmcb->control;
    uint64_t inject = page->inject;

    if (inject != 0 && !svm_event_allowed(inject))
        return BH_E_ARGUMENT;
    if ((dirty & BH_STATE_CONTROL) != 0 && take_control(vmcb, page) != BH_OK)
        return BH_E_ARGUMENT;
    take_requests(control, page->want, page->exceptions);
    control->shadow = page->shadow & 1;
    deliver(control, inject);
    control->exit_event = 0;
    if (dirty & BH_STATE_GPR)
        take_registers(&vmcb->save, page);
    if (dirty & ~(uint32_t)(BH_STATE_GPR | BH_STATE_CONTROL))
        take_rest(vmcb, page, dirty);
    return BH_OK;
}

void svm_state_give(const struct vmcb *vmcb, volatile struct bh_vcpu_state *page,
                    enum bh_exit exit) {
    const struct vmcb_control *control = &vmcb->control;
    const struct vmcb_save *save = &vmcb->save;
    uint64_t interrupt = undelivered(control);

    page->exit = exit;
    page->shadow = control->shadow & 1;
    page->info1 = control->exit_info1;
    page->info2 = control->exit_info2;
    page->next_rip = exit == BH_EXIT_PORT ? control->exit_info2 : control->next_rip;
    page->fetched = 0;
    page->inject = interrupt != 0 ? interrupt : control->event_injection;
    page->pending_event = interrupt != 0 && control->event_injection != 0
                              ? control->event_injection : control->exit_event;
    page->gpr[BH_RAX] = save->rax;
    page->gpr[BH_RSP] = save->rsp;
    copy_words(&page->cr4, &save->cr4, VMCB_CONTROL_WORDS);
    page->cr2 = save->cr2;
    page->efer = save->efer & ~(uint64_t)EFER_SVME;
    page->cpl = save->cpl;
    copy_words(page->segment, save->segment, sizeof(save->segment) / 8);
    if (exit == BH_EXIT_MSR)
        copy_words(&page->star, save->msr, VMCB_SAVED_MSRS);
}

/* A store by the program itself: not a fetch, not the guest's own table walk, and not the push of an
 * event in delivery, for which nobody could give a length. */
static bool is_store(const struct vmcb_control *control) {
    uint64_t info = control->exit_info1;

    return (info & SVM_NESTED_WRITE) != 0 && (info & SVM_NESTED_FETCH) == 0 &&
           (info & SVM_NESTED_FINAL) != 0 && (control->exit_event & SVM_EVENT_VALID) == 0;
}

/* The emulator stores VMEXIT_INVALID as 00000000ffffffffh, hardware as -1: 32 bits are compared. */
void svm_decode(const struct vmcb *vmcb, struct vcpu_leaving *leaving) {
    const struct vmcb_control *control = &vmcb->control;
    uint32_t code = (uint32_t)control->exit_code;
    bool physical = (code >= BH_EXIT_EVENT && code <= SVM_EXIT_PHYSICAL_LAST) ||
                    code == BH_EXIT_EXCEPTION + VECTOR_MC;
    uint64_t not_out = SVM_IO_IN | SVM_IO_STRING | SVM_IO_REPEAT;

    *leaving = (struct vcpu_leaving){
        .kind = physical ? VCPU_FOR_KERNEL : VCPU_FOR_VMM, .exit = code,
        .halts = code == BH_EXIT_HLT && (control->virtual_interrupt & SVM_V_IRQ) == 0 };
    if (code == BH_EXIT_PORT && (control->exit_info1 & not_out) == 0) {
        leaving->kind = VCPU_PORT_WRITE;
        leaving->address = control->exit_info1 >> SVM_IO_PORT_SHIFT & 0xffff;
    } else if (code == BH_EXIT_MEMORY && is_store(control)) {
        leaving->kind = VCPU_PAGE_WRITE;
        leaving->address = control->exit_info2;
    }
}

/* Faults that a guest could raise without end inside one entry (15.12.2, 15.12.18) exit always. Those
 * that the VMM doesn't want are delivered at the next entry, after physical interrupts had their
 * turn. So is what an exit for the kernel cut off. */
void svm_deliver_later(struct vmcb *vmcb, struct vcpu_leaving *leaving) {
    struct vmcb_control *control = &vmcb->control;
    bool cut_off = (control->exit_event & SVM_EVENT_VALID) != 0;
    uint64_t event = svm_event_again(control->exit_event);
    uint32_t vector = leaving->exit % EXCEPTION_VECTORS;
    bool exception = leaving->kind == VCPU_FOR_VMM && leaving->exit >= BH_EXIT_EXCEPTION &&
                     leaving->exit <= BH_EXIT_EXCEPTION_LAST;

    if (exception && !cut_off && (control->exceptions_wanted & 1u << vector) == 0) {
        event = SVM_EVENT_VALID | SVM_EVENT_EXCEPTION | vector |
                (vector == VECTOR_AC ? SVM_EVENT_ERROR_CODE : 0);
        leaving->kind = VCPU_FOR_KERNEL;
    }
    control->exit_event = event;
    if (leaving->kind == VCPU_FOR_KERNEL) {
        deliver(control, event);
        control->exit_event = 0;
    } else if (is_interrupt(event)) {
        control->virtual_interrupt &= ~SVM_V_IRQ;   /* told to the VMM, so no longer pending here */
    }
}
