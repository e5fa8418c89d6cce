/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states in which a vCPU begins: power-on or INIT, SIPI, the reset vector, the kernel's 64-bit
 * or 32-bit entry.
 *
 * References: APM volume 2, 14.1.3 (reset state) and 15.27.8 (SIPI); boot.rst, 64-bit and 32-bit
 * protocol.
 */
#include "vmm/cpu/x86.h"
#include "vmm/platform/layout.h"
#include "vmm/vm.h"

enum {
    PAT_RESET_LOW = 0x00070406,      /* PA0 to PA3, the same for PA4 to PA7 */
    DR6_RESET = 0xffff0ff0, DR7_RESET = 0x400,
    GDT_LIMIT = 31, BOOT_CS = 0x10, BOOT_DS = 0x18,
};

static struct bh_segment segment(uint16_t selector, uint16_t attributes, uint32_t limit,
                                 uint64_t base) {
    return (struct bh_segment){ selector, attributes, limit, base };
}

void start_reset(struct vcpu *vcpu) {
    struct bh_vcpu_state *state = vcpu->state;
    for (unsigned i = 0; i < BH_GPR_COUNT; i++)
        state->gpr[i] = 0;
    state->gpr[BH_RDX] = 0x600;
    state->rip = 0xfff0;
    state->rflags = RFLAGS_FIXED;
    state->cr0 = CR0_ET | CR0_NW | CR0_CD;
    state->cr2 = state->cr3 = state->cr4 = state->efer = state->cpl = 0;
    state->dr6 = DR6_RESET;
    state->dr7 = DR7_RESET;
    state->xcr0 = 1;
    for (unsigned i = 0; i < BH_SEGMENT_COUNT; i++)
        state->segment[i] = segment(0, SEGMENT_REAL_DATA, 0xffff, 0);
    state->segment[BH_CS] = segment(0xf000, SEGMENT_REAL_CODE, 0xffff, 0xffff0000);
    state->segment[BH_LDTR].attributes = SEGMENT_LDT;
    state->segment[BH_TR].attributes = SEGMENT_TSS_BUSY;
    state->star = state->lstar = state->cstar = state->sfmask = state->kernel_gs_base = 0;
    state->sysenter_cs = state->sysenter_esp = state->sysenter_eip = 0;
    state->pat = PAT_RESET_LOW | (uint64_t)PAT_RESET_LOW << 32;
    state->shadow = 0;
    state->inject = 0;
    state->pending_event = 0;
    state->want = 0;
    state->dirty = BH_STATE_ALL;
    vcpu->nmi_waiting = vcpu->nmi_blocked = false;
    eoi_set(vcpu, 0);
    vcpu->mode = VCPU_WAITS_FOR_STARTUP;
}

void start_at_vector(struct vcpu *vcpu, uint8_t vector) {
    struct bh_vcpu_state *state = vcpu->state;
    state->segment[BH_CS] = segment((uint16_t)(vector << 8), SEGMENT_REAL_CODE, 0xffff,
                                    (uint64_t)vector << 12);
    state->rip = 0;
    state->dirty |= BH_STATE_GPR | BH_STATE_SEGMENTS;
    vcpu->mode = VCPU_RUNS;
}

void start_firmware(struct vcpu *vcpu) {
    vcpu->mode = VCPU_RUNS;
}

static void enter_long_mode(struct bh_vcpu_state *state, struct gpa page_tables) {
    state->cr0 |= CR0_WP | CR0_PG;
    state->cr3 = page_tables.value;
    state->cr4 = CR4_PAE;
    state->efer = EFER_LME | EFER_LMA;
    state->segment[BH_CS].attributes = SEGMENT_FLAT_CODE_64;
}

/* The registers are zero since the reset, which the 32-bit protocol wants of EBX, EBP and EDI. */
void start_kernel(struct vcpu *vcpu, const struct loader_result *kernel) {
    struct bh_vcpu_state *state = vcpu->state;
    state->gpr[BH_RDX] = 0;
    state->gpr[BH_RSI] = kernel->boot_params.value;
    state->gpr[BH_RSP] = LAYOUT_STACK;
    state->rip = kernel->entry.value;
    state->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE;
    for (unsigned i = BH_ES; i <= BH_GS; i++)
        state->segment[i] = segment(BOOT_DS, SEGMENT_FLAT_DATA, 0xffffffff, 0);
    state->segment[BH_CS] = segment(BOOT_CS, SEGMENT_FLAT_CODE_32, 0xffffffff, 0);
    state->segment[BH_GDTR] = segment(0, 0, GDT_LIMIT, LAYOUT_GDT);
    if (kernel->long_mode)
        enter_long_mode(state, kernel->page_tables);
    state->dirty = BH_STATE_ALL;
    vcpu->mode = VCPU_RUNS;
}
