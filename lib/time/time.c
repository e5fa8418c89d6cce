/* SPDX-License-Identifier: BSD-2-Clause */
/* Time from the time-stamp counter (lib/time/time.h). Reads the kernel's counter of its frequency. */
#include "lib/time/time.h"

#include "abi/info.h"

#include "lib/manifest/manifest.h"

#define GUESSED_KHZ 1000000u

uint64_t time_khz(void) {
    static uint64_t known;
    const struct bh_manifest_entry *entry;

    if (known != 0)
        return known;
    entry = manifest_find(BH_ENTRY_COUNTERS, "counters");
    if (entry != NULL) {
        const volatile struct bh_counters *counters = manifest_address(entry);
        known = counters->machine[BH_MACHINE_TSC_KHZ];
    }
    known = known != 0 ? known : GUESSED_KHZ;
    return known;
}

uint64_t time_after_ms(uint64_t milliseconds) {
    return time_now() + milliseconds * time_khz();
}

/* A life lasts longer than 256 ticks, and the counter's bits 8 to 38 repeat after minutes. */
uint32_t time_generation(void) {
    return (uint32_t)(time_now() >> 8) | 1u;
}
