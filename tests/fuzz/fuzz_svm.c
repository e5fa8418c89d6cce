/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a VMM's state page, any exit by the hardware: whatever controls the machine stays as
 * the kernel wants it, what is refused changes nothing, and nothing of the host goes to the page.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abi/call.h"
#include "x86/svm_state.h"

enum { EFER_SVME = 1 << 12, EFER_LME = 1 << 8, CR4_PAE = 1 << 5, MACHINE_CHECK = 18 };

static void require(bool condition) {
    if (!condition)
        abort();
}

static void check_machine(const struct vmcb *v, const struct vmcb *fresh) {
    const struct vmcb_control *control = &v->control, *was = &fresh->control;
    uint32_t may_add = SVM_INTERCEPT_VINTR | SVM_INTERCEPT_IRET;
    bool long_mode = (v->save.efer & EFER_LME) != 0;

    require(control->intercept_cr == was->intercept_cr);
    require((control->intercept_misc1 & ~may_add) == was->intercept_misc1);
    require(control->intercept_misc2 == was->intercept_misc2);
    require((control->intercept_exceptions & was->intercept_exceptions) ==
            was->intercept_exceptions);
    require((control->virtual_interrupt & SVM_V_INTR_MASKING) != 0);
    require(control->asid == was->asid && control->nested_root == was->nested_root &&
            control->nested_control == was->nested_control && control->io_map == was->io_map &&
            control->msr_map == was->msr_map && control->extensions == 0);
    require(svm_event_allowed(control->event_injection));
    require((v->save.efer & EFER_SVME) != 0 && (v->save.rflags & 2) != 0 && v->save.cpl <= 3);
    require(!long_mode || (v->save.cr0 >> 31 & 1) != 0 || (v->save.cr4 & CR4_PAE) != 0);
}

/* The hardware exits for exceptions that are intercepted only. */
static bool can_exit(const struct vmcb *v) {
    uint32_t code = (uint32_t)v->control.exit_code;
    bool exception = code >= BH_EXIT_EXCEPTION && code <= BH_EXIT_EXCEPTION_LAST;

    return !exception || (v->control.intercept_exceptions >> (code - BH_EXIT_EXCEPTION) & 1);
}

static void exit_once(struct vmcb *v, struct bh_vcpu_state *page) {
    struct vcpu_leaving leaving;

    v->control.event_injection = 0;
    svm_decode(v, &leaving);
    svm_deliver_later(v, &leaving);
    require(leaving.kind <= VCPU_FOR_VMM);
    require(leaving.kind == VCPU_FOR_KERNEL || (leaving.exit != BH_EXIT_EVENT &&
                                                leaving.exit != BH_EXIT_EXCEPTION + MACHINE_CHECK));
    require(leaving.kind != VCPU_PORT_WRITE || leaving.address <= 0xffff);
    require(svm_event_allowed(v->control.event_injection));
    svm_state_give(v, page, leaving.exit);
    require((page->efer & EFER_SVME) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bh_vcpu_state page = { 0 };
    struct vmcb fresh = { .control = { .asid = 3, .nested_control = 1, .nested_root = 0x1000,
                                       .io_map = 0x2000, .msr_map = 0x5000 } };
    struct vmcb v, before;
    uint64_t exit[4];

    svm_state_reset(&fresh);
    require(svm_state_take(&fresh, &page, 0) == BH_OK);
    v = before = fresh;
    if (size < sizeof(exit))
        return 0;
    memcpy(exit, data, sizeof(exit));
    size -= sizeof(exit);
    memcpy(&page, data + sizeof(exit), size < sizeof(page) ? size : sizeof(page));
    if (svm_state_take(&v, &page, page.dirty) == BH_OK)
        check_machine(&v, &fresh);
    else
        require(memcmp(&v, &before, sizeof(v)) == 0);
    v.control.exit_code = exit[0];
    v.control.exit_info1 = exit[1];
    v.control.exit_info2 = exit[2];
    v.control.exit_event = exit[3];
    if (can_exit(&v))
        exit_once(&v, &page);
    return 0;
}
