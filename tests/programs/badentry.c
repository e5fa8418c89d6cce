/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile monitor that enters its guest with states that no processor has (ATTACKS.md: E3; APM
 * volume 2, 15.5.1, "Canonicalization and Consistency Checks"), again and again, and a good one
 * between them. Runs as a VM's program. One line a state: what became of it.
 */
#include "abi/vcpu.h"
#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { ROUNDS = 200, REAL_MODE_LIMIT = 0xffff, REAL_MODE_CODE = 0x9b, REAL_MODE_DATA = 0x93 };
enum { LONG_CODE_32 = 0xe9b, HALT = 0xf4, ENTRY_MS = 100 };
#define CR0_RESET 0x60000010ull
#define CR0_NW    0x20000000ull
#define CR0_PE    0x00000001ull
#define CR0_PG    0x80000000ull
#define CR4_PAE   0x00000020ull
#define EFER_LME  0x00000100ull

struct state {
    const char *name;
    uint64_t efer, cr0, cr4, dr6, dr7;
    uint16_t code;                   /* attributes of CS; 0: real mode's */
};

static const struct state states[] = {
    { .name = "good", .cr0 = CR0_RESET },
    { .name = "CR0.NW without CD", .cr0 = CR0_NW | 0x10 },
    { .name = "CR0 beyond 32 bits", .cr0 = CR0_RESET | 1ull << 32 },
    { .name = "CR4 reserved bit", .cr0 = CR0_RESET, .cr4 = 1ull << 19 },
    { .name = "CR4 beyond 32 bits", .cr0 = CR0_RESET, .cr4 = 1ull << 32 },
    { .name = "EFER reserved bit", .cr0 = CR0_RESET, .efer = 1ull << 20 },
    { .name = "DR6 beyond 32 bits", .cr0 = CR0_RESET, .dr6 = 1ull << 32 },
    { .name = "DR7 beyond 32 bits", .cr0 = CR0_RESET, .dr7 = 1ull << 32 },
    { .name = "long mode without PAE", .cr0 = CR0_PG | CR0_PE | 0x10, .efer = EFER_LME },
    { .name = "long mode without PE", .cr0 = CR0_PG | 0x10, .cr4 = CR4_PAE, .efer = EFER_LME },
    { .name = "CS both long and 32 bits", .cr0 = CR0_PG | CR0_PE | 0x10, .cr4 = CR4_PAE,
      .efer = EFER_LME, .code = LONG_CODE_32 },
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

static volatile struct bh_vcpu_state *page;
static uint32_t slot;

static void put(const struct state *state) {
    memset((void *)page, 0, sizeof(*page));
    page->dirty = BH_STATE_ALL;
    page->rflags = 2;
    page->xcr0 = 1;
    page->efer = state->efer;
    page->cr0 = state->cr0;
    page->cr4 = state->cr4;
    page->dr6 = state->dr6;
    page->dr7 = state->dr7;
    for (uint32_t i = 0; i < BH_SEGMENT_COUNT; i++) {
        page->segment[i].attributes = REAL_MODE_DATA;
        page->segment[i].limit = REAL_MODE_LIMIT;
    }
    page->segment[BH_CS].attributes = state->code != 0 ? state->code : REAL_MODE_CODE;
}

static const char *enter(const struct state *state) {
    uint64_t end = time_after_ms(ENTRY_MS), bits;

    put(state);
    do {
        if (call_vcpu_run(slot, end, &bits) != BH_OK)
            return "refused by the kernel";
    } while (page->exit == BH_EXIT_EVENT && time_now() < end);
    switch (page->exit) {
    case BH_EXIT_INVALID: return "refused by the processor";
    case BH_EXIT_HLT: return "entered, halts";
    default: return "entered";
    }
}

static void pause_ms(uint64_t ms) {
    uint64_t bits;

    call_wait(time_after_ms(ms), &bits);
    log_poll();
}

void thread_main(uint32_t number) {
    for (uint32_t round = 0; number == 1 && round < ROUNDS; round++) {
        for (uint32_t i = 0; i < STATES; i++) {
            const char *outcome = enter(&states[i]);

            if (round == 0 || round == ROUNDS - 1)
                log_line("badentry: %s: %s", states[i].name, outcome);
        }
        pause_ms(1);
    }
    if (number == 1)
        log_line("badentry: still here");
    for (;;)
        pause_ms(100);
}

int main(void) {
    const struct bh_manifest_entry *vcpu = manifest_need(BH_ENTRY_VCPU, "vcpu0");
    uint64_t bits;

    page = (volatile struct bh_vcpu_state *)vcpu->address;
    slot = vcpu->slot;
    memset(manifest_address(manifest_need(BH_ENTRY_REGION, "ram.low")), HALT, BH_PAGE_SIZE);
    program_ready();
    for (;;)
        call_wait(BH_FOREVER, &bits);
}
