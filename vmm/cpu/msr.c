/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MSR allow-list. Whatever isn't listed here is a #GP for the guest. A vCPU's own thread.
 *
 * References: APM volume 2, appendix A; Intel SDM volume 4 for the x2APIC and the TSC deadline.
 */
#include "vmm/cpu/cpuid.h"
#include "vmm/cpu/x86.h"
#include "vmm/vm.h"

enum msr {
    MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_TSC_ADJUST = 0x3b, MSR_MICROCODE = 0x8b,
    MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175, MSR_SYSENTER_EIP = 0x176, MSR_PAT = 0x277,
    MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800, MSR_X2APIC_END = 0x900,
    MSR_KVM_EOI = 0x4b564d04,
};
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_SFMASK         0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_SYSCFG         0xc0010010u
#define MSR_HWCR           0xc0010015u
#define MSR_NB_CFG         0xc001001fu
#define MSR_INT_PENDING    0xc0010055u
#define MSR_PATCH_LOADER   0xc0010020u
#define MSR_LS_CFG         0xc0011020u
#define MSR_DC_CFG         0xc0011022u
#define MSR_DE_CFG         0xc0011029u
#define MSR_BU_CFG2        0xc001102au

#define EFER_ALLOWED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/* The field of the state page behind a plain MSR; NULL: none. */
static uint64_t *plain(struct bh_vcpu_state *state, uint32_t number) {
    switch (number) {
    case MSR_SYSENTER_CS: return &state->sysenter_cs;
    case MSR_SYSENTER_ESP: return &state->sysenter_esp;
    case MSR_SYSENTER_EIP: return &state->sysenter_eip;
    case MSR_STAR: return &state->star;
    case MSR_LSTAR: return &state->lstar;
    case MSR_CSTAR: return &state->cstar;
    case MSR_SFMASK: return &state->sfmask;
    case MSR_KERNEL_GS_BASE: return &state->kernel_gs_base;
    case MSR_PAT: return &state->pat;
    default: return NULL;
    }
}

/* AMD's configuration MSRs that Linux reads, and writes back changed, on processors of this family
 * without asking CPUID: they read as zero and swallow writes. */
static bool is_configuration(uint32_t number) {
    switch (number) {
    case MSR_MICROCODE:
    case MSR_SYSCFG:
    case MSR_HWCR:
    case MSR_NB_CFG:
    case MSR_INT_PENDING:
    case MSR_PATCH_LOADER:
    case MSR_LS_CFG:
    case MSR_DC_CFG:
    case MSR_DE_CFG:
    case MSR_BU_CFG2: return true;
    default: return false;
    }
}

