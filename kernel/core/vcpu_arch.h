/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/vcpu.c needs of the architecture's virtualization; implemented by x86/svm.c. Indices are
 * bounded by the caller; interrupts are off in all of it.
 */
#pragma once

#include "abi/plan.h"
#include "abi/vcpu.h"

#include "core/address.h"

enum vcpu_leaving_kind {
    VCPU_FOR_KERNEL,       /* nothing for the VMM: a physical interrupt, an event to deliver again */
    VCPU_PORT_WRITE,       /* for the VMM, unless `address` is a port doorbell; it can be skipped */
    VCPU_PAGE_WRITE,       /* for the VMM, unless `address` is a page doorbell and a hint allows it */
    VCPU_FOR_VMM,
};

struct vcpu_leaving {
    enum vcpu_leaving_kind kind;
    enum bh_exit exit;
    bool halts;            /* until an interrupt comes: none waits for a window */
    uint64_t address;      /* of a write: port or guest-physical address */
};

void vcpu_arch_install(void);                       /* tables shared by all; from boot memory */
void vcpu_arch_install_core(void);
void vcpu_arch_create(uint32_t vcpu, uint32_t space, paddr_t state_page);
void vcpu_arch_reset(uint32_t vcpu);

enum bh_status vcpu_arch_load(uint32_t vcpu);       /* from the state page; all or nothing */
void vcpu_arch_store(uint32_t vcpu, enum bh_exit exit);    /* to the state page */

/* Enters the guest, until it leaves. `flush`: translations that this core holds of it are stale. */
void vcpu_arch_run(uint32_t vcpu, uint32_t core, bool flush, struct vcpu_leaving *leaving);

/* Goes past the instruction that left. False: its length isn't known. */
bool vcpu_arch_skip(uint32_t vcpu, enum vcpu_leaving_kind kind);
