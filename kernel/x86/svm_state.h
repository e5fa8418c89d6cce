/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the VMM's state page and the control block: what is taken over, what it may be, and what
 * an exit means. Pure code on memory, tested on the host. The page is its VMM's and hostile: each
 * word is read once. Whatever controls the machine (intercepts, maps, nested paging, ASID) is set
 * here or in svm.c, never from the page.
 */
#ifndef KERNEL_X86_SVM_STATE_H
#define KERNEL_X86_SVM_STATE_H

#include "core/vcpu_arch.h"
#include "x86/vmcb.h"

/* The guest's save area after a reset, and the fixed part of the intercepts. */
void svm_state_reset(struct vmcb *vmcb);

/* What the page asks for and has to be checked first. BH_E_ARGUMENT: an event, an XCR0 or a mode that
 * can't be. */
struct svm_wishes {
    uint64_t inject;
    uint64_t xcr0;
    uint64_t cr0;
    uint64_t cr4;
    uint64_t efer;
    uint32_t dirty;
    uint32_t want;
    uint32_t exceptions;
};
enum bh_status svm_state_wishes(const volatile struct bh_vcpu_state *page, uint64_t xcr0_allowed,
                                struct svm_wishes *wishes);

void svm_state_load(struct vmcb *vmcb, volatile struct bh_vcpu_state *page,
                    const struct svm_wishes *wishes);
void svm_state_store(const struct vmcb *vmcb, volatile struct bh_vcpu_state *page);

bool svm_event_allowed(uint64_t event);
/* What to inject for a delivery that an exit cut off: software interrupts are run again instead. */
uint64_t svm_event_again(uint64_t exit_event);
bool svm_xcr0_allowed(uint64_t xcr0, uint64_t supported);
bool svm_mode_allowed(uint64_t efer, uint64_t cr0, uint64_t cr4);

struct vcpu_leaving svm_decode(const struct vmcb *vmcb);

#endif
