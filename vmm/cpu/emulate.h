/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carries out a guest's instruction that touched device memory. The instruction was fetched and
 * decoded once; the registers are those of the shared state page; device memory is reached through
 * the given bus. Nothing outside the guest can be harmed by what is emulated here.
 */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H

#include "abi/vcpu.h"
#include "vmm/cpu/decode.h"
#include "vmm/memory.h"
#include "vmm/cpu/walk.h"

/* Device memory; `size` is 1, 2, 4 or 8. A read of nothing answers all ones. */
struct emulate_bus {
    void *context;
    uint64_t (*read)(void *context, struct gpa at, unsigned size);
    void (*write)(void *context, struct gpa at, unsigned size, uint64_t value);
};

enum emulate_result {
    EMULATE_DONE,            /* registers and RIP have moved on (a REP may have more to do) */
    EMULATE_FAULT,           /* a page fault to inject: error and address are told */
    EMULATE_UNKNOWN,         /* decoded, but nothing that touches memory this way */
};

struct emulate_fault {
    uint32_t error;
    uint64_t address;
};

#define EMULATE_REP_LIMIT 256u   /* elements that one call moves at most */

/* `at`: what the nested page fault named, the memory operand of all but string instructions. */
enum emulate_result emulate(const struct guest_memory *memory, struct bh_vcpu_state *state,
                            const struct insn *insn, struct gpa at,
                            const struct emulate_bus *bus, struct emulate_fault *fault);

/* The linear address of a string instruction's operand: `register_index` is RSI or RDI. */
struct gva emulate_string_address(const struct bh_vcpu_state *state, const struct insn *insn,
                                  unsigned register_index, unsigned segment);

/* Advances rSI or rDI by one element and rCX, when REP, down by one, in the address size's
 * width. */
void emulate_string_step(struct bh_vcpu_state *state, const struct insn *insn,
                         unsigned register_index);
bool emulate_rep_done(const struct bh_vcpu_state *state, const struct insn *insn);
void emulate_rep_count(struct bh_vcpu_state *state, const struct insn *insn);

/* Copies between a buffer and guest-linear memory that is RAM or, with a bus, device memory. */
bool emulate_linear_read(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                         struct gva at, unsigned size, const struct emulate_bus *bus,
                         uint64_t *value, struct emulate_fault *fault);
bool emulate_linear_write(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                          struct gva at, unsigned size, const struct emulate_bus *bus,
                          uint64_t value, struct emulate_fault *fault);

/* Moves RIP over an instruction of this length; the interrupt shadow and RF end with it. */
void emulate_skip(struct bh_vcpu_state *state, unsigned length);

uint64_t register_read(const struct bh_vcpu_state *state, unsigned reg, bool high, unsigned size);
void register_write(struct bh_vcpu_state *state, unsigned reg, bool high, unsigned size,
                    uint64_t value);

#endif
