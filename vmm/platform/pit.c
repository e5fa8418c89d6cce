/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8254's counters: what they hold is computed from the time when it is asked for.
 */
#include "vmm/platform/pit.h"

enum {
    CONTROL = 3,                     /* port of the control word */
    SELECT_SHIFT = 6, SELECT_READ_BACK = 3, ACCESS_SHIFT = 4, ACCESS_LATCH = 0, ACCESS_LOW = 1,
    ACCESS_HIGH = 2, ACCESS_BOTH = 3, MODE_SHIFT = 1,
    READ_BACK_NO_COUNT = 1u << 5, READ_BACK_NO_STATUS = 1u << 4,
    STATUS_OUTPUT = 1u << 7, STATUS_NULL_COUNT = 1u << 6,
    FULL_COUNT = 0x10000,
    SHORTEST = 596,                  /* between two ticks, 0.5 ms: a guest can't make us spin */
};

enum mode {
    MODE_TERMINAL_COUNT = 0, MODE_ONE_SHOT = 1, MODE_RATE = 2, MODE_SQUARE = 3, MODE_STROBE = 4,
    MODE_HARDWARE_STROBE = 5,
};

void pit_reset(struct pit *pit) {
    *pit = (struct pit){ .next = PIT_NEVER };
    for (unsigned i = 0; i < PIT_CHANNELS; i++)
        pit->channel[i] = (struct pit_channel){ .access = ACCESS_BOTH, .count = FULL_COUNT,
                                                .gate = i != PIT_SPEAKER };
}

static bool is_periodic(const struct pit_channel *c) {
    return c->mode == MODE_RATE || c->mode == MODE_SQUARE;
}

static uint64_t elapsed(const struct pit_channel *c, uint64_t now) {
    return c->counts ? now - c->start : c->elapsed;
}

static uint16_t current(const struct pit_channel *c, uint64_t now) {
    uint64_t ticks = elapsed(c, now);
    if (c->mode == MODE_RATE)
        return (uint16_t)(c->count - ticks % c->count);
    if (c->mode == MODE_SQUARE)      /* counts down by two */
        return (uint16_t)(c->count - 2 * ticks % c->count);
    return (uint16_t)(c->count - ticks);
}

static bool output(const struct pit_channel *c, uint64_t now) {
    uint64_t ticks = elapsed(c, now);
    switch (c->mode) {
    case MODE_TERMINAL_COUNT:
    case MODE_ONE_SHOT: return ticks >= c->count;
    case MODE_RATE: return ticks % c->count != c->count - 1;
    case MODE_SQUARE: return ticks % c->count < (c->count + 1) / 2;
    default: return ticks != c->count;
    }
}

bool pit_output(const struct pit *pit, unsigned channel, uint64_t now) {
    return output(&pit->channel[channel % PIT_CHANNELS], now);
}

/* Begins the count anew; a gate that is low holds it. */
static void load(struct pit *pit, struct pit_channel *c, uint64_t now) {
    bool by_gate = c->mode == MODE_ONE_SHOT || c->mode == MODE_HARDWARE_STROBE;
    c->counts = c->gate && !by_gate;
    c->start = now;
    c->elapsed = 0;
    if (c == &pit->channel[0])
        pit->next = c->counts ? now + c->count : PIT_NEVER;
}

static void write_count(struct pit *pit, struct pit_channel *c, uint8_t value, uint64_t now) {
    uint32_t count = value;
    if (c->access == ACCESS_BOTH && !c->writes_high) {
        c->written_low = value;
        c->writes_high = true;
        return;
    }
    if (c->access == ACCESS_HIGH)
        count = (uint32_t)value << 8;
    else if (c->access == ACCESS_BOTH)
        count = (uint32_t)value << 8 | c->written_low;
    c->writes_high = false;
    c->count = count == 0 ? FULL_COUNT : count;
    load(pit, c, now);
}

static void latch_count(struct pit_channel *c, uint64_t now) {
    if (c->latched != 0)
        return;
    c->latch = current(c, now);
    c->latched = c->access == ACCESS_BOTH ? 2 : 1;
}

