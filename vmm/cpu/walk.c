/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks of the guest's page tables. Trusts nothing in them.
 */
#include "vmm/cpu/walk.h"

#include "vmm/cpu/x86.h"

#define PAGE_MASK 0xfffull

/* How one paging mode lays out its tables (APM 5.2, 5.3). */
struct layout {
    unsigned levels;
    unsigned entry_size;     /* bytes */
    unsigned index_bits;
};

static const struct layout legacy_layout = { 2, 4, 10 };
static const struct layout pae_layout = { 3, 8, 9 };
static const struct layout long_layout = { 4, 8, 9 };

static const struct layout *layout_of(const struct bh_vcpu_state *state) {
    if (state->efer & EFER_LMA)
        return &long_layout;
    return state->cr4 & CR4_PAE ? &pae_layout : &legacy_layout;
}

static bool load_entry(const struct guest_memory *memory, struct gpa at, unsigned size,
                       uint64_t *entry) {
    uint32_t narrow = 0;
    if (size == 8)
        return guest_load64(memory, at, entry);
    bool ok = guest_load32(memory, at, &narrow);
    *entry = narrow;
    return ok;
}

static void mark_entry(const struct guest_memory *memory, struct gpa at, unsigned size,
                       uint64_t bits) {
    uint8_t *entry = guest_range(memory, at, size);
    __atomic_fetch_or((uint32_t *)(void *)entry, (uint32_t)bits, __ATOMIC_RELAXED);
}

static bool is_large(const struct layout *layout, unsigned level, uint64_t entry, uint64_t cr4) {
    if (!(entry & PTE_LARGE) || level == 0 || level > 2)
        return false;
    if (layout == &legacy_layout)
        return (cr4 & CR4_PSE) != 0;
    return level == 1 || layout == &long_layout;
}

static struct walk_result refuse(uint32_t access, uint32_t present) {
    return (struct walk_result){ .error = access | present };
}

/* Rights that the tables give, all levels together, against the access (APM 5.6). */
static bool allowed(const struct bh_vcpu_state *state, uint64_t rights, bool no_execute,
                    uint32_t access) {
    bool user_page = (rights & PTE_USER) != 0;
    bool user_access = (access & WALK_USER) != 0;
    if (user_access && !user_page)
        return false;
    if ((access & WALK_FETCH) && no_execute && (state->efer & EFER_NXE))
        return false;
    if ((access & WALK_FETCH) && !user_access && user_page && (state->cr4 & CR4_SMEP))
        return false;
    bool write_checked = user_access || (state->cr0 & CR0_WP);
    if ((access & WALK_WRITE) && !(rights & PTE_WRITE) && write_checked)
        return false;
    bool smap = (state->cr4 & CR4_SMAP) && !(state->rflags & RFLAGS_AC);
    return !(smap && user_page && !user_access && !(access & WALK_FETCH));
}

static void note(struct walk_trace *trace, const struct guest_memory *memory, struct gpa where,
                 uint64_t value) {
    unsigned level = trace->levels++;
    trace->entry[level] = (const void *)guest_range(memory, where, sizeof(value));
    trace->value[level] = value;
}

bool walk_would_repeat(const struct walk_trace *trace) {
    for (unsigned i = 0; i < trace->levels; i++)
        if (__atomic_load_n(trace->entry[i], __ATOMIC_RELAXED) != trace->value[i])
            return false;
    return trace->levels != 0;
}

