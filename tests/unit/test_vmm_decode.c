/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's instruction decoder against an independent one: whatever ours decodes must have the
 * same length, operand widths, registers, address and immediate for Zydis, over random bytes and
 * over every opcode that we claim to know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

#include "abi/vcpu.h"
#include "vmm/cpu/decode.h"

struct oracle {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
};

static bool oracle_decode(const uint8_t *bytes, size_t size, enum insn_mode mode,
                          struct oracle *oracle) {
    static const ZydisMachineMode modes[] = { [INSN_MODE_16] = ZYDIS_MACHINE_MODE_LEGACY_16,
                                              [INSN_MODE_32] = ZYDIS_MACHINE_MODE_LEGACY_32,
                                              [INSN_MODE_64] = ZYDIS_MACHINE_MODE_LONG_64 };
    static const ZydisStackWidth widths[] = { [INSN_MODE_16] = ZYDIS_STACK_WIDTH_16,
                                              [INSN_MODE_32] = ZYDIS_STACK_WIDTH_32,
                                              [INSN_MODE_64] = ZYDIS_STACK_WIDTH_64 };
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, modes[mode], widths[mode]);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &oracle->instruction,
                                               oracle->operand));
}

static void complain(const uint8_t *bytes, enum insn_mode mode, const struct insn *insn,
                     const char *what) {
    char text[3 * INSN_MAX_LENGTH + 1];
    for (unsigned i = 0; i < INSN_MAX_LENGTH; i++)
        snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
    fail_msg("%s differs in mode %u: %s(our op %u, length %u)", what, mode, text, insn->op,
             insn->length);
}

/* Zydis' register as our number, or INSN_NO_REGISTER. */
static uint8_t number_of(ZydisRegister reg) {
    if (reg == ZYDIS_REGISTER_NONE)
        return INSN_NO_REGISTER;
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
        return INSN_RIP_RELATIVE;
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    return (uint8_t)ZydisRegisterGetId(whole == ZYDIS_REGISTER_NONE ? reg : whole);
}

