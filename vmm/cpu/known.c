/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that exited before: exits repeat, and to walk the guest's page tables and to decode is
 * most of what an access to a device costs. What is known of one is used as long as its bytes are as
 * they were decoded, and
 *
 *   for what it does    all that the walk to it read is as it was, too, so that it would lead there
 *                       again: only of the guest's kernel in 64-bit mode
 *   for its length      if the exit itself proves what instruction it is: then a page that was mapped
 *                       elsewhere meanwhile costs nothing
 */
#include "vmm/vm.h"

typedef uint64_t code_word __attribute__((may_alias, aligned(1)));

static struct known_instruction *known_at(struct vcpu *vcpu) {
    uint64_t rip = vcpu->state->rip;
    return &vcpu->known[(rip ^ rip >> 6) % VCPU_KNOWN];
}

/* The guest writes there at any time: whatever is seen is what was there. */
static uint64_t load_code(const uint8_t *code, unsigned word) {
    return ((const volatile code_word *)(const volatile void *)code)[word];
}

static bool is_there(const struct known_instruction *known, const struct bh_vcpu_state *state) {
    return known->code && known->rip == state->rip && known->cr3 == state->cr3 &&
           load_code(known->code, 0) == known->content[0] &&
           load_code(known->code, 1) == known->content[1];
}

static bool would_be_found(const struct known_instruction *known,
                           const struct bh_vcpu_state *state) {
    return known->cr0 == state->cr0 && known->cr4 == state->cr4 && known->efer == state->efer &&
           walk_is_kernel64(state) && walk_would_repeat(&known->trace);
}

bool known_insn(struct vcpu *vcpu, struct insn *insn) {
    const struct known_instruction *known = known_at(vcpu);
    if (!is_there(known, vcpu->state) || !would_be_found(known, vcpu->state))
        return false;
    *insn = known->insn;
    return true;
}

unsigned known_length(struct vcpu *vcpu, enum insn_op op) {
    const struct known_instruction *known = known_at(vcpu);
    return known->insn.op == op && is_there(known, vcpu->state) ? known->insn.length : 0;
}

/* Decodes what is kept, as another vCPU may have changed it since it was fetched. */
void known_add(struct vcpu *vcpu) {
    const struct bh_vcpu_state *state = vcpu->state;
    struct known_instruction *known = known_at(vcpu);
    *known = (struct known_instruction){ .rip = state->rip, .cr0 = state->cr0, .cr3 = state->cr3,
                                         .cr4 = state->cr4, .efer = state->efer };
    const uint8_t *code = walk_code(&vcpu->vm->memory, state, sizeof(known->content),
                                    &known->trace);
    if (!code)
        return;
    for (unsigned i = 0; i < sizeof(known->content) / sizeof(known->content[0]); i++)
        known->content[i] = load_code(code, i);
    if (!walk_is_kernel64(state))
        known->trace.levels = 0;
    if (decode((const uint8_t *)known->content, sizeof(known->content), walk_mode(state),
               &known->insn) == DECODE_OK)
        known->code = code;
}
