/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest takes at its next entry: exceptions by the VMM, NMIs, interrupts of its local APIC and
 * of the 8259s, and events whose delivery an exit cut off. A vCPU's own thread.
 * How an event reaches the processor is the kernel's business.
 *
 * References: APM volume 2, 15.7.2 and 15.20.
 */
#include "vmm/vm.h"
#include "vmm/cpu/x86.h"

enum { VECTOR_BP = 3, VECTOR_OF = 4 };

void inject_exception(struct vcpu *vcpu, unsigned vector, bool has_error, uint32_t error) {
    uint64_t event = EVENT_VALID | EVENT_EXCEPTION | vector;
    if (has_error)
        event |= EVENT_ERROR_CODE | (uint64_t)error << 32;
    vcpu->state->inject = event;
}

void inject_page_fault(struct vcpu *vcpu, uint32_t error, uint64_t address) {
    vcpu->state->cr2 = address;
    vcpu->state->dirty |= BH_STATE_CONTROL;
    inject_exception(vcpu, VECTOR_PF, true, error);
}

/* INT n, INT3 and INTO are not injected again: RIP still names them, so they happen again. */
void inject_again(struct vcpu *vcpu) {
    struct bh_vcpu_state *state = vcpu->state;
    uint64_t event = state->pending_event;
    if (!(event & EVENT_VALID))
        return;
    state->pending_event = 0;
    unsigned vector = event & 0xff;
    uint64_t type = event & EVENT_TYPE;
    bool by_instruction = type == EVENT_SOFTWARE ||
                          (type == EVENT_EXCEPTION && (vector == VECTOR_BP || vector == VECTOR_OF));
    if (!by_instruction && !(state->inject & EVENT_VALID))
        state->inject = event;
}

/* The 8259s' output is wired to vCPU 0. */
static bool external_waits(const struct vcpu *vcpu) {
    return vcpu->number == 0 && irq_external(vcpu->vm) && apic_takes_external(&vcpu->apic);
}

/* The 8259s' lock may have been waited for: what came meanwhile, and whose notification that wait
 * took, is looked for before the guest runs. */
static uint8_t take_external(struct vcpu *vcpu) {
    uint8_t vector = irq_acknowledge_external(vcpu->vm);
    vm_kick(vcpu->vm, vcpu);
    return vector;
}

bool inject_wakes(const struct vcpu *vcpu) {
    bool nmi = vcpu->nmi_waiting && !vcpu->nmi_blocked;
    bool enabled = (vcpu->state->rflags & RFLAGS_IF) != 0;
    return nmi || (enabled && (apic_next(&vcpu->apic) != APIC_NO_VECTOR || external_waits(vcpu)));
}

static void inject_nmi(struct vcpu *vcpu) {
    vcpu->nmi_waiting = false;
    vcpu->nmi_blocked = true;
    vcpu->state->inject = EVENT_VALID | EVENT_NMI | VECTOR_NMI;
    vcpu->state->want |= BH_WANT_NMI_WINDOW;
}

static uint64_t interrupt(uint8_t vector) { return EVENT_VALID | EVENT_INTERRUPT | vector; }

/* A local APIC's interrupt is offered before the guest can take it (APM 15.21.4), and taken back at an
 * exit before that. One of the 8259s waits for the window: acknowledged is acknowledged. */
void inject_next(struct vcpu *vcpu) {
    struct bh_vcpu_state *state = vcpu->state;
    bool busy = (state->inject & EVENT_VALID) != 0;
    if (vcpu->nmi_waiting && !vcpu->nmi_blocked && !busy) {
        inject_nmi(vcpu);
        busy = true;
    }
    int vector = apic_next(&vcpu->apic);
    bool external = vector == APIC_NO_VECTOR && external_waits(vcpu);
    bool takes = (state->rflags & RFLAGS_IF) && !state->shadow;
    state->want &= ~(uint32_t)BH_WANT_WINDOW;
    if (vector == APIC_NO_VECTOR && !external)
        return;
    if (busy || (external && !takes)) {
        state->want |= BH_WANT_WINDOW;
    } else if (external) {
        state->inject = interrupt(take_external(vcpu));
    } else {
        apic_take(&vcpu->apic, (uint8_t)vector);
        vcpu->apic_offered = true;
        state->inject = interrupt((uint8_t)vector);
    }
}

void inject_take_back(struct vcpu *vcpu) {
    if (vcpu->apic_offered && (vcpu->state->inject & EVENT_VALID)) {
        apic_give_back(&vcpu->apic, vcpu->state->inject & 0xff);
        vcpu->state->inject = 0;
    }
    vcpu->apic_offered = false;
}
