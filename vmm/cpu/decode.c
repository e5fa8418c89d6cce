/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder: prefixes, opcode, ModRM and SIB, displacement, immediate. Pure, bounded
 * by 15 bytes, never reads beyond what it was given.
 */
#include "vmm/cpu/decode.h"

#include "abi/vcpu.h"

struct cursor {
    const uint8_t *bytes;
    size_t count;
    size_t at;
    enum insn_mode mode;
    bool short_of_bytes;
    bool operand_prefix;     /* 66 */
    bool address_prefix;     /* 67 */
    bool repeat;             /* F3 or F2 */
    uint8_t rex;             /* 0: none */
    uint8_t modrm;
};

enum rex_bit { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

static uint8_t next_byte(struct cursor *c) {
    if (c->at >= INSN_MAX_LENGTH || c->at >= c->count) {
        c->short_of_bytes = true;
        return 0;
    }
    return c->bytes[c->at++];
}

static uint64_t next_unsigned(struct cursor *c, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)next_byte(c) << (8 * i);
    return value;
}

static int64_t next_signed(struct cursor *c, unsigned size) {
    uint64_t value = next_unsigned(c, size);
    switch (size) {
    case 1: return (int8_t)value;
    case 2: return (int16_t)value;
    case 4: return (int32_t)value;
    default: return (int64_t)value;
    }
}

static unsigned mod(const struct cursor *c) { return c->modrm >> 6; }
static unsigned reg_field(const struct cursor *c) { return (c->modrm >> 3) % 8; }
static unsigned rm_field(const struct cursor *c) { return c->modrm % 8; }

static bool rex(const struct cursor *c, enum rex_bit bit) { return (c->rex & bit) != 0; }

/* Takes one legacy prefix (APM3 1.2.2 to 1.2.5); false: the byte is none. */
static bool take_prefix(struct cursor *c, struct insn *insn, uint8_t byte) {
    bool flat = c->mode == INSN_MODE_64;  /* ES, CS, SS, DS overrides are ignored there */
    switch (byte) {
    case 0x66: c->operand_prefix = true; return true;
    case 0x67: c->address_prefix = true; return true;
    case 0xf0: insn->locked = true; return true;
    case 0xf2: case 0xf3: c->repeat = true; return true;
    case 0x26: insn->segment = flat ? insn->segment : BH_ES; return true;
    case 0x2e: insn->segment = flat ? insn->segment : BH_CS; return true;
    case 0x36: insn->segment = flat ? insn->segment : BH_SS; return true;
    case 0x3e: insn->segment = flat ? insn->segment : BH_DS; return true;
    case 0x64: insn->segment = BH_FS; return true;
    case 0x65: insn->segment = BH_GS; return true;
    default: return false;
    }
}

/* Prefixes up to the opcode's first byte, which it answers. A REX counts only right before it. */
static uint8_t take_prefixes(struct cursor *c, struct insn *insn) {
    uint8_t byte = next_byte(c);
    for (unsigned i = 0; i < INSN_MAX_LENGTH && !c->short_of_bytes; i++) {
        if (take_prefix(c, insn, byte))
            c->rex = 0;
        else if (c->mode == INSN_MODE_64 && byte >= 0x40 && byte <= 0x4f)
            c->rex = byte;
        else
            break;
        byte = next_byte(c);
    }
    return byte;
}

static uint8_t operand_size(const struct cursor *c) {
    if (rex(c, REX_W))
        return 8;
    bool small = (c->mode == INSN_MODE_16) != c->operand_prefix;
    return small ? 2 : 4;
}

static uint8_t address_size(const struct cursor *c) {
    if (!c->address_prefix)
        return (uint8_t)c->mode;
    return c->mode == INSN_MODE_32 ? 2 : 4;
}

static void set_base(struct insn *insn, uint8_t base) {
    insn->base = base;
    if (insn->segment == INSN_NO_REGISTER && (base == BH_RSP || base == BH_RBP))
        insn->segment = BH_SS;
}

/* 16-bit addressing: the table of APM3 1.4.1's 16-bit forms. */
static void take_memory_16(struct cursor *c, struct insn *insn) {
    static const uint8_t base[8] = { BH_RBX, BH_RBX, BH_RBP, BH_RBP,
                                     BH_RSI, BH_RDI, BH_RBP, BH_RBX };
    static const uint8_t index[8] = { BH_RSI, BH_RDI, BH_RSI, BH_RDI, INSN_NO_REGISTER,
                                      INSN_NO_REGISTER, INSN_NO_REGISTER, INSN_NO_REGISTER };
    bool absolute = mod(c) == 0 && rm_field(c) == 6;
    if (!absolute) {
        set_base(insn, base[rm_field(c)]);
        insn->index = index[rm_field(c)];
    }
    if (absolute || mod(c) == 2)
        insn->displacement = next_signed(c, 2);
    else if (mod(c) == 1)
        insn->displacement = next_signed(c, 1);
}

