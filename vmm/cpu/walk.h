/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's own page tables, walked by software: for instruction bytes and for the operands that
 * the hardware didn't translate for us. The tables are guest memory, hence hostile; a walk is at
 * most four levels deep and reads each entry once.
 *
 * References: AMD64 Architecture Programmer's Manual volume 2 ("APM"), chapter 5.
 */
#ifndef VMM_WALK_H
#define VMM_WALK_H

#include "abi/vcpu.h"
#include "vmm/cpu/decode.h"
#include "vmm/memory.h"

/* The page-fault error code (APM 8.4.2); also tells `walk` what the access is. */
enum walk_access {
    WALK_PRESENT = 1u << 0,
    WALK_WRITE   = 1u << 1,
    WALK_USER    = 1u << 2,
    WALK_RESERVED = 1u << 3,
    WALK_FETCH   = 1u << 4,
};

struct walk_result {
    bool ok;
    struct gpa gpa;          /* when ok */
    uint32_t error;          /* else: the error code of the page fault to inject */
};

#define WALK_LEVELS 4u

/* What a walk read, so that a later one can be spared. */
struct walk_trace {
    unsigned levels;         /* 0: it isn't one of long mode */
    const uint64_t *entry[WALK_LEVELS];   /* in guest RAM */
    uint64_t value[WALK_LEVELS];          /* as the walk left it */
};

/* Whether the tables are as they were: with the same registers a walk would end as it did. */
bool walk_would_repeat(const struct walk_trace *trace);

/* Translates one address for an access of the given kind (WRITE, USER, FETCH), with the guest's
 * present CR0, CR3, CR4, EFER. Sets accessed and dirty bits as the processor would. */
struct walk_result walk(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                        struct gva at, uint32_t access);

/* What kind of code the guest runs now. */
enum insn_mode walk_mode(const struct bh_vcpu_state *state);

/* Whether it is the guest's kernel in 64-bit mode, where an address says which code it is. */
bool walk_is_kernel64(const struct bh_vcpu_state *state);

/* The next `length` bytes of code in guest RAM, if they don't cross a page; NULL otherwise. `trace`:
 * of the walk to them. */
const uint8_t *walk_code(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                         unsigned length, struct walk_trace *trace);

/* Fetches and decodes the instruction at the guest's RIP. false: `fault` is its page fault (ok
 * false), or the bytes are none of ours (fault->ok true). `fault_address`: CR2 then. */
bool walk_fetch(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                struct insn *insn, struct walk_result *fault, uint64_t *fault_address);

#endif