static const ZydisDecodedOperand *memory_operand(const struct oracle *oracle) {
    for (unsigned i = 0; i < oracle->instruction.operand_count_visible; i++)
        if (oracle->operand[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
            return &oracle->operand[i];
    return NULL;
}

static const ZydisDecodedOperand *register_operand(const struct oracle *oracle, unsigned skip) {
    for (unsigned i = 0; i < oracle->instruction.operand_count_visible; i++)
        if (oracle->operand[i].type == ZYDIS_OPERAND_TYPE_REGISTER && skip-- == 0)
            return &oracle->operand[i];
    return NULL;
}

static uint8_t segment_of(ZydisRegister reg) {
    switch (reg) {
    case ZYDIS_REGISTER_ES: return BH_ES;
    case ZYDIS_REGISTER_CS: return BH_CS;
    case ZYDIS_REGISTER_SS: return BH_SS;
    case ZYDIS_REGISTER_FS: return BH_FS;
    case ZYDIS_REGISTER_GS: return BH_GS;
    default: return BH_DS;
    }
}

static bool is_string(const struct insn *insn) {
    return insn->op >= INSN_MOVS && insn->op <= INSN_OUTS;
}

/* Zydis 4.0.0 overlooks, with a 67 prefix, that SIB base 5 with REX.B and mod 0 is no base at all
 * (APM volume 3, table 1-13). */
static bool oracle_errs(const struct insn *insn, const ZydisDecodedOperandMem *m) {
    return insn->address_size == 4 && insn->base == INSN_NO_REGISTER &&
           number_of(m->base) == BH_R13;
}

static bool same_address(const struct insn *insn, const ZydisDecodedOperand *memory) {
    const ZydisDecodedOperandMem *m = &memory->mem;
    if (oracle_errs(insn, m))
        return true;
    bool same_registers = insn->base == number_of(m->base) && insn->index == number_of(m->index);
    bool same_scale = insn->index == INSN_NO_REGISTER || insn->address_size == 2 ||
                      insn->scale == m->scale;
    uint64_t mask = insn->address_size == 8 ? ~0ull : (1ull << (8 * insn->address_size)) - 1;
    int64_t displacement = m->disp.has_displacement ? m->disp.value : 0;
    bool same_displacement = (((uint64_t)insn->displacement ^ (uint64_t)displacement) & mask) == 0;
    return same_registers && same_scale && same_displacement &&
           insn->segment == segment_of(m->segment);
}

static void compare_operands(const uint8_t *bytes, enum insn_mode mode, const struct insn *insn,
                             const struct oracle *oracle) {
    const ZydisDecodedOperand *memory = memory_operand(oracle);
    const ZydisDecodedOperand *reg = register_operand(oracle, 0);
    bool swapped = insn->op == INSN_MOV_TO_CR || insn->op == INSN_MOV_FROM_CR;
    if (insn->memory != (memory != NULL))
        complain(bytes, mode, insn, "the kind of the r/m operand");
    if (memory && !same_address(insn, memory))
        complain(bytes, mode, insn, "the address");
    if (memory && insn->op <= INSN_XADD && memory->size / 8 !=
        (insn->form == INSN_FORM_REG_RM ? insn->source_size : insn->operand_size))
        complain(bytes, mode, insn, "the memory operand's width");
    bool names_register = insn->form == INSN_FORM_RM_REG || insn->form == INSN_FORM_REG_RM;
    if (memory && names_register && reg) {
        uint8_t number = number_of(reg->reg.value);
        bool high = reg->reg.value >= ZYDIS_REGISTER_AH && reg->reg.value <= ZYDIS_REGISTER_BH;
        if (high != insn->reg_high || number != insn->reg || reg->size / 8 != insn->operand_size)
            complain(bytes, mode, insn, "the register operand");
    }
    if (swapped && reg) {
        const ZydisDecodedOperand *second = register_operand(oracle, 1);
        const ZydisDecodedOperand *control = insn->op == INSN_MOV_TO_CR ? reg : second;
        const ZydisDecodedOperand *general = insn->op == INSN_MOV_TO_CR ? second : reg;
        if (number_of(control->reg.value) != insn->reg || number_of(general->reg.value) != insn->rm)
            complain(bytes, mode, insn, "a control register's move");
    }
}

static void compare_immediate(const uint8_t *bytes, enum insn_mode mode, const struct insn *insn,
                              const struct oracle *oracle) {
    if (insn->form != INSN_FORM_RM_IMMEDIATE)
        return;
    uint64_t mask = insn->operand_size == 8 ? ~0ull : (1ull << (8 * insn->operand_size)) - 1;
    for (unsigned i = 0; i < oracle->instruction.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &oracle->operand[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
            ((operand->imm.value.u ^ insn->immediate) & mask & 0xff) != 0)
            complain(bytes, mode, insn, "the immediate");
    }
}

/* true: both decoders took the bytes. */
static bool compare(const uint8_t bytes[INSN_MAX_LENGTH], enum insn_mode mode) {
    struct insn insn;
    struct oracle oracle;
    if (decode(bytes, INSN_MAX_LENGTH, mode, &insn) != DECODE_OK)
        return false;
    if (!oracle_decode(bytes, INSN_MAX_LENGTH, mode, &oracle))
        return false;
    if (insn.length != oracle.instruction.length)
        complain(bytes, mode, &insn, "the length");
    if (insn.address_size * 8 != oracle.instruction.address_width)
        complain(bytes, mode, &insn, "the address size");
    if (!is_string(&insn))
        compare_operands(bytes, mode, &insn, &oracle);
    compare_immediate(bytes, mode, &insn, &oracle);
    return true;
}

static void random_bytes(uint8_t bytes[INSN_MAX_LENGTH]) {
    for (unsigned i = 0; i < INSN_MAX_LENGTH; i++)
        bytes[i] = (uint8_t)random();
}

static const enum insn_mode modes[] = { INSN_MODE_16, INSN_MODE_32, INSN_MODE_64 };

static void random_instructions_agree(void **state) {
    (void)state;
    enum { ROUNDS = 1000000 };
    uint8_t bytes[INSN_MAX_LENGTH];
    unsigned agreed = 0;
    srandom(1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        random_bytes(bytes);
        agreed += compare(bytes, modes[i % 3]);
    }
    assert_true(agreed > ROUNDS / 10);
}

/* Prefixes before each opcode, every ModRM byte. */
static void each_opcode_agrees(void **state) {
    (void)state;
    static const uint8_t prefixes[] = { 0x90, 0x66, 0x67, 0xf2, 0xf3, 0x64, 0x26, 0x40, 0x44, 0x48,
                                        0x4f, 0x41 };
    uint8_t bytes[INSN_MAX_LENGTH];
    srandom(2);
    for (unsigned opcode = 0; opcode < 512; opcode++) {
        for (unsigned i = 0; i < 256 * sizeof(prefixes); i++) {
            unsigned at = 0;
            random_bytes(bytes);
            if (prefixes[i / 256] != 0x90)
                bytes[at++] = prefixes[i / 256];
            if (opcode >= 256)
                bytes[at++] = 0x0f;
            bytes[at++] = (uint8_t)opcode;
            bytes[at] = (uint8_t)i;
            for (unsigned mode = 0; mode < 3; mode++)
                compare(bytes, modes[mode]);
        }
    }
}

struct sample { const char *name; uint8_t bytes[8]; uint8_t size; uint8_t op; uint8_t length; };

/* What guests are known to use on us. */
static void known_instructions_decode(void **state) {
    (void)state;
    static const struct sample samples[] = {
        { "cpuid", { 0x0f, 0xa2 }, 2, INSN_CPUID, 2 },
        { "rdmsr", { 0x0f, 0x32 }, 2, INSN_RDMSR, 2 },
        { "wrmsr", { 0x0f, 0x30 }, 2, INSN_WRMSR, 2 },
        { "hlt", { 0xf4 }, 1, INSN_HLT, 1 },
        { "rep hlt", { 0xf3, 0xf4 }, 2, INSN_HLT, 2 },
        { "vmmcall", { 0x0f, 0x01, 0xd9 }, 3, INSN_VMMCALL, 3 },
        { "xsetbv", { 0x0f, 0x01, 0xd1 }, 3, INSN_XSETBV, 3 },
        { "wbinvd", { 0x0f, 0x09 }, 2, INSN_WBINVD, 2 },
        { "lmsw ax", { 0x0f, 0x01, 0xf0 }, 3, INSN_LMSW, 3 },
        { "mov cr0, rax", { 0x0f, 0x22, 0xc0 }, 3, INSN_MOV_TO_CR, 3 },
        { "mov eax, [rdi]", { 0x8b, 0x07 }, 2, INSN_MOV, 2 },
        { "mov [rdi], ax", { 0x66, 0x89, 0x07 }, 3, INSN_MOV, 3 },
        { "mov al, [rdi]", { 0x8a, 0x07 }, 2, INSN_MOV, 2 },
        { "rep movsd", { 0xf3, 0xa5 }, 2, INSN_MOVS, 2 },
        { "rep outsb", { 0xf3, 0x6e }, 2, INSN_OUTS, 2 },
    };
    for (unsigned i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        struct insn insn;
        const struct sample *s = &samples[i];
        assert_int_equal(decode(s->bytes, s->size, INSN_MODE_64, &insn), DECODE_OK);
        assert_int_equal(insn.op, s->op);
        assert_int_equal(insn.length, s->length);
        for (unsigned size = 0; size < s->length; size++)
            assert_int_equal(decode(s->bytes, size, INSN_MODE_64, &insn), DECODE_SHORT);
    }
}

static void endless_prefixes_are_refused(void **state) {
    (void)state;
    uint8_t bytes[INSN_MAX_LENGTH + 1];
    struct insn insn;
    memset(bytes, 0x66, sizeof(bytes));
    assert_int_equal(decode(bytes, sizeof(bytes), INSN_MODE_64, &insn), DECODE_UNKNOWN);
    assert_int_equal(decode(bytes, 5, INSN_MODE_64, &insn), DECODE_SHORT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instructions_decode),
        cmocka_unit_test(endless_prefixes_are_refused),
        cmocka_unit_test(random_instructions_agree),
        cmocka_unit_test(each_opcode_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