static void take_sib(struct cursor *c, struct insn *insn) {
    uint8_t sib = next_byte(c);
    uint8_t index = (uint8_t)((sib >> 3) % 8 + (rex(c, REX_X) ? 8 : 0));
    uint8_t base = (uint8_t)(sib % 8 + (rex(c, REX_B) ? 8 : 0));
    insn->scale = (uint8_t)(1u << (sib >> 6));
    insn->index = index == BH_RSP ? INSN_NO_REGISTER : index;
    if (sib % 8 == BH_RBP && mod(c) == 0)
        insn->displacement = next_signed(c, 4);
    else
        set_base(insn, base);
}

static void take_memory(struct cursor *c, struct insn *insn) {
    if (rm_field(c) == BH_RSP) {
        take_sib(c, insn);
    } else if (mod(c) == 0 && rm_field(c) == BH_RBP) {
        insn->displacement = next_signed(c, 4);
        if (c->mode == INSN_MODE_64)
            insn->base = INSN_RIP_RELATIVE;
    } else {
        set_base(insn, (uint8_t)(rm_field(c) + (rex(c, REX_B) ? 8 : 0)));
    }
    if (mod(c) == 1)
        insn->displacement = next_signed(c, 1);
    else if (mod(c) == 2)
        insn->displacement = next_signed(c, 4);
}

/* Without a REX the byte registers 4 to 7 are AH, CH, DH, BH. */
static uint8_t byte_register(const struct cursor *c, uint8_t number, unsigned size, bool *high) {
    *high = size == 1 && c->rex == 0 && number >= 4 && number < 8;
    return *high ? (uint8_t)(number - 4) : number;
}

static void take_modrm(struct cursor *c, struct insn *insn, unsigned reg_size, unsigned rm_size) {
    c->modrm = next_byte(c);
    insn->reg = byte_register(c, (uint8_t)(reg_field(c) + (rex(c, REX_R) ? 8 : 0)), reg_size,
                              &insn->reg_high);
    insn->memory = mod(c) != 3;
    if (!insn->memory) {
        insn->rm = byte_register(c, (uint8_t)(rm_field(c) + (rex(c, REX_B) ? 8 : 0)), rm_size,
                                 &insn->rm_high);
    } else if (insn->address_size == 2) {
        take_memory_16(c, insn);
    } else {
        take_memory(c, insn);
    }
}

static bool shape(struct insn *insn, enum insn_op op, enum insn_form form, uint8_t size) {
    insn->op = (uint8_t)op;
    insn->form = (uint8_t)form;
    insn->operand_size = size;
    insn->source_size = size;
    return true;
}

/* An operation with a ModRM byte and operands of one size. */
static bool with_modrm(struct cursor *c, struct insn *insn, enum insn_op op, enum insn_form form,
                       uint8_t size) {
    take_modrm(c, insn, size, size);
    return shape(insn, op, form, size);
}

static void take_immediate(struct cursor *c, struct insn *insn, unsigned size) {
    insn->immediate = (uint64_t)next_signed(c, size > 4 ? 4 : size);
}

/* 80, 81, 83: arithmetic with an immediate; the operation is in ModRM's reg field. */
static bool decode_group1(struct cursor *c, struct insn *insn, uint8_t opcode, uint8_t size) {
    take_modrm(c, insn, size, size);
    take_immediate(c, insn, opcode == 0x83 ? 1 : size);
    return shape(insn, (enum insn_op)(INSN_ADD + reg_field(c)), INSN_FORM_RM_IMMEDIATE, size);
}

/* F6, F7: TEST with an immediate, NOT, NEG. */
static bool decode_group3(struct cursor *c, struct insn *insn, uint8_t size) {
    take_modrm(c, insn, size, size);
    switch (reg_field(c)) {
    case 0:
    case 1:
        take_immediate(c, insn, size);
        return shape(insn, INSN_TEST, INSN_FORM_RM_IMMEDIATE, size);
    case 2: return shape(insn, INSN_NOT, INSN_FORM_RM, size);
    case 3: return shape(insn, INSN_NEG, INSN_FORM_RM, size);
    default: return false;
    }
}

/* FE, FF: INC and DEC. */
static bool decode_group4(struct cursor *c, struct insn *insn, uint8_t size) {
    take_modrm(c, insn, size, size);
    switch (reg_field(c)) {
    case 0: return shape(insn, INSN_INC, INSN_FORM_RM, size);
    case 1: return shape(insn, INSN_DEC, INSN_FORM_RM, size);
    default: return false;
    }
}

