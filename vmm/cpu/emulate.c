/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulator of instructions on device memory. Trusts the decoder's output for its ranges only.
 *
 * References: AMD64 Architecture Programmer's Manual volume 3, the instructions' own pages.
 */
#include "vmm/cpu/emulate.h"

#include "vmm/cpu/x86.h"

struct operation {
    const struct guest_memory *memory;
    struct bh_vcpu_state *state;
    const struct insn *insn;
    struct gpa at;
    const struct emulate_bus *bus;
    struct emulate_fault *fault;
};

static uint64_t size_mask(unsigned size) {
    return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static uint64_t sign_bit(unsigned size) {
    return 1ull << (8 * size - 1);
}

static uint64_t sign_extend(uint64_t value, unsigned size) {
    uint64_t sign = sign_bit(size);
    return ((value & size_mask(size)) ^ sign) - sign;
}

uint64_t register_read(const struct bh_vcpu_state *state, unsigned reg, bool high, unsigned size) {
    uint64_t value = state->gpr[reg % BH_GPR_COUNT];
    return (high ? value >> 8 : value) & size_mask(size);
}

void register_write(struct bh_vcpu_state *state, unsigned reg, bool high, unsigned size,
                    uint64_t value) {
    uint64_t *target = &state->gpr[reg % BH_GPR_COUNT];
    uint64_t mask = size_mask(size);
    if (high)
        *target = (*target & ~0xff00ull) | (value & 0xff) << 8;
    else if (size == 4)
        *target = value & mask;
    else
        *target = (*target & ~mask) | (value & mask);
}

void emulate_skip(struct bh_vcpu_state *state, unsigned length) {
    state->rip += length;
    if (walk_mode(state) != INSN_MODE_64)
        state->rip &= 0xffffffffull;
    state->rflags &= ~(uint64_t)RFLAGS_RF;
    state->shadow = 0;
    state->dirty |= BH_STATE_GPR;
}

/* ZF, SF and PF of a result. */
static uint64_t result_flags(uint64_t result, unsigned size) {
    uint64_t flags = 0;
    if ((result & size_mask(size)) == 0)
        flags |= RFLAGS_ZF;
    if (result & sign_bit(size))
        flags |= RFLAGS_SF;
    if (__builtin_parity((unsigned)(result & 0xff)) == 0)
        flags |= RFLAGS_PF;
    return flags;
}

static void set_flags(struct bh_vcpu_state *state, uint64_t which, uint64_t flags) {
    state->rflags = (state->rflags & ~which) | (flags & which);
}

#define FLAGS_LOGIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)
#define FLAGS_COUNT (FLAGS_LOGIC & ~RFLAGS_CF)

static uint64_t add_flags(uint64_t a, uint64_t b, uint64_t sum, uint64_t carry, unsigned size) {
    uint64_t flags = result_flags(sum, size);
    bool carried = carry ? sum <= a : sum < a;
    if (carried)
        flags |= RFLAGS_CF;
    if ((a ^ b ^ sum) & 0x10)
        flags |= RFLAGS_AF;
    if ((a ^ sum) & (b ^ sum) & sign_bit(size))
        flags |= RFLAGS_OF;
    return flags;
}

static uint64_t subtract_flags(uint64_t a, uint64_t b, uint64_t difference, uint64_t borrow,
                               unsigned size) {
    uint64_t flags = result_flags(difference, size);
    bool borrowed = borrow ? a <= b : a < b;
    if (borrowed)
        flags |= RFLAGS_CF;
    if ((a ^ b ^ difference) & 0x10)
        flags |= RFLAGS_AF;
    if ((a ^ b) & (a ^ difference) & sign_bit(size))
        flags |= RFLAGS_OF;
    return flags;
}

static uint64_t add(struct bh_vcpu_state *state, uint64_t a, uint64_t b, uint64_t carry,
                    unsigned size, uint64_t which) {
    uint64_t sum = (a + b + carry) & size_mask(size);
    set_flags(state, which, add_flags(a, b, sum, carry, size));
    return sum;
}

static uint64_t subtract(struct bh_vcpu_state *state, uint64_t a, uint64_t b, uint64_t borrow,
                         unsigned size, uint64_t which) {
    uint64_t difference = (a - b - borrow) & size_mask(size);
    set_flags(state, which, subtract_flags(a, b, difference, borrow, size));
    return difference;
}

static uint64_t logic(struct bh_vcpu_state *state, uint64_t result, unsigned size) {
    set_flags(state, FLAGS_LOGIC, result_flags(result, size));
    return result & size_mask(size);
}

/* Bit test and its three writing variants; the index wraps at the operand's width. */
static uint64_t bit_operation(struct bh_vcpu_state *state, enum insn_op op, uint64_t a, uint64_t b,
                              unsigned size) {
    uint64_t bit = 1ull << (b % (8 * size));
    set_flags(state, RFLAGS_CF, a & bit ? RFLAGS_CF : 0);
    switch (op) {
    case INSN_BTS: return a | bit;
    case INSN_BTR: return a & ~bit;
    case INSN_BTC: return a ^ bit;
    default: return a;
    }
}

/* The new value of the first operand `a`, with the second `b`; sets the flags. */
static uint64_t compute(struct bh_vcpu_state *state, enum insn_op op, uint64_t a, uint64_t b,
                        unsigned size) {
    uint64_t carry = state->rflags & RFLAGS_CF;
    switch (op) {
    case INSN_ADD: return add(state, a, b, 0, size, FLAGS_LOGIC);
    case INSN_ADC: return add(state, a, b, carry, size, FLAGS_LOGIC);
    case INSN_SUB:
    case INSN_CMP: return subtract(state, a, b, 0, size, FLAGS_LOGIC);
    case INSN_SBB: return subtract(state, a, b, carry, size, FLAGS_LOGIC);
    case INSN_NEG: return subtract(state, 0, a, 0, size, FLAGS_LOGIC);
    case INSN_INC: return add(state, a, 1, 0, size, FLAGS_COUNT);
    case INSN_DEC: return subtract(state, a, 1, 0, size, FLAGS_COUNT);
    case INSN_AND:
    case INSN_TEST: return logic(state, a & b, size);
    case INSN_OR:  return logic(state, a | b, size);
    case INSN_XOR: return logic(state, a ^ b, size);
    case INSN_NOT: return ~a & size_mask(size);
    default: return bit_operation(state, op, a, b, size);
    }
}

static bool writes_first(enum insn_op op) {
    return op != INSN_CMP && op != INSN_TEST && op != INSN_BT;
}

/* ---- The two operands ---- */

static uint64_t read_memory(const struct operation *o, unsigned size) {
    return o->bus->read(o->bus->context, o->at, size) & size_mask(size);
}

static void write_memory(const struct operation *o, unsigned size, uint64_t value) {
    o->bus->write(o->bus->context, o->at, size, value & size_mask(size));
}

static uint64_t read_second(const struct operation *o) {
    const struct insn *insn = o->insn;
    switch (insn->form) {
    case INSN_FORM_RM_REG:
        return register_read(o->state, insn->reg, insn->reg_high, insn->operand_size);
    case INSN_FORM_REG_RM: return read_memory(o, insn->source_size);
    case INSN_FORM_RM_IMMEDIATE: return insn->immediate & size_mask(insn->operand_size);
    default: return 0;
    }
}

static void write_first(const struct operation *o, uint64_t value) {
    const struct insn *insn = o->insn;
    if (insn->form == INSN_FORM_REG_RM)
        register_write(o->state, insn->reg, insn->reg_high, insn->operand_size, value);
    else
        write_memory(o, insn->operand_size, value);
}

static uint64_t read_first(const struct operation *o) {
    const struct insn *insn = o->insn;
    if (insn->form == INSN_FORM_REG_RM)
        return register_read(o->state, insn->reg, insn->reg_high, insn->operand_size);
    return read_memory(o, insn->operand_size);
}

/* XCHG, XADD and CMPXCHG: memory first, a register second, whatever the encoding says. */
static void exchange(const struct operation *o) {
    const struct insn *insn = o->insn;
    unsigned size = insn->operand_size;
    uint64_t reg = register_read(o->state, insn->reg, insn->reg_high, size);
    uint64_t old = read_memory(o, size);
    if (insn->op == INSN_XCHG) {
        write_memory(o, size, reg);
        register_write(o->state, insn->reg, insn->reg_high, size, old);
    } else if (insn->op == INSN_XADD) {
        write_memory(o, size, add(o->state, old, reg, 0, size, FLAGS_LOGIC));
        register_write(o->state, insn->reg, insn->reg_high, size, old);
    } else {
        uint64_t expected = register_read(o->state, BH_RAX, false, size);
        subtract(o->state, expected, old, 0, size, FLAGS_LOGIC);
        write_memory(o, size, expected == old ? reg : old);
        if (expected != old)
            register_write(o->state, BH_RAX, false, size, old);
    }
}

static void one_operation(const struct operation *o) {
    const struct insn *insn = o->insn;
    enum insn_op op = (enum insn_op)insn->op;
    if (op == INSN_MOV || op == INSN_MOVZX) {
        write_first(o, read_second(o));
    } else if (op == INSN_MOVSX) {
        write_first(o, sign_extend(read_second(o), insn->source_size));
    } else if (op == INSN_XCHG || op == INSN_XADD || op == INSN_CMPXCHG) {
        exchange(o);
    } else {
        uint64_t first = read_first(o);
        uint64_t result = compute(o->state, op, first, read_second(o), insn->operand_size);
        if (writes_first(op))
            write_first(o, result);
    }
}

/* ---- String instructions ---- */

struct gva emulate_string_address(const struct bh_vcpu_state *state, const struct insn *insn,
                                  unsigned register_index, unsigned segment) {
    uint64_t offset = register_read(state, register_index, false, insn->address_size);
    bool based = walk_mode(state) != INSN_MODE_64 || segment == BH_FS || segment == BH_GS;
    uint64_t base = based ? state->segment[segment].base : 0;
    uint64_t mask = walk_mode(state) == INSN_MODE_64 ? ~0ull : 0xffffffffull;
    return (struct gva){ (base + offset) & mask };
}

void emulate_string_step(struct bh_vcpu_state *state, const struct insn *insn,
                         unsigned register_index) {
    uint64_t step = insn->operand_size;
    uint64_t value = register_read(state, register_index, false, insn->address_size);
    value += state->rflags & RFLAGS_DF ? -step : step;
    register_write(state, register_index, false, insn->address_size, value);
}

bool emulate_rep_done(const struct bh_vcpu_state *state, const struct insn *insn) {
    return insn->rep && register_read(state, BH_RCX, false, insn->address_size) == 0;
}

void emulate_rep_count(struct bh_vcpu_state *state, const struct insn *insn) {
    if (insn->rep)
        register_write(state, BH_RCX, false, insn->address_size,
                       register_read(state, BH_RCX, false, insn->address_size) - 1);
}

/* Where up to `size` bytes at `at` lie; `part` gets how many of them are on this page. */
static bool translate(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                      struct gva at, uint32_t access, struct gpa *gpa,
                      struct emulate_fault *fault) {
    struct walk_result result = walk(memory, state, at,
                                     access | (state->cpl == 3 ? WALK_USER : 0));
    *gpa = result.gpa;
    if (!result.ok)
        *fault = (struct emulate_fault){ .error = result.error, .address = at.value };
    return result.ok;
}

static unsigned bytes_on_page(struct gva at, unsigned size) {
    unsigned left = (unsigned)(BH_PAGE_SIZE - at.value % BH_PAGE_SIZE);
    return left < size ? left : size;
}

bool emulate_linear_read(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                         struct gva at, unsigned size, const struct emulate_bus *bus,
                         uint64_t *value, struct emulate_fault *fault) {
    uint8_t bytes[8] = { 0 };
    for (unsigned done = 0; done < size;) {
        struct gva here = { at.value + done };
        unsigned part = bytes_on_page(here, size - done);
        struct gpa gpa;
        if (!translate(memory, state, here, 0, &gpa, fault))
            return false;
        if (!guest_read(memory, gpa, bytes + done, part)) {
            uint64_t from_device = bus && part == size ? bus->read(bus->context, gpa, size) : ~0ull;
            for (unsigned i = 0; i < part; i++)
                bytes[done + i] = (uint8_t)(from_device >> (8 * i));
        }
        done += part;
    }
    *value = 0;
    for (unsigned i = 0; i < size; i++)
        *value |= (uint64_t)bytes[i] << (8 * i);
    return true;
}

bool emulate_linear_write(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                          struct gva at, unsigned size, const struct emulate_bus *bus,
                          uint64_t value, struct emulate_fault *fault) {
    struct gpa gpa[2];
    unsigned first = bytes_on_page(at, size);
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    if (!translate(memory, state, at, WALK_WRITE, &gpa[0], fault))
        return false;
    struct gva next = { at.value + first };
    if (first < size && !translate(memory, state, next, WALK_WRITE, &gpa[1], fault))
        return false;
    bool in_ram = guest_write(memory, gpa[0], bytes, first);
    if (!in_ram && bus && first == size)
        bus->write(bus->context, gpa[0], size, value & size_mask(size));
    if (first < size)
        guest_write(memory, gpa[1], bytes + first, size - first);
    return true;
}

static bool move_element(const struct operation *o) {
    const struct insn *insn = o->insn;
    unsigned size = insn->operand_size;
    uint64_t value = register_read(o->state, BH_RAX, false, size);
    struct gva source = emulate_string_address(o->state, insn, BH_RSI, insn->segment);
    struct gva target = emulate_string_address(o->state, insn, BH_RDI, BH_ES);
    if (insn->op != INSN_STOS &&
        !emulate_linear_read(o->memory, o->state, source, size, o->bus, &value, o->fault))
        return false;
    if (insn->op == INSN_LODS)
        register_write(o->state, BH_RAX, false, size, value);
    else if (!emulate_linear_write(o->memory, o->state, target, size, o->bus, value, o->fault))
        return false;
    if (insn->op != INSN_STOS)
        emulate_string_step(o->state, insn, BH_RSI);
    if (insn->op != INSN_LODS)
        emulate_string_step(o->state, insn, BH_RDI);
    emulate_rep_count(o->state, insn);
    return true;
}

/* Moves elements until the count is used up or the limit reached; then the guest repeats it. */
static enum emulate_result move_string(const struct operation *o) {
    o->state->dirty |= BH_STATE_GPR;
    for (unsigned i = 0; i < EMULATE_REP_LIMIT && !emulate_rep_done(o->state, o->insn); i++) {
        if (!move_element(o))
            return EMULATE_FAULT;
        if (!o->insn->rep)
            break;
    }
    if (!o->insn->rep || emulate_rep_done(o->state, o->insn))
        emulate_skip(o->state, o->insn->length);
    return EMULATE_DONE;
}

enum emulate_result emulate(const struct guest_memory *memory, struct bh_vcpu_state *state,
                            const struct insn *insn, struct gpa at,
                            const struct emulate_bus *bus, struct emulate_fault *fault) {
    const struct operation o = { memory, state, insn, at, bus, fault };
    if (insn->op == INSN_MOVS || insn->op == INSN_STOS || insn->op == INSN_LODS)
        return move_string(&o);
    if (!insn->memory || insn->op > INSN_XADD)
        return EMULATE_UNKNOWN;
    one_operation(&o);
    emulate_skip(state, insn->length);
    return EMULATE_DONE;
}