static bool is_canonical(uint64_t address) {
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool is_x2apic(uint32_t number) {
    return number >= MSR_X2APIC && number < MSR_X2APIC_END;
}

static bool read_x2apic(const struct vcpu *vcpu, uint32_t number, uint64_t *value) {
    uint32_t reg = number - MSR_X2APIC;
    bool write_only = reg == APIC_EOI || reg == APIC_SELF_IPI;
    return apic_is_x2(&vcpu->apic) && !write_only &&
           apic_read(&vcpu->apic, reg, vcpu_now(vcpu), value);
}

static bool read_mtrr(const struct vcpu *vcpu, uint32_t number, uint64_t *value) {
    return vcpu->vm->has_firmware && mtrr_read(&vcpu->mtrr, number, value);
}

bool msr_read(struct vcpu *vcpu, uint32_t number, uint64_t *value) {
    struct bh_vcpu_state *state = vcpu->state;
    const uint64_t *field = plain(state, number);
    *value = 0;
    if (is_x2apic(number))
        return read_x2apic(vcpu, number, value);
    if (field)
        *value = *field;
    else if (number == MSR_TSC)
        *value = vcpu_now(vcpu);
    else if (number == MSR_TSC_ADJUST)
        *value = vcpu->tsc_adjust;
    else if (number == MSR_TSC_DEADLINE)
        *value = apic_deadline(&vcpu->apic);
    else if (number == MSR_APIC_BASE)
        *value = vcpu->apic.base;
    else if (number == MSR_KVM_EOI)
        *value = vcpu->eoi_setting;
    else if (number == MSR_EFER)
        *value = state->efer;
    else if (number == MSR_FS_BASE)
        *value = state->segment[BH_FS].base;
    else if (number == MSR_GS_BASE)
        *value = state->segment[BH_GS].base;
    else
        return read_mtrr(vcpu, number, value) || is_configuration(number);
    return true;
}

static bool write_efer(struct bh_vcpu_state *state, uint64_t value) {
    bool paging = (state->cr0 & CR0_PG) != 0;
    bool mode_changes = ((value ^ state->efer) & EFER_LME) != 0;
    if ((value & ~(uint64_t)EFER_ALLOWED) || (paging && mode_changes))
        return false;
    state->efer = (value & ~(uint64_t)EFER_LMA) | (state->efer & EFER_LMA);
    state->dirty |= BH_STATE_CONTROL;
    return true;
}

/* Eight memory types of a byte each: 0, 1, 4, 5, 6, 7 exist. */
static bool is_pat(uint64_t value) {
    for (unsigned i = 0; i < 8; i++) {
        uint8_t type = (uint8_t)(value >> (8 * i));
        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    return true;
}

static bool write_plain(struct bh_vcpu_state *state, uint32_t number, uint64_t value,
                        uint64_t *field) {
    bool address = number != MSR_STAR && number != MSR_SFMASK && number != MSR_PAT &&
                   number != MSR_SYSENTER_CS;
    if ((address && !is_canonical(value)) || (number == MSR_PAT && !is_pat(value)))
        return false;
    *field = value;
    state->dirty |= BH_STATE_MSR;
    return true;
}

static bool write_base(struct bh_vcpu_state *state, enum bh_segment_name name, uint64_t value) {
    if (!is_canonical(value))
        return false;
    state->segment[name].base = value;
    state->dirty |= BH_STATE_SEGMENTS;
    return true;
}

/* The TSC and its adjustment move together (SDM volume 3B, 18.17.3). */
static bool adjust_tsc(struct vcpu *vcpu, uint64_t change) {
    vcpu->tsc_adjust += change;
    vcpu->state->tsc_offset += change;
    vcpu->state->dirty |= BH_STATE_TSC;
    return true;
}

static bool write_x2apic(struct vcpu *vcpu, uint32_t number, uint64_t value) {
    struct apic_effect effect;
    if (!apic_is_x2(&vcpu->apic) ||
        !apic_write(&vcpu->apic, number - MSR_X2APIC, value, vcpu_now(vcpu), &effect))
        return false;
    exit_apic_effect(vcpu, &effect);
    return true;
}

static bool write_mtrr(struct vcpu *vcpu, uint32_t number, uint64_t value) {
    return vcpu->vm->has_firmware &&
           mtrr_write(&vcpu->mtrr, number, value, cpuid_address_bits());
}

bool msr_write(struct vcpu *vcpu, uint32_t number, uint64_t value) {
    struct bh_vcpu_state *state = vcpu->state;
    uint64_t *field = plain(state, number);
    if (is_x2apic(number))
        return write_x2apic(vcpu, number, value);
    if (field)
        return write_plain(state, number, value, field);
    switch (number) {
    case MSR_TSC_DEADLINE: apic_set_deadline(&vcpu->apic, value, vcpu_now(vcpu)); return true;
    case MSR_EFER: return write_efer(state, value);
    case MSR_APIC_BASE: return apic_set_base(&vcpu->apic, value);
    case MSR_KVM_EOI: return eoi_set(vcpu, value);
    case MSR_FS_BASE: return write_base(state, BH_FS, value);
    case MSR_GS_BASE: return write_base(state, BH_GS, value);
    case MSR_TSC: return adjust_tsc(vcpu, value - vcpu_now(vcpu));
    case MSR_TSC_ADJUST: return adjust_tsc(vcpu, value - vcpu->tsc_adjust);
    default: return write_mtrr(vcpu, number, value) || is_configuration(number);
    }
}