/* C6, C7: MOV of an immediate. */
static bool decode_group11(struct cursor *c, struct insn *insn, uint8_t size) {
    take_modrm(c, insn, size, size);
    take_immediate(c, insn, size);
    return reg_field(c) == 0 && shape(insn, INSN_MOV, INSN_FORM_RM_IMMEDIATE, size);
}

/* A0 to A3: MOV between the accumulator and an absolute address. */
static bool decode_absolute(struct cursor *c, struct insn *insn, uint8_t opcode, uint8_t size) {
    insn->memory = true;
    insn->displacement = (int64_t)next_unsigned(c, insn->address_size);
    insn->reg = BH_RAX;
    return shape(insn, INSN_MOV, opcode < 0xa2 ? INSN_FORM_REG_RM : INSN_FORM_RM_REG, size);
}

static bool decode_arithmetic(struct cursor *c, struct insn *insn, uint8_t opcode, uint8_t size) {
    if (opcode % 8 > 3)
        return false;
    enum insn_form form = opcode % 4 < 2 ? INSN_FORM_RM_REG : INSN_FORM_REG_RM;
    return with_modrm(c, insn, (enum insn_op)(INSN_ADD + opcode / 8), form, size);
}

/* Port string instructions move at most four bytes at a time. */
static uint8_t port_size(uint8_t size) {
    return size == 8 ? 4 : size;
}

static bool decode_one_byte(struct cursor *c, struct insn *insn, uint8_t opcode) {
    uint8_t size = opcode % 2 == 0 ? 1 : operand_size(c);
    if (opcode < 0x40)
        return decode_arithmetic(c, insn, opcode, size);
    switch (opcode) {
    case 0x63:           /* MOVSXD; nobody uses the 16-bit form, which processors disagree on */
        if (c->mode != INSN_MODE_64 || size == 2)
            return false;
        take_modrm(c, insn, size, 4);
        shape(insn, INSN_MOVSX, INSN_FORM_REG_RM, size);
        insn->source_size = 4;
        return true;
    case 0x6c: case 0x6d: return shape(insn, INSN_INS, INSN_FORM_IMPLICIT, port_size(size));
    case 0x6e: case 0x6f: return shape(insn, INSN_OUTS, INSN_FORM_IMPLICIT, port_size(size));
    case 0x82: return c->mode != INSN_MODE_64 && decode_group1(c, insn, opcode, 1);
    case 0x80: case 0x81: return decode_group1(c, insn, opcode, size);
    case 0x83: return decode_group1(c, insn, opcode, size);
    case 0x84: case 0x85: return with_modrm(c, insn, INSN_TEST, INSN_FORM_RM_REG, size);
    case 0x86: case 0x87: return with_modrm(c, insn, INSN_XCHG, INSN_FORM_RM_REG, size);
    case 0x88: case 0x89: return with_modrm(c, insn, INSN_MOV, INSN_FORM_RM_REG, size);
    case 0x8a: case 0x8b: return with_modrm(c, insn, INSN_MOV, INSN_FORM_REG_RM, size);
    case 0xa0: case 0xa1: case 0xa2: case 0xa3: return decode_absolute(c, insn, opcode, size);
    case 0xa4: case 0xa5: return shape(insn, INSN_MOVS, INSN_FORM_IMPLICIT, size);
    case 0xaa: case 0xab: return shape(insn, INSN_STOS, INSN_FORM_IMPLICIT, size);
    case 0xac: case 0xad: return shape(insn, INSN_LODS, INSN_FORM_IMPLICIT, size);
    case 0xc6: case 0xc7: return decode_group11(c, insn, size);
    case 0xf4: return shape(insn, INSN_HLT, INSN_FORM_IMPLICIT, 1);
    case 0xf6: case 0xf7: return decode_group3(c, insn, size);
    case 0xfe: case 0xff: return decode_group4(c, insn, size);
    default: return false;
    }
}

/* MOVZX, MOVSX: from a byte or a word. */
static bool decode_extend(struct cursor *c, struct insn *insn, uint8_t opcode, enum insn_op op) {
    uint8_t source = opcode % 2 == 0 ? 1 : 2;
    take_modrm(c, insn, operand_size(c), source);
    shape(insn, op, INSN_FORM_REG_RM, operand_size(c));
    insn->source_size = source;
    return true;
}

/* 0F BA: bit operations with an immediate index. */
static bool decode_group8(struct cursor *c, struct insn *insn) {
    uint8_t size = operand_size(c);
    take_modrm(c, insn, size, size);
    take_immediate(c, insn, 1);
    if (reg_field(c) < 4)
        return false;
    return shape(insn, (enum insn_op)(INSN_BT + reg_field(c) - 4), INSN_FORM_RM_IMMEDIATE, size);
}

