/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two compartments that wake each other up in turn; the same program in both, told apart by the
 * setting "role". The one that asks marks (bench/mark.h) batches of rounds: a round is two signals,
 * two sleeps, two switches of the address space. Needs CHANNEL "peer". Trusts its peer: a bench.
 */
#include <stdint.h>

#include "bench/mark.h"
#include "bench/programs/bench.h"
#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

static uint32_t peer;

static void signal_and_sleep(void) {
    uint64_t bits;

    call_notify_wait(peer, BH_FOREVER, &bits);
}

static void answer(void) {
    uint64_t bits;

    call_wait(BH_FOREVER, &bits);
    for (;;)
        signal_and_sleep();
}

/* A signal to a compartment that hasn't started yet is lost: ask until there is an answer. */
static void meet(void) {
    uint64_t bits;

    while (call_notify_wait(peer, time_after_ms(1), &bits) != BH_OK) {
    }
}

int main(void) {
    const char *role = manifest_setting("role", "ask");

    peer = manifest_need(BH_ENTRY_CHANNEL, "peer")->slot;
    if (strcmp(role, "answer") == 0)
        answer();
    meet();
    for (int i = 0; i < WARM_UP; i++)
        signal_and_sleep();
    if (strcmp(role, "ask-across") == 0)
        MEASURE(MARK_SIGNAL_ACROSS, signal_and_sleep());
    else
        MEASURE(MARK_SIGNAL, signal_and_sleep());
    for (;;)
        bench_rest();
}
