/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores to the doorbells of NVMe controllers, which the kernel takes for notifications where it was
 * given the instruction's length as a hint. The value is lost then. So hints are there only while
 * none matters: while the driver of every controller that is enabled keeps the I/O queues' doorbells
 * in memory, and nothing else is where a controller's doorbells are.
 *
 * A hint names an instruction by its address. So it is given for the guest's kernel only, in 64-bit
 * mode, where that says which one it is.
 */
#include "vmm/vm.h"

/* Under the device lock, but for the kernel: it looks while that vCPU runs. */
static void set_length(struct bh_vcpu_hint *hint, uint32_t length) {
    __atomic_store_n(&hint->length, length, __ATOMIC_RELEASE);
}

static bool no_value_matters(const struct vm *vm) {
    for (unsigned i = 0; i < vm->disk_count; i++)
        if (vm->nvme[i].present &&
            !(nvme_rings_in_memory(&vm->nvme[i]) && vm->disk_doorbell[i].in_place))
            return false;
    return true;
}

void hints_forget(struct vm *vm) {
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        for (unsigned j = 0; j < BH_VCPU_HINTS; j++)
            set_length(&vm->vcpu[i].state->hint[j], 0);
}

void hints_check(struct vm *vm) {
    if (!no_value_matters(vm))
        hints_forget(vm);
}

static bool is_doorbell(const struct vm *vm, struct gpa at) {
    for (unsigned i = 0; i < vm->disk_count; i++)
        if (vm->nvme[i].present && at.value - vm->disk_doorbell[i].at < vm->disk_doorbell[i].size)
            return true;
    return false;
}

static bool is_plain_store(const struct insn *insn) {
    return insn->op == INSN_MOV && insn->memory && insn->form != INSN_FORM_REG_RM;
}

/* An address is in one hint only. */
static struct bh_vcpu_hint *hint_for(struct vcpu *vcpu, uint64_t rip) {
    for (unsigned i = 0; i < BH_VCPU_HINTS; i++)
        if (vcpu->state->hint[i].rip == rip)
            return &vcpu->state->hint[i];
    return &vcpu->state->hint[vcpu->next_hint++ % BH_VCPU_HINTS];
}

void hints_give(struct vcpu *vcpu, struct gpa at, uint64_t rip, const struct insn *insn) {
    struct vm *vm = vcpu->vm;
    if (!is_plain_store(insn) || !is_doorbell(vm, at) || !walk_is_kernel64(vcpu->state))
        return;
    lock_acquire(&vm->device_lock);
    if (no_value_matters(vm)) {
        struct bh_vcpu_hint *hint = hint_for(vcpu, rip);
        hint->rip = rip;
        set_length(hint, insn->length);
    }
    lock_release(&vm->device_lock);
}