/* 0F 01: the system instructions that the VMM answers. */
static bool decode_group7(struct cursor *c, struct insn *insn) {
    uint8_t size = c->operand_prefix ? 2 : operand_size(c);
    take_modrm(c, insn, size, size);
    switch (c->modrm) {
    case 0xd1: return shape(insn, INSN_XSETBV, INSN_FORM_IMPLICIT, 4);
    case 0xd9: return shape(insn, INSN_VMMCALL, INSN_FORM_IMPLICIT, 4);
    default: break;
    }
    if (reg_field(c) == 6)
        return shape(insn, INSN_LMSW, INSN_FORM_RM, 2);
    if (reg_field(c) == 4)
        return shape(insn, INSN_SMSW, INSN_FORM_RM, insn->memory ? 2 : size);
    return false;
}

/* 0F 20, 0F 22: ModRM names two registers whatever its mod field says (APM3, MOV CRn). */
static bool decode_control_register(struct cursor *c, struct insn *insn, uint8_t opcode) {
    c->modrm = next_byte(c);
    insn->reg = (uint8_t)(reg_field(c) + (rex(c, REX_R) || insn->locked ? 8 : 0));
    insn->rm = (uint8_t)(rm_field(c) + (rex(c, REX_B) ? 8 : 0));
    enum insn_op op = opcode == 0x20 ? INSN_MOV_FROM_CR : INSN_MOV_TO_CR;
    return shape(insn, op, opcode == 0x20 ? INSN_FORM_RM_REG : INSN_FORM_REG_RM,
                 c->mode == INSN_MODE_64 ? 8 : 4);
}

static bool decode_two_byte(struct cursor *c, struct insn *insn) {
    uint8_t opcode = next_byte(c);
    uint8_t size = opcode % 2 == 0 ? 1 : operand_size(c);
    switch (opcode) {
    case 0x01: return decode_group7(c, insn);
    case 0x06: return shape(insn, INSN_CLTS, INSN_FORM_IMPLICIT, 4);
    case 0x08: return shape(insn, INSN_INVD, INSN_FORM_IMPLICIT, 4);
    case 0x09: return shape(insn, INSN_WBINVD, INSN_FORM_IMPLICIT, 4);
    case 0x20: case 0x22: return decode_control_register(c, insn, opcode);
    case 0x30: return shape(insn, INSN_WRMSR, INSN_FORM_IMPLICIT, 4);
    case 0x31: return shape(insn, INSN_RDTSC, INSN_FORM_IMPLICIT, 4);
    case 0x32: return shape(insn, INSN_RDMSR, INSN_FORM_IMPLICIT, 4);
    case 0xa2: return shape(insn, INSN_CPUID, INSN_FORM_IMPLICIT, 4);
    case 0xb0: case 0xb1: return with_modrm(c, insn, INSN_CMPXCHG, INSN_FORM_RM_REG, size);
    case 0xb6: case 0xb7: return decode_extend(c, insn, opcode, INSN_MOVZX);
    case 0xba: return decode_group8(c, insn);
    case 0xbe: case 0xbf: return decode_extend(c, insn, opcode, INSN_MOVSX);
    case 0xc0: case 0xc1: return with_modrm(c, insn, INSN_XADD, INSN_FORM_RM_REG, size);
    case 0xc3:           /* MOVNTI: a store like any other here, never of 16 bits */
        size = rex(c, REX_W) ? 8 : 4;
        take_modrm(c, insn, size, size);
        return insn->memory && shape(insn, INSN_MOV, INSN_FORM_RM_REG, size);
    default: return false;
    }
}

enum decode_result decode(const uint8_t *bytes, size_t count, enum insn_mode mode,
                          struct insn *insn) {
    struct cursor c = { .bytes = bytes, .count = count, .mode = mode };
    *insn = (struct insn){ .segment = INSN_NO_REGISTER, .base = INSN_NO_REGISTER,
                           .index = INSN_NO_REGISTER, .scale = 1 };
    uint8_t opcode = take_prefixes(&c, insn);
    insn->address_size = address_size(&c);
    bool known = opcode == 0x0f ? decode_two_byte(&c, insn) : decode_one_byte(&c, insn, opcode);
    if (c.short_of_bytes)
        return count < INSN_MAX_LENGTH ? DECODE_SHORT : DECODE_UNKNOWN;
    if (!known)
        return DECODE_UNKNOWN;
    insn->rep = c.repeat;
    insn->length = (uint8_t)c.at;
    if (insn->segment == INSN_NO_REGISTER)
        insn->segment = BH_DS;
    return DECODE_OK;
}
