/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes the x86 instructions that reach the VMM: those that guests use on device memory, and
 * those that exit by themselves and whose length the hardware doesn't always tell. Pure: looks at
 * the bytes it is given only. The bytes are the guest's, so anything may be in them.
 *
 * References: AMD64 Architecture Programmer's Manual volume 3 ("APM3"), appendix A (opcode maps),
 * section 1.2 (instruction encoding).
 */
#ifndef VMM_DECODE_H
#define VMM_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_MAX_LENGTH 15u
#define INSN_NO_REGISTER 0xffu
#define INSN_RIP_RELATIVE 0xfeu

enum insn_op {
    INSN_ADD, INSN_OR, INSN_ADC, INSN_SBB, INSN_AND, INSN_SUB, INSN_XOR, INSN_CMP, /* as encoded */
    INSN_TEST, INSN_NOT, INSN_NEG, INSN_INC, INSN_DEC,
    INSN_BT, INSN_BTS, INSN_BTR, INSN_BTC,
    INSN_MOV, INSN_MOVZX, INSN_MOVSX, INSN_XCHG, INSN_CMPXCHG, INSN_XADD,
    INSN_MOVS, INSN_STOS, INSN_LODS, INSN_INS, INSN_OUTS,
    INSN_CPUID, INSN_RDMSR, INSN_WRMSR, INSN_HLT, INSN_VMMCALL, INSN_XSETBV, INSN_INVD,
    INSN_WBINVD, INSN_RDTSC, INSN_CLTS, INSN_LMSW, INSN_SMSW,
    INSN_MOV_FROM_CR, INSN_MOV_TO_CR,
};

/* Which operand is written (first) and which is only read (second). */
enum insn_form {
    INSN_FORM_IMPLICIT,      /* none, or the fixed ones of a string instruction */
    INSN_FORM_RM_REG,
    INSN_FORM_REG_RM,
    INSN_FORM_RM_IMMEDIATE,
    INSN_FORM_RM,            /* one operand */
};

struct insn {
    uint8_t op;              /* enum insn_op */
    uint8_t form;            /* enum insn_form */
    uint8_t length;          /* 1 to 15 bytes */
    uint8_t operand_size;    /* bytes: 1, 2, 4, 8 */
    uint8_t source_size;     /* of the second operand: differs for MOVZX and MOVSX */
    uint8_t address_size;    /* bytes: 2, 4, 8 */
    uint8_t segment;         /* enum bh_segment_name of the memory operand, or of a string source */
    bool    rep;             /* F3 (or F2, which string moves take alike) */
    bool    locked;
    bool    memory;          /* the r/m operand is in memory */
    uint8_t reg;             /* register operand; a control register's number */
    bool    reg_high;        /* AH, CH, DH, BH: `reg` is then 0 to 3 */
    uint8_t rm;              /* register of the r/m operand when it isn't memory */
    bool    rm_high;
    uint8_t base;            /* register, INSN_RIP_RELATIVE or INSN_NO_REGISTER */
    uint8_t index;           /* register or INSN_NO_REGISTER */
    uint8_t scale;           /* 1, 2, 4, 8 */
    int64_t displacement;
    uint64_t immediate;      /* sign-extended to 64 bits */
};

enum insn_mode { INSN_MODE_16 = 2, INSN_MODE_32 = 4, INSN_MODE_64 = 8 };

enum decode_result {
    DECODE_OK,
    DECODE_SHORT,            /* more bytes are needed */
    DECODE_UNKNOWN,          /* none of ours, or longer than 15 bytes */
};

/* Decodes bytes[0 .. count). On DECODE_OK `insn` is complete, else its content is unspecified. */
enum decode_result decode(const uint8_t *bytes, size_t count, enum insn_mode mode,
                          struct insn *insn);

#endif
