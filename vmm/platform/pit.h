/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8254 programmable interval timer: channel 0 is the PC's IRQ 0, channel 2 the speaker, whose
 * gate and output are bits of port 0x61. Pure state under the device lock. Time comes as an
 * argument: a count of the timer's own clock, 1,193,182 Hz, that never goes back.
 *
 * Counts are binary whatever the control word says; nobody counts in BCD.
 *
 * References: Intel 82C54 data sheet (231244).
 */
#ifndef VMM_PIT_H
#define VMM_PIT_H

#include <stdbool.h>
#include <stdint.h>

#define PIT_HZ       1193182ull
#define PIT_PORT     0x40u
#define PIT_PORTS    4u
#define PIT_CHANNELS 3u
#define PIT_SPEAKER  2u              /* the channel whose gate a guest drives */
#define PIT_NEVER    UINT64_MAX

struct pit_channel {
    uint8_t  mode;                   /* 0 to 5 */
    uint8_t  access;                 /* 1 low byte, 2 high byte, 3 both */
    bool     gate;
    bool     counts;                 /* a count was written, and the gate lets it run */
    bool     reads_high;             /* the next read of both is the high byte */
    bool     writes_high;
    uint8_t  written_low;
    uint8_t  latched;                /* bytes of `latch` that wait to be read: 0, 1, 2 */
    bool     status_latched;
    uint8_t  status;
    uint16_t latch;
    uint32_t count;                  /* 1 to 0x10000 */
    uint64_t start;                  /* when the count was loaded */
    uint64_t elapsed;                /* of a count that the gate holds */
};

struct pit {
    struct pit_channel channel[PIT_CHANNELS];
    uint64_t next;                   /* when channel 0's output next rises */
};

void pit_reset(struct pit *pit);

/* Ports 0 to 2: the channels' counts; 3: the control word. */
uint8_t pit_read(struct pit *pit, unsigned port, uint64_t now);
void pit_write(struct pit *pit, unsigned port, uint8_t value, uint64_t now);

bool pit_output(const struct pit *pit, unsigned channel, uint64_t now);
void pit_gate(struct pit *pit, unsigned channel, bool high, uint64_t now);

/* When pit_tick is due; PIT_NEVER: nothing counts. */
uint64_t pit_deadline(const struct pit *pit);
/* Whether channel 0's output has risen since the last call; what is late counts once. */
bool pit_tick(struct pit *pit, uint64_t now);

#endif
