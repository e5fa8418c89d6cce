/* SPDX-License-Identifier: BSD-2-Clause */
/* What x86/svm.c needs of x86/fpu.c beyond core/vcpu.h. */
#ifndef KERNEL_X86_FPU_H
#define KERNEL_X86_FPU_H

#include <stdint.h>

uint64_t fpu_supported(void);                        /* XCR0 bits that a guest may set */
void fpu_set_xcr0(uint32_t vcpu, uint64_t xcr0);     /* checked; before fpu_use_vcpu */

#endif
