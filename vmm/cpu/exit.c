/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to a guest's exits. A vCPU's own thread; everything that the guest's registers and memory
 * hold is hostile and can harm this guest only.
 *
 * References: APM volume 2, chapter 15 and appendix C.
 */
#include "vmm/cpu/cpuid.h"
#include "vmm/cpu/x86.h"
#include "vmm/vm.h"

/* EXITINFO1 of a nested page fault (APM 15.25.6) and of a port access (15.10.2). */
#define FAULT_FETCH (1ull << 4)
#define FAULT_TABLE (1ull << 33)
enum port_info { PORT_IN = 1u << 0, PORT_STRING = 1u << 2, PORT_SIZE_SHIFT = 4, PORT_SHIFT = 16 };

enum { REPORTED = 8 };

static void stop(struct vcpu *vcpu, const char *what, uint64_t detail) {
    const struct bh_vcpu_state *state = vcpu->state;
    vm_log("vCPU %u: %s (0x%llx) at RIP 0x%llx, CS 0x%x, CR3 0x%llx, RSP 0x%llx", vcpu->number,
           what, (unsigned long long)detail, (unsigned long long)state->rip,
           state->segment[BH_CS].selector, (unsigned long long)state->cr3,
           (unsigned long long)state->gpr[BH_RSP]);
    if (vcpu->refused_msr != 0)
        vm_log("vCPU %u: the last MSR that it was refused: 0x%x", vcpu->number, vcpu->refused_msr);
    vm_end(vcpu->vm, VM_END_FAULT);
}

/* Told a few times: it shows what the emulator lacks. */
static void report_unknown(struct vcpu *vcpu) {
    if (vcpu->unknown_instructions++ < REPORTED)
        vm_log("vCPU %u: an instruction that isn't emulated at RIP 0x%llx", vcpu->number,
               (unsigned long long)vcpu->state->rip);
}

/* The instruction at RIP; false: it faulted or isn't known, and the guest was told. */
static bool fetch(struct vcpu *vcpu, struct insn *insn) {
    struct walk_result fault;
    uint64_t address;
    if (known_insn(vcpu, insn))
        return true;
    if (walk_fetch(&vcpu->vm->memory, vcpu->state, insn, &fault, &address)) {
        known_add(vcpu);
        return true;
    }
    if (fault.ok) {
        report_unknown(vcpu);
        inject_exception(vcpu, VECTOR_UD, false, 0);
    } else {
        inject_page_fault(vcpu, fault.error, address);
    }
    return false;
}

/* Moves over the instruction that exited; false: another vCPU changed it meanwhile, try again. */
static bool skip(struct vcpu *vcpu, enum insn_op op) {
    struct bh_vcpu_state *state = vcpu->state;
    struct insn insn;
    unsigned length = (unsigned)(state->next_rip != 0 ? state->next_rip - state->rip
                                                      : known_length(vcpu, op));
    if (length == 0) {
        if (!fetch(vcpu, &insn) || insn.op != op)
            return false;
        length = insn.length;
    }
    emulate_skip(state, length);
    return true;
}

void exit_apic_effect(struct vcpu *vcpu, const struct apic_effect *effect) {
    if (effect->send)
        irq_send(vcpu->vm, vcpu, &effect->message);
    if (effect->broadcast_eoi)
        irq_end(vcpu->vm, effect->vector);
}

static void handle_cpuid(struct vcpu *vcpu) {
    struct bh_vcpu_state *state = vcpu->state;
    const struct cpuid_guest guest = {
        .vcpu = vcpu->number, .vcpu_count = vcpu->vm->vcpu_count, .tsc_khz = vcpu->vm->tsc_khz,
        .mtrr = vcpu->vm->has_firmware, .cr4 = state->cr4, .xcr0 = state->xcr0,
    };
    if (!skip(vcpu, INSN_CPUID))
        return;
    struct cpuid answer = cpuid_answer(&guest, (uint32_t)state->gpr[BH_RAX],
                                       (uint32_t)state->gpr[BH_RCX]);
    state->gpr[BH_RAX] = answer.eax;
    state->gpr[BH_RBX] = answer.ebx;
    state->gpr[BH_RCX] = answer.ecx;
    state->gpr[BH_RDX] = answer.edx;
}

