/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A victim: fills its region "canary" with a pattern, looks at it ten times a second and says
 * at every fourth whether it is intact. When it has an interrupt "irq0", it says so whenever one
 * arrives. Tests look at the region in physical memory and at what it says.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

static const char pattern[32] = "a canary of the bulkhead's crew.";

enum { LOOKS_A_LINE = 4, LOOK_MS = 100 };

static uint8_t *memory;
static uint64_t size;
static const struct bh_manifest_entry *interrupt;

static bool intact(void) {
    for (uint64_t at = 0; at < size; at += sizeof(pattern)) {
        if (memcmp(memory + at, pattern, sizeof(pattern)) != 0)
            return false;
    }
    return true;
}

static void look(void) {
    uint64_t bits, end = time_after_ms(LOOK_MS);

    while (time_now() < end) {
        if (call_wait(end, &bits) == BH_OK && interrupt != 0 && (bits & interrupt->bits) != 0)
            log_line("canary: an interrupt arrived");
        log_poll();
    }
}

int main(void) {
    const struct bh_manifest_entry *region = manifest_need(BH_ENTRY_REGION, "canary");

    memory = manifest_address(region);
    size = region->size;
    interrupt = manifest_find(BH_ENTRY_INTERRUPT, "irq0");
    for (uint64_t at = 0; at < size; at += sizeof(pattern))
        memcpy(memory + at, pattern, sizeof(pattern));
    for (uint64_t looks = 1;; looks++) {
        look();
        if (looks % LOOKS_A_LINE == 0)
            log_line("canary: %s after %lu looks", intact() ? "intact" : "SPOILED", looks);
    }
}