/* `trace`: may be NULL. */
static struct walk_result walk_noting(const struct guest_memory *memory,
                                      const struct bh_vcpu_state *state, struct gva at,
                                      uint32_t access, struct walk_trace *trace) {
    if (!(state->cr0 & CR0_PG))
        return (struct walk_result){ .ok = true, .gpa = { at.value & 0xffffffffull } };
    const struct layout *layout = layout_of(state);
    uint64_t table = state->cr3 & (layout == &pae_layout ? ~0x1full : ~PAGE_MASK) & PTE_ADDRESS_4K;
    if (layout == &pae_layout)
        table |= state->cr3 & 0xfe0;
    uint64_t rights = PTE_WRITE | PTE_USER;
    bool no_execute = false;
    for (unsigned level = layout->levels; level-- > 0;) {
        unsigned shift = 12 + level * layout->index_bits;
        uint64_t index = (at.value >> shift) % (1u << layout->index_bits);
        if (layout == &pae_layout && level == 2)
            index %= 4;
        struct gpa where = { table + index * layout->entry_size };
        uint64_t entry;
        if (!load_entry(memory, where, layout->entry_size, &entry) || !(entry & PTE_PRESENT))
            return refuse(access, 0);
        bool pae_root = layout == &pae_layout && level == 2;
        rights &= pae_root ? ~0ull : entry;
        no_execute |= (entry & PTE_NO_EXECUTE) != 0;
        bool leaf = level == 0 || is_large(layout, level, entry, state->cr4);
        if (leaf && !allowed(state, rights, no_execute, access))
            return refuse(access, WALK_PRESENT);
        uint64_t marks = PTE_ACCESSED | (leaf && (access & WALK_WRITE) ? PTE_DIRTY : 0);
        if (!pae_root && (entry & marks) != marks)
            mark_entry(memory, where, layout->entry_size, marks);
        if (trace && layout == &long_layout)
            note(trace, memory, where, entry | marks);
        uint64_t offset_mask = (1ull << shift) - 1;
        if (leaf)
            return (struct walk_result){ .ok = true, .gpa = {
                (entry & PTE_ADDRESS_4K & ~offset_mask) | (at.value & offset_mask) } };
        table = entry & PTE_ADDRESS_4K;
    }
    return refuse(access, 0);
}

struct walk_result walk(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                        struct gva at, uint32_t access) {
    return walk_noting(memory, state, at, access, NULL);
}

enum insn_mode walk_mode(const struct bh_vcpu_state *state) {
    uint16_t code = state->segment[BH_CS].attributes;
    if ((state->efer & EFER_LMA) && (code & SEGMENT_LONG))
        return INSN_MODE_64;
    return code & SEGMENT_DEFAULT_32 ? INSN_MODE_32 : INSN_MODE_16;
}

bool walk_is_kernel64(const struct bh_vcpu_state *state) {
    return state->cpl == 0 && walk_mode(state) == INSN_MODE_64;
}

static uint32_t fetch_access(const struct bh_vcpu_state *state) {
    return WALK_FETCH | (state->cpl == 3 ? WALK_USER : 0);
}

/* As many of the `wanted` bytes as lie in the page of `at`; zero: a fault. */
static size_t fetch_bytes(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                          struct gva at, uint8_t *bytes, size_t wanted,
                          struct walk_result *result) {
    *result = walk(memory, state, at, fetch_access(state));
    if (!result->ok)
        return 0;
    size_t left = BH_PAGE_SIZE - at.value % BH_PAGE_SIZE;
    size_t count = left < wanted ? left : wanted;
    return guest_read(memory, result->gpa, bytes, count) ? count : 0;
}

static struct gva code_address(const struct bh_vcpu_state *state, uint64_t ahead) {
    if (walk_mode(state) == INSN_MODE_64)
        return (struct gva){ state->rip + ahead };
    return (struct gva){ (state->segment[BH_CS].base + state->rip + ahead) & 0xffffffffull };
}

const uint8_t *walk_code(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                         unsigned length, struct walk_trace *trace) {
    struct gva at = code_address(state, 0);
    trace->levels = 0;
    struct walk_result result = walk_noting(memory, state, at, fetch_access(state), trace);
    bool one_page = at.value % BH_PAGE_SIZE + length <= BH_PAGE_SIZE;
    return result.ok && one_page ? guest_range(memory, result.gpa, length) : NULL;
}

bool walk_fetch(const struct guest_memory *memory, const struct bh_vcpu_state *state,
                struct insn *insn, struct walk_result *fault, uint64_t *fault_address) {
    enum insn_mode mode = walk_mode(state);
    uint8_t bytes[INSN_MAX_LENGTH];
    size_t have = 0;
    for (unsigned page = 0; page < 2; page++) {
        struct gva at = code_address(state, have);
        size_t got = fetch_bytes(memory, state, at, bytes + have, sizeof(bytes) - have, fault);
        if (got == 0) {
            *fault_address = at.value;
            return false;
        }
        have += got;
        enum decode_result result = decode(bytes, have, mode, insn);
        if (result != DECODE_SHORT)
            return result == DECODE_OK;
    }
    return false;
}
