/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks whether the state of the FPU and the vector registers passes from one compartment to another.
 * Setting "role": a "keeper" fills all of it with a secret, sleeps and spins among others, and checks
 * that it still has it; a "spy" never writes it and looks for the secret in what XSAVE shows.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum {
    AREA_SIZE   = 4096,
    X87_FIRST   = 32,           /* ST0; 16 bytes each, of which 10 are used (SDM 1, table 10-2) */
    XMM_FIRST   = 160,
    XMM_COUNT   = 16,
    XSTATE_BV   = 512,          /* which components are not in their initial state */
    STATE_SSE   = 1u << 1,
    SECRET      = 0xc5,
    ROUNDS      = 2000,
    SPY_ROUNDS  = 4000,
};

static _Alignas(64) uint8_t area[AREA_SIZE];

static void save(void) {
    memset(area, 0, sizeof(area));
    __asm__ volatile("xsave %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
}

static void load_secret(void) {
    save();
    memset(area + XMM_FIRST, SECRET, XMM_COUNT * 16);
    area[XSTATE_BV] |= STATE_SSE;
    __asm__ volatile("xrstor %0" : : "m"(area), "a"(STATE_SSE), "d"(0)
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static uint32_t secrets_in(uint32_t first, uint32_t count) {
    uint32_t found = 0;

    for (uint32_t i = first; i < first + count; i++)
        found += area[i] == SECRET;
    return found;
}

static void spin(uint32_t rounds) {
    for (volatile uint32_t i = 0; i < rounds; i++) {
    }
}

static void sleep_ms(uint64_t ms) {
    uint64_t bits;

    call_wait(time_after_ms(ms), &bits);
}

/* XMM8 and up: no code between loading and saving uses them. */
static void keep(void) {
    uint32_t lost = 0;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        load_secret();
        if (i % 2 == 0)
            sleep_ms(1);
        else
            spin(20000);
        save();
        lost += secrets_in(XMM_FIRST + 8 * 16, 8 * 16) != 8 * 16;
    }
    log_line("fpu: keeper: lost its state %u times of %u", lost, ROUNDS);
}

static void spy(void) {
    uint32_t leaks = 0;

    for (uint32_t i = 0; i < SPY_ROUNDS; i++) {
        save();
        leaks += secrets_in(X87_FIRST, AREA_SIZE - X87_FIRST) >= 16;
        if (i % 2 == 0)
            sleep_ms(1);
        else
            spin(5000);
    }
    log_line("fpu: spy: saw the secret %u times of %u", leaks, SPY_ROUNDS);
}

int main(void) {
    bool keeper = strcmp(manifest_setting("role", "spy"), "keeper") == 0;

    for (;;) {
        if (keeper)
            keep();
        else
            spy();
        log_poll();
    }
}
