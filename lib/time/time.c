/* SPDX-License-Identifier: BSD-2-Clause */
/* Time from the time-stamp counter (lib/time/time.h). Reads the kernel's counter of its frequency. */
#include "lib/time/time.h"

#include "lib/call/call.h"
#include "lib/manifest/manifest.h"

#define GUESSED_KHZ 1000000u

uint64_t time_khz(void) {
    static uint64_t known;
    const struct bh_manifest_entry *counters;
    uint64_t khz = 0;

    if (known != 0)
        return known;
    counters = manifest_find(BH_ENTRY_COUNTERS, "counters");
    if (counters != NULL)
        call_counter_read(counters->slot, BH_COUNTERS_MACHINE, 0, BH_MACHINE_TSC_KHZ, &khz);
    known = khz != 0 ? khz : GUESSED_KHZ;
    return known;
}

uint64_t time_after_ms(uint64_t milliseconds) {
    return time_now() + milliseconds * time_khz();
}

/* A life lasts longer than 256 ticks, and the counter's bits 8 to 38 repeat after minutes. */
uint32_t time_generation(void) {
    return (uint32_t)(time_now() >> 8) | 1u;
}
