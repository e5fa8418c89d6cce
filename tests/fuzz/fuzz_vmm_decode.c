/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder over any bytes: it never reads beyond them, answers within its ranges,
 * and a longer look at the same bytes doesn't change its mind.
 */
#include <stdlib.h>

#include "abi/vcpu.h"
#include "vmm/cpu/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

static bool is_register(uint8_t number) {
    return number < BH_GPR_COUNT || number == INSN_NO_REGISTER;
}

static void check(const struct insn *insn, size_t size) {
    require(insn->length >= 1 && insn->length <= INSN_MAX_LENGTH && insn->length <= size);
    require(insn->operand_size >= 1 && insn->operand_size <= 8);
    require(insn->source_size >= 1 && insn->source_size <= 8);
    require(insn->reg < BH_GPR_COUNT && insn->rm < BH_GPR_COUNT);
    require(is_register(insn->base) || insn->base == INSN_RIP_RELATIVE);
    require(is_register(insn->index) && insn->segment < BH_SEGMENT_COUNT);
    require(!insn->reg_high || insn->reg < 4);
    require(!insn->rm_high || insn->rm < 4);
}

static void decode_in(const uint8_t *data, size_t size, enum insn_mode mode) {
    struct insn insn, again;
    enum decode_result result = decode(data, size, mode, &insn);
    if (result == DECODE_SHORT) {
        require(size < INSN_MAX_LENGTH);
        return;
    }
    if (result != DECODE_OK)
        return;
    check(&insn, size);
    require(decode(data, insn.length, mode, &again) == DECODE_OK && again.op == insn.op);
    require(decode(data, insn.length - 1u, mode, &again) == DECODE_SHORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    decode_in(data, size, INSN_MODE_16);
    decode_in(data, size, INSN_MODE_32);
    decode_in(data, size, INSN_MODE_64);
    return 0;
}
