/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs as the scheduler sees them. A thread that called vcpu_run is "in its guest" until the
 * call returns; the dispatcher enters the guest instead of the thread while that lasts:
 *
 *   call:      vcpu_arch_load(v); on BH_OK the thread is in its guest
 *   dispatch:  if the thread's word is not empty or its deadline passed: vcpu_leave(v)
 *              else if vcpu_enter(v, &halts): the state page is written; the call returns, but at
 *                a halt the thread waits first
 *              else take physical interrupts, reschedule, come again
 *
 * The physical side is core/vcpu_arch.h, implemented in x86/svm*.c.
 */
#pragma once

#include "abi/call.h"
#include "abi/vcpu.h"

#include "core/address.h"

void vcpu_install(void);                         /* all vCPUs of the plan; at boot, on core 0 */
void vcpu_install_core(void);                    /* on each core: turn virtualization on */
bool vcpu_enter(uint32_t vcpu, bool *halts);     /* interrupts off before and after */
void vcpu_leave(uint32_t vcpu);                  /* writes the state page without an exit */
void vcpu_reset(uint32_t vcpu);                  /* its compartment is reset: nothing survives */
enum bh_status vcpu_place(uint32_t region, uint32_t space, uint64_t gpa, bool present,
                          uint32_t rights);      /* guest_place, shootdown included */

/* FPU, SSE and AVX state, debug registers, user-visible MSRs: switched eagerly, zero at reset. Each
 * makes the core's registers those of the thread or vCPU, saving the owner's before. vcpu_enter does
 * it for its vCPU; the dispatcher does it for a thread, before it returns to ring 3. */
void fpu_install(void);                          /* state areas of all; at boot, on core 0 */
void fpu_install_core(void);
void fpu_use_thread(uint32_t thread);
void fpu_use_vcpu(uint32_t vcpu);
void fpu_reset_thread(uint32_t thread);
void fpu_reset_vcpu(uint32_t vcpu);

/* Threads or vCPUs are about to leave this core: save what it still holds. */
void fpu_release(void);
