/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The high precision event timer's registers and matches.
 */
#include "vmm/platform/hpet.h"

#include "vmm/platform/layout.h"

enum hpet_register {
    CAPABILITIES = 0x000, CONFIGURATION = 0x010, STATUS = 0x020, COUNTER = 0x0f0,
    TIMER_FIRST = 0x100, TIMER_SIZE = 0x20, TIMER_CONFIG = 0x00, TIMER_COMPARATOR = 0x08,
};

enum configuration { ENABLE = 1u << 0, LEGACY = 1u << 1 };

enum timer_config {
    TIMER_LEVEL = 1u << 1, TIMER_INTERRUPT = 1u << 2, TIMER_PERIODIC = 1u << 3,
    TIMER_CAN_PERIODIC = 1u << 4, TIMER_CAN_64 = 1u << 5, TIMER_SET_VALUE = 1u << 6,
    TIMER_32 = 1u << 8, TIMER_ROUTE_SHIFT = 9, TIMER_ROUTE = 0x1fu << TIMER_ROUTE_SHIFT,
    TIMER_WRITABLE = TIMER_LEVEL | TIMER_INTERRUPT | TIMER_PERIODIC | TIMER_32 | TIMER_ROUTE,
};

enum { PERIOD_FS = 1000000000000000ull / HPET_HZ, LEGACY_CLOCK_PIN = 8 };

/* The I/O APIC's pins that a comparator may drive: those of no ISA device of ours, nor of PCI. */
#define TIMER_ROUTES 0x0000c000u

void hpet_reset(struct hpet *hpet) {
    *hpet = (struct hpet){ 0 };
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        hpet->timer[i].config = TIMER_CAN_64 | (i == 0 ? TIMER_CAN_PERIODIC : 0);
        hpet->timer[i].comparator = UINT64_MAX;
        hpet->timer[i].due = HPET_NEVER;
    }
}

static uint64_t count(const struct hpet *hpet, uint64_t now) {
    return hpet->runs ? now - hpet->start : hpet->counter;
}

/* Ticks until a counter of the comparator's width comes to its value: at once means never again
 * before it wraps around. */
static uint64_t distance(const struct hpet_timer *timer, uint64_t counter) {
    uint64_t ticks = timer->comparator - counter;
    return timer->config & TIMER_32 ? (uint32_t)ticks : ticks;
}

static void arm(struct hpet *hpet, struct hpet_timer *timer, uint64_t now) {
    uint64_t ticks = distance(timer, count(hpet, now));
    bool reached = hpet->runs && ticks != 0 && ticks < HPET_NEVER - now;
    timer->due = reached ? now + ticks : HPET_NEVER;
}

static void arm_all(struct hpet *hpet, uint64_t now) {
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        arm(hpet, &hpet->timer[i], now);
}

/* ---- Registers ---- */

static uint64_t read_timer(const struct hpet_timer *timer, uint32_t offset) {
    if (offset == TIMER_CONFIG)
        return timer->config | (uint64_t)TIMER_ROUTES << 32;
    return offset == TIMER_COMPARATOR ? timer->comparator : 0;
}

static uint64_t read_whole(const struct hpet *hpet, uint32_t offset, uint64_t now) {
    uint32_t number = (offset - TIMER_FIRST) / TIMER_SIZE;
    if (offset >= TIMER_FIRST && number < HPET_TIMERS)
        return read_timer(&hpet->timer[number], offset % TIMER_SIZE);
    switch (offset) {
    case CAPABILITIES: return HPET_ID | (uint64_t)PERIOD_FS << 32;
    case CONFIGURATION: return (hpet->runs ? ENABLE : 0u) | (hpet->legacy ? LEGACY : 0u);
    case STATUS: return hpet->status;
    case COUNTER: return count(hpet, now);
    default: return 0;
    }
}

uint64_t hpet_read(const struct hpet *hpet, uint32_t offset, unsigned size, uint64_t now) {
    uint64_t value = read_whole(hpet, offset & ~7u, now);
    if (size == 8)
        return value;
    return size == 4 ? (uint32_t)(value >> (offset % 8 * 8)) : 0;
}

static void write_configuration(struct hpet *hpet, uint64_t value, uint64_t now) {
    bool runs = (value & ENABLE) != 0;
    uint64_t counter = count(hpet, now);
    hpet->counter = counter;
    hpet->start = now - counter;
    hpet->runs = runs;
    hpet->legacy = (value & LEGACY) != 0;
    arm_all(hpet, now);
}

/* The counter can be written while it stands only. */
static void write_counter(struct hpet *hpet, uint64_t value, uint64_t now) {
    if (hpet->runs)
        return;
    hpet->counter = value;
    arm_all(hpet, now);
}