static bool access_msr(struct vcpu *vcpu, bool write) {
    struct bh_vcpu_state *state = vcpu->state;
    uint32_t number = (uint32_t)state->gpr[BH_RCX];
    uint64_t value = (state->gpr[BH_RDX] << 32) | (uint32_t)state->gpr[BH_RAX];
    if (write)
        return msr_write(vcpu, number, value);
    if (!msr_read(vcpu, number, &value))
        return false;
    state->gpr[BH_RAX] = (uint32_t)value;
    state->gpr[BH_RDX] = value >> 32;
    return true;
}

static void handle_msr(struct vcpu *vcpu) {
    bool write = vcpu->state->info1 != 0;
    if (vcpu->state->cpl != 0 || !access_msr(vcpu, write)) {
        vcpu->refused_msr = (uint32_t)vcpu->state->gpr[BH_RCX];
        inject_exception(vcpu, VECTOR_GP, true, 0);
        return;
    }
    skip(vcpu, write ? INSN_WRMSR : INSN_RDMSR);
}

/* ---- Ports ---- */

static bool move_port_element(struct vcpu *vcpu, const struct insn *insn, uint16_t port,
                              struct emulate_fault *fault) {
    struct bh_vcpu_state *state = vcpu->state;
    const struct guest_memory *memory = &vcpu->vm->memory;
    bool in = insn->op == INSN_INS;
    unsigned index = in ? BH_RDI : BH_RSI;
    struct gva at = emulate_string_address(state, insn, index, in ? BH_ES : insn->segment);
    uint64_t value = 0;
    if (in) {
        value = bus_read_port(vcpu, port, insn->operand_size);
        if (!emulate_linear_write(memory, state, at, insn->operand_size, NULL, value, fault))
            return false;
    } else {
        if (!emulate_linear_read(memory, state, at, insn->operand_size, NULL, &value, fault))
            return false;
        bus_write_port(vcpu, port, insn->operand_size, (uint32_t)value);
    }
    emulate_string_step(state, insn, index);
    emulate_rep_count(state, insn);
    return true;
}

/* INS and OUTS; a long REP goes on at the guest's next try. */
static void handle_port_string(struct vcpu *vcpu, uint16_t port) {
    struct insn insn;
    struct emulate_fault fault;
    if (!fetch(vcpu, &insn) || (insn.op != INSN_INS && insn.op != INSN_OUTS))
        return;
    vcpu->state->dirty |= BH_STATE_GPR;
    for (unsigned i = 0; i < EMULATE_REP_LIMIT && !emulate_rep_done(vcpu->state, &insn); i++) {
        if (!move_port_element(vcpu, &insn, port, &fault)) {
            inject_page_fault(vcpu, fault.error, fault.address);
            return;
        }
        if (!insn.rep)
            break;
    }
    if (!insn.rep || emulate_rep_done(vcpu->state, &insn))
        emulate_skip(vcpu->state, insn.length);
}

static void handle_port(struct vcpu *vcpu) {
    struct bh_vcpu_state *state = vcpu->state;
    uint16_t port = (uint16_t)(state->info1 >> PORT_SHIFT);
    unsigned size = (state->info1 >> PORT_SIZE_SHIFT) & 7;
    if (state->info1 & PORT_STRING) {
        handle_port_string(vcpu, port);
        return;
    }
    if (state->info1 & PORT_IN)
        register_write(state, BH_RAX, false, size, bus_read_port(vcpu, port, size));
    else
        bus_write_port(vcpu, port, size, (uint32_t)register_read(state, BH_RAX, false, size));
    emulate_skip(state, (unsigned)(state->next_rip - state->rip));
}

/* ---- Device memory ---- */

static uint64_t read_bus(void *context, struct gpa at, unsigned size) {
    return bus_read_memory(context, at, size);
}

static void write_bus(void *context, struct gpa at, unsigned size, uint64_t value) {
    bus_write_memory(context, at, size, value);
}

