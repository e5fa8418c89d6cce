/* SPDX-License-Identifier: BSD-2-Clause */
/* What x86/svm.c needs of x86/fpu.c beyond core/vcpu.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

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