static bool is_route(uint32_t config) {
    return TIMER_ROUTES >> ((config & TIMER_ROUTE) >> TIMER_ROUTE_SHIFT) & 1;
}

/* A route that there isn't reads back as none. */
static void write_config(struct hpet_timer *timer, uint32_t value) {
    uint32_t fixed = timer->config & ~(uint32_t)TIMER_WRITABLE;
    timer->config = fixed | (value & TIMER_WRITABLE);
    if (!(fixed & TIMER_CAN_PERIODIC))
        timer->config &= ~(uint32_t)TIMER_PERIODIC;
    if (!is_route(value))
        timer->config &= ~(uint32_t)TIMER_ROUTE;
    timer->writes_value = (value & TIMER_SET_VALUE) != 0;
}

/* 2.3.9.2.2: of a periodic comparator each write sets the period, and the first one after
 * "set value" the comparator as well. */
static void write_comparator(struct hpet_timer *timer, uint64_t value) {
    bool periodic = (timer->config & TIMER_PERIODIC) != 0;
    if (timer->config & TIMER_32)
        value = (uint32_t)value;
    if (!periodic || timer->writes_value)
        timer->comparator = value;
    if (periodic)
        timer->period = value < HPET_PERIOD_MIN ? HPET_PERIOD_MIN : value;
    timer->writes_value = false;
}

static void write_timer(struct hpet *hpet, struct hpet_timer *timer, uint32_t offset,
                        uint64_t value, uint64_t now) {
    if (offset == TIMER_CONFIG)
        write_config(timer, (uint32_t)value);
    else if (offset == TIMER_COMPARATOR)
        write_comparator(timer, value);
    arm(hpet, timer, now);
}

/* Half of a register keeps the other half, but in the status, where ones clear. */
static uint64_t whole_value(const struct hpet *hpet, uint32_t offset, unsigned size,
                            uint64_t value, uint64_t now) {
    unsigned shift = offset % 8 * 8;
    if (size == 8)
        return value;
    uint64_t kept = (offset & ~7u) == STATUS ? 0 : read_whole(hpet, offset & ~7u, now);
    return (kept & ~(0xffffffffull << shift)) | (uint64_t)(uint32_t)value << shift;
}

void hpet_write(struct hpet *hpet, uint32_t offset, unsigned size, uint64_t value, uint64_t now) {
    if (size != 4 && size != 8)
        return;
    uint64_t whole = whole_value(hpet, offset, size, value, now);
    uint32_t number = (offset - TIMER_FIRST) / TIMER_SIZE;
    offset &= ~7u;
    if (offset >= TIMER_FIRST && number < HPET_TIMERS)
        write_timer(hpet, &hpet->timer[number], offset % TIMER_SIZE, whole, now);
    else if (offset == CONFIGURATION)
        write_configuration(hpet, whole, now);
    else if (offset == STATUS)
        hpet->status &= ~(uint32_t)whole;
    else if (offset == COUNTER)
        write_counter(hpet, whole, now);
}

/* ---- Matches ---- */

uint64_t hpet_deadline(const struct hpet *hpet) {
    uint64_t first = HPET_NEVER;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        const struct hpet_timer *timer = &hpet->timer[i];
        if ((timer->config & TIMER_INTERRUPT) && timer->due < first)
            first = timer->due;
    }
    return first;
}

/* The first multiple of the period beyond now. */
static void advance(struct hpet *hpet, struct hpet_timer *timer, uint64_t now) {
    uint64_t late = now - timer->due;
    timer->comparator += (late / timer->period + 1) * timer->period;
    arm(hpet, timer, now);
}

bool hpet_match(struct hpet *hpet, unsigned number, uint64_t now) {
    struct hpet_timer *timer = &hpet->timer[number];
    if (now < timer->due)
        return false;
    if ((timer->config & TIMER_PERIODIC) && timer->period != 0)
        advance(hpet, timer, now);
    else
        arm(hpet, timer, now);
    if (timer->config & TIMER_LEVEL)
        hpet->status |= 1u << number;
    return (timer->config & TIMER_INTERRUPT) != 0;
}

struct hpet_output hpet_output(const struct hpet *hpet, unsigned number) {
    uint32_t config = hpet->timer[number].config;
    if (hpet->legacy && number == 0)
        return (struct hpet_output){ LAYOUT_TIMER_PIN, false };
    if (hpet->legacy && number == 1)
        return (struct hpet_output){ LEGACY_CLOCK_PIN, false };
    return (struct hpet_output){ (config & TIMER_ROUTE) >> TIMER_ROUTE_SHIFT,
                                 (config & TIMER_LEVEL) != 0 };
}