static void handle_memory(struct vcpu *vcpu) {
    struct bh_vcpu_state *state = vcpu->state;
    const struct emulate_bus bus = { vcpu, read_bus, write_bus };
    struct gpa at = { state->info2 };
    uint64_t rip = state->rip;
    struct emulate_fault fault;
    struct insn insn;
    bool not_an_operand = (state->info1 & (FAULT_FETCH | FAULT_TABLE)) ||
                          (state->pending_event & EVENT_VALID);
    if (not_an_operand || guest_range(&vcpu->vm->memory, at, 1)) {
        stop(vcpu, "code, a page table or a stack in device memory, GPA", at.value);
        return;
    }
    if (!fetch(vcpu, &insn))
        return;
    switch (emulate(&vcpu->vm->memory, state, &insn, at, &bus, &fault)) {
    case EMULATE_DONE: hints_give(vcpu, at, rip, &insn); break;
    case EMULATE_FAULT: inject_page_fault(vcpu, fault.error, fault.address); break;
    case EMULATE_UNKNOWN: inject_exception(vcpu, VECTOR_UD, false, 0); break;
    }
}

/* ---- Control registers ---- */

static bool set_cr0(struct bh_vcpu_state *state, uint64_t value) {
    bool paging = (value & CR0_PG) != 0;
    bool bad = (value >> 32) != 0 || (paging && !(value & CR0_PE)) ||
               ((value & CR0_NW) && !(value & CR0_CD)) ||
               (paging && (state->efer & EFER_LME) && !(state->cr4 & CR4_PAE));
    if (bad)
        return false;
    state->cr0 = value | CR0_ET;
    bool long_mode = paging && (state->efer & EFER_LME);
    state->efer = long_mode ? state->efer | EFER_LMA : state->efer & ~(uint64_t)EFER_LMA;
    return true;
}

static bool set_cr4(struct bh_vcpu_state *state, uint64_t value) {
    bool leaves_long_mode = (state->efer & EFER_LMA) && !(value & CR4_PAE);
    if ((value & ~cpuid_cr4()) || leaves_long_mode)
        return false;
    state->cr4 = value;
    return true;
}

static bool set_cr(struct vcpu *vcpu, unsigned number, uint64_t value) {
    struct apic_effect effect;
    vcpu->state->dirty |= BH_STATE_CONTROL;
    switch (number) {
    case 0: return set_cr0(vcpu->state, value);
    case 2: vcpu->state->cr2 = value; return true;
    case 3: vcpu->state->cr3 = value; return true;
    case 4: return set_cr4(vcpu->state, value);
    case 8:
        return value < 16 && apic_write(&vcpu->apic, APIC_TPR, value << 4, 0, &effect);
    default: return false;
    }
}

static uint64_t get_cr(const struct vcpu *vcpu, unsigned number) {
    switch (number) {
    case 0: return vcpu->state->cr0;
    case 2: return vcpu->state->cr2;
    case 3: return vcpu->state->cr3;
    case 4: return vcpu->state->cr4;
    default: return vcpu->apic.tpr >> 4;
    }
}

/* LMSW: the low four bits of CR0, of which PE can only be set. */
static bool load_machine_status(struct vcpu *vcpu, const struct insn *insn) {
    if (insn->memory)
        return false;
    uint64_t word = vcpu->state->gpr[insn->rm % BH_GPR_COUNT] & 0xf;
    uint64_t kept = vcpu->state->cr0 & ~0xeull;
    return set_cr(vcpu, 0, kept | word);
}

static bool access_cr(struct vcpu *vcpu, const struct insn *insn) {
    uint64_t *general = &vcpu->state->gpr[insn->rm % BH_GPR_COUNT];
    uint64_t mask = insn->operand_size == 8 ? ~0ull : 0xffffffffull;
    switch (insn->op) {
    case INSN_MOV_TO_CR: return set_cr(vcpu, insn->reg, *general & mask);
    case INSN_MOV_FROM_CR: *general = get_cr(vcpu, insn->reg) & mask; return true;
    case INSN_CLTS: return set_cr(vcpu, 0, vcpu->state->cr0 & ~(uint64_t)CR0_TS);
    case INSN_LMSW: return load_machine_status(vcpu, insn);
    default: return false;
    }
}

static void handle_cr(struct vcpu *vcpu) {
    struct insn insn;
    if (!fetch(vcpu, &insn))
        return;
    if (access_cr(vcpu, &insn))
        emulate_skip(vcpu->state, insn.length);
    else
        inject_exception(vcpu, VECTOR_GP, true, 0);
}

