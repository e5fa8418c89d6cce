/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The high precision event timer: one counter of 100 MHz and three comparators. Pure state under
 * the device lock. Time comes as an argument: a count of the timer's own clock that never goes back.
 *
 * Comparator 0 can be periodic. A period below HPET_PERIOD_MIN is taken as that: each interrupt
 * costs the VMM a turn. No interrupts as messages.
 *
 * References: IA-PC HPET specification 1.0a, section 2.3.
 */
#ifndef VMM_HPET_H
#define VMM_HPET_H

#include <stdbool.h>
#include <stdint.h>

#define HPET_HZ         100000000ull
#define HPET_PAGE       0xfed00000ull   /* guest-physical */
#define HPET_ID         0x8086a201u     /* capabilities' low half: vendor, legacy routes, 64 bits */
#define HPET_TIMERS     3u
#define HPET_PERIOD_MIN 50000u          /* 0.5 ms */
#define HPET_NEVER      UINT64_MAX

struct hpet_timer {
    uint32_t config;
    uint64_t comparator;
    uint64_t period;                 /* of a periodic one */
    bool     writes_value;           /* the next write sets the comparator of a periodic one, too */
    uint64_t due;                    /* when it next matches, HPET_NEVER: it doesn't */
};

struct hpet {
    bool     runs;
    bool     legacy;                 /* comparators 0 and 1 are the 8254's and the clock's interrupts */
    uint32_t status;                 /* a bit for each level-triggered comparator that matched */
    uint64_t counter;                /* while it stands */
    uint64_t start;                  /* while it runs: when it would have been zero */
    struct hpet_timer timer[HPET_TIMERS];
};

/* What a comparator drives. */
struct hpet_output {
    unsigned pin;                    /* of the I/O APIC; 0: none */
    bool     level;                  /* high while its status bit is set; else a pulse */
};

void hpet_reset(struct hpet *hpet);

/* Offsets in the page, aligned; of sizes other than 4 and 8 reads answer 0 and writes do nothing. */
uint64_t hpet_read(const struct hpet *hpet, uint32_t offset, unsigned size, uint64_t now);
void hpet_write(struct hpet *hpet, uint32_t offset, unsigned size, uint64_t value, uint64_t now);

/* When hpet_match is due. */
uint64_t hpet_deadline(const struct hpet *hpet);
/* Whether comparator `timer` has matched since the last call, and its interrupt is enabled; what is
 * late counts once. */
bool hpet_match(struct hpet *hpet, unsigned timer, uint64_t now);
struct hpet_output hpet_output(const struct hpet *hpet, unsigned timer);
static inline bool hpet_status(const struct hpet *hpet, unsigned timer) {
    return hpet->status >> timer & 1;
}

#endif
