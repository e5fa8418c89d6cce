/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the VMM's state page and the control block: what is taken over, what it may be, and what
 * an exit means. Pure code on memory, tested on the host. The page is its VMM's and hostile: each
 * word is read once. Whatever controls the machine (intercepts, maps, nested paging, ASID) is set
 * here or in svm.c, never from the page.
 */
#pragma once

#include "core/vcpu_arch.h"
#include "x86/vmcb.h"

/* The guest's state after a reset, and the fixed part of the intercepts. */
void svm_state_reset(struct vmcb *vmcb);

/* Takes over the groups in `dirty`; BH_E_ARGUMENT, and nothing was, for an event or a mode that can't
 * be. Gives everything back but XCR0. */
enum bh_status svm_state_take(struct vmcb *vmcb, volatile struct bh_vcpu_state *page,
                              uint32_t dirty);
void svm_state_give(const struct vmcb *vmcb, volatile struct bh_vcpu_state *page,
                    enum bh_exit exit);

/* What an exit means, and which event the next entry has to deliver in the kernel's own name. */
void svm_decode(const struct vmcb *vmcb, struct vcpu_leaving *leaving);
void svm_deliver_later(struct vmcb *vmcb, struct vcpu_leaving *leaving);

bool svm_event_allowed(uint64_t event);
/* What to inject for a delivery that an exit cut off: software interrupts are run again instead; the
 * emulator calls a virtual interrupt an exception. */
uint64_t svm_event_again(uint64_t exit_event);

/* x86/fpu.c, beyond core/vcpu.h. */
extern uint64_t fpu_xcr0;                            /* what a guest may set; fixed at boot */
void fpu_set_xcr0(uint32_t vcpu, uint64_t xcr0);     /* allowed; before fpu_use_vcpu */

/* XSETBV's own rules (APM volume 2, 11.5.2): a part that needs another comes with it. */
static inline bool xcr0_allowed(uint64_t xcr0, uint64_t supported) {
    const uint64_t x87 = 1, sse = 2, avx = 4, mpx = 0x18, avx512 = 0xe0;
    bool mpx_whole = (xcr0 & mpx) == 0 || (xcr0 & mpx) == mpx;
    bool avx512_whole = (xcr0 & avx512) == 0 || (xcr0 & avx512) == avx512;
    bool avx_based = (xcr0 & avx) == 0 || (xcr0 & sse) != 0;
    bool avx512_based = (xcr0 & avx512) == 0 || (xcr0 & avx) != 0;

    return (xcr0 & x87) != 0 && (xcr0 & ~supported) == 0 && mpx_whole && avx512_whole &&
           avx_based && avx512_based;
}