/* XCR0: the x87 bit is always set, AVX needs SSE (APM volume 2, 11.5.2). */
static void handle_xsetbv(struct vcpu *vcpu) {
    enum { X87 = 1, SSE = 2, AVX = 4 };
    struct bh_vcpu_state *state = vcpu->state;
    uint64_t value = (state->gpr[BH_RDX] << 32) | (uint32_t)state->gpr[BH_RAX];
    bool bad = (uint32_t)state->gpr[BH_RCX] != 0 || !(value & X87) || (value & ~cpuid_xcr0()) ||
               ((value & AVX) && !(value & SSE)) || state->cpl != 0;
    if (bad) {
        inject_exception(vcpu, VECTOR_GP, true, 0);
    } else if (skip(vcpu, INSN_XSETBV)) {
        state->xcr0 = value;
        state->dirty |= BH_STATE_XCR0;
    }
}

/* ---- The rest ---- */

/* A write of reserved bits to a control register may show as a refused entry: a #GP then. */
static void handle_invalid(struct vcpu *vcpu) {
    struct walk_result fault;
    uint64_t address;
    struct insn insn;
    bool known = walk_fetch(&vcpu->vm->memory, vcpu->state, &insn, &fault, &address);
    if (known && insn.op == INSN_MOV_TO_CR)
        inject_exception(vcpu, VECTOR_GP, true, 0);
    else
        stop(vcpu, "the processor refuses the guest's state, RIP", vcpu->state->rip);
}

/* KVM's "no such hypercall". */
static void handle_hypercall(struct vcpu *vcpu) {
    if (skip(vcpu, INSN_VMMCALL))
        vcpu->state->gpr[BH_RAX] = (uint64_t)-1000;
}

static void handle_window(struct vcpu *vcpu, uint32_t exit) {
    if (exit == BH_EXIT_WINDOW) {
        vcpu->state->want &= ~(uint32_t)BH_WANT_WINDOW;
        return;
    }
    vcpu->state->want &= ~(uint32_t)BH_WANT_NMI_WINDOW;
    vcpu->nmi_blocked = false;
}

/* What has no number of its own. The VMM asks for no exception exits. */
static void handle_range(struct vcpu *vcpu, uint32_t exit) {
    if (exit <= BH_EXIT_CR_LAST)
        handle_cr(vcpu);
    else if (exit >= BH_EXIT_EXCEPTION && exit <= BH_EXIT_EXCEPTION_LAST)
        stop(vcpu, "an exception exit that nobody asked for, vector", exit - BH_EXIT_EXCEPTION);
    else if (exit >= BH_EXIT_INSTRUCTION && exit <= BH_EXIT_INSTRUCTION_LAST)
        inject_exception(vcpu, VECTOR_UD, false, 0);
    else
        stop(vcpu, "an exit that isn't known", exit);
}

void exit_handle(struct vcpu *vcpu, uint32_t exit) {
    switch (exit) {
    case BH_EXIT_EVENT: break;
    case BH_EXIT_PORT: handle_port(vcpu); break;
    case BH_EXIT_MEMORY: handle_memory(vcpu); break;
    case BH_EXIT_CPUID: handle_cpuid(vcpu); break;
    case BH_EXIT_MSR: handle_msr(vcpu); break;
    case BH_EXIT_HLT:
        if (skip(vcpu, INSN_HLT))
            vcpu->mode = VCPU_HALTED;
        break;
    case BH_EXIT_CR0: handle_cr(vcpu); break;
    case BH_EXIT_WINDOW:
    case BH_EXIT_NMI_WINDOW: handle_window(vcpu, exit); break;
    case BH_EXIT_SHUTDOWN: stop(vcpu, "triple fault, CR2", vcpu->state->cr2); break;
    case BH_EXIT_INVALID: handle_invalid(vcpu); break;
    case BH_EXIT_HYPERCALL: handle_hypercall(vcpu); break;
    case BH_EXIT_XSETBV: handle_xsetbv(vcpu); break;
    case BH_EXIT_INVD: skip(vcpu, INSN_INVD); break;
    case BH_EXIT_WBINVD: skip(vcpu, INSN_WBINVD); break;
    default: handle_range(vcpu, exit); break;
    }
}
