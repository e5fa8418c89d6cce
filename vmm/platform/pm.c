/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI's fixed registers.
 */
#include "vmm/platform/pm.h"

enum pm_offset { OFFSET_ENABLE = 2, OFFSET_CONTROL = 4, OFFSET_TIMER = 8 };

enum pm_control {                    /* 4.8.3.2.1 */
    CONTROL_SCI = 1u << 0, CONTROL_SLEEP_ENABLE = 1u << 13, SLEEP_TYPE_SHIFT = 10,
    SLEEP_TYPE_MASK = 7, SLEEP_SOFT_OFF = 5,
};
#define TIMER_MASK 0xffffffu         /* 24 bits */

/* There is no other mode than ACPI's. */
void pm_reset(struct pm *pm) {
    *pm = (struct pm){ .control = CONTROL_SCI };
}

static uint8_t read_byte(const struct pm *pm, unsigned offset, uint64_t now) {
    unsigned shift = 8 * (offset % 4);
    if (offset >= OFFSET_TIMER)
        return (uint8_t)((now & TIMER_MASK) >> shift);
    if (offset < OFFSET_CONTROL)
        return offset < OFFSET_ENABLE ? 0 : (uint8_t)(pm->enable >> (shift - 16));
    return shift < 16 ? (uint8_t)(pm->control >> shift) : 0;
}

uint32_t pm_read(const struct pm *pm, unsigned offset, unsigned size, uint64_t now) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)read_byte(pm, offset + i, now) << (8 * i);
    return value;
}

static uint16_t with_byte(uint16_t word, unsigned high, uint8_t byte) {
    return high ? (uint16_t)((word & 0xff) | byte << 8) : (uint16_t)((word & 0xff00) | byte);
}

static void write_byte(struct pm *pm, unsigned offset, uint8_t byte) {
    if (offset / 2 == OFFSET_ENABLE / 2)
        pm->enable = with_byte(pm->enable, offset % 2, byte);
    else if (offset / 2 == OFFSET_CONTROL / 2)
        pm->control = with_byte(pm->control, offset % 2, byte) | CONTROL_SCI;
}

bool pm_write(struct pm *pm, unsigned offset, unsigned size, uint32_t value) {
    for (unsigned i = 0; i < size; i++)
        write_byte(pm, offset + i, (uint8_t)(value >> (8 * i)));
    bool sleeps = (pm->control & CONTROL_SLEEP_ENABLE) != 0;
    pm->control &= (uint16_t)~CONTROL_SLEEP_ENABLE;
    return sleeps && (pm->control >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == SLEEP_SOFT_OFF;
}