static void latch_status(struct pit_channel *c, uint64_t now) {
    if (c->status_latched)
        return;
    c->status = (uint8_t)((output(c, now) ? STATUS_OUTPUT : 0) |
                          (c->writes_high ? STATUS_NULL_COUNT : 0) |
                          c->access << ACCESS_SHIFT | c->mode << MODE_SHIFT);
    c->status_latched = true;
}

static void read_back(struct pit *pit, uint8_t value, uint64_t now) {
    for (unsigned i = 0; i < PIT_CHANNELS; i++) {
        if (!(value & 2u << i))
            continue;
        if (!(value & READ_BACK_NO_COUNT))
            latch_count(&pit->channel[i], now);
        if (!(value & READ_BACK_NO_STATUS))
            latch_status(&pit->channel[i], now);
    }
}

/* A new mode stops the channel until its count is written. */
static void set_mode(struct pit *pit, struct pit_channel *c, uint8_t value) {
    uint8_t mode = value >> MODE_SHIFT & 7;
    *c = (struct pit_channel){ .mode = mode > MODE_HARDWARE_STROBE ? mode - 4 : mode,
                               .access = value >> ACCESS_SHIFT & 3, .gate = c->gate,
                               .count = FULL_COUNT };
    if (c == &pit->channel[0])
        pit->next = PIT_NEVER;
}

static void write_control(struct pit *pit, uint8_t value, uint64_t now) {
    unsigned select = value >> SELECT_SHIFT;
    if (select == SELECT_READ_BACK)
        read_back(pit, value, now);
    else if ((value >> ACCESS_SHIFT & 3) == ACCESS_LATCH)
        latch_count(&pit->channel[select], now);
    else
        set_mode(pit, &pit->channel[select], value);
}

void pit_write(struct pit *pit, unsigned port, uint8_t value, uint64_t now) {
    if (port == CONTROL)
        write_control(pit, value, now);
    else if (port < PIT_CHANNELS)
        write_count(pit, &pit->channel[port], value, now);
}

static uint8_t read_latch(struct pit_channel *c) {
    bool high = c->access == ACCESS_HIGH || (c->access == ACCESS_BOTH && c->latched == 1);
    c->latched--;
    return (uint8_t)(high ? c->latch >> 8 : c->latch);
}

static uint8_t read_count(struct pit_channel *c, uint64_t now) {
    uint16_t count = current(c, now);
    bool high = c->access == ACCESS_HIGH || (c->access == ACCESS_BOTH && c->reads_high);
    c->reads_high = c->access == ACCESS_BOTH && !c->reads_high;
    return (uint8_t)(high ? count >> 8 : count);
}

uint8_t pit_read(struct pit *pit, unsigned port, uint64_t now) {
    if (port >= PIT_CHANNELS)
        return 0xff;
    struct pit_channel *c = &pit->channel[port];
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    return c->latched != 0 ? read_latch(c) : read_count(c, now);
}

/* A rising gate starts modes 1, 2, 3 and 5 anew, and lets the others go on. */
void pit_gate(struct pit *pit, unsigned channel, bool high, uint64_t now) {
    struct pit_channel *c = &pit->channel[channel % PIT_CHANNELS];
    bool goes_on = c->mode == MODE_TERMINAL_COUNT || c->mode == MODE_STROBE;
    if (high == c->gate)
        return;
    c->elapsed = elapsed(c, now);
    c->gate = high;
    c->counts = high;
    c->start = now - (goes_on ? c->elapsed : 0);
}

uint64_t pit_deadline(const struct pit *pit) {
    return pit->next;
}

bool pit_tick(struct pit *pit, uint64_t now) {
    const struct pit_channel *c = &pit->channel[0];
    if (now < pit->next)
        return false;
    uint64_t period = c->count < SHORTEST ? SHORTEST : c->count;
    if (!is_periodic(c))
        pit->next = PIT_NEVER;
    else if (now - pit->next < period)
        pit->next += period;
    else
        pit->next = now + period - (now - pit->next) % period;
    return true;
}
