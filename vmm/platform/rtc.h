/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CMOS clock behind ports 0x70 and 0x71: tells the time (UTC), keeps 128 bytes. No alarms, no
 * periodic interrupts. Time comes as an argument. State under the device lock.
 *
 * References: Motorola MC146818 data sheet.
 */
#ifndef VMM_RTC_H
#define VMM_RTC_H

#include <stdint.h>

/* Unix seconds of BH_MACHINE_BOOT_TIME (abi/info.h). */
uint64_t rtc_unix_time(uint64_t clock);

#define RTC_PORT_INDEX 0x70u
#define RTC_PORT_DATA  0x71u
#define RTC_CENTURY    0x32u         /* the register */

struct rtc {
    uint8_t index;
    uint8_t bytes[128];
};

void rtc_reset(struct rtc *rtc);
void rtc_select(struct rtc *rtc, uint8_t index);
/* `now`: Unix seconds. */
uint8_t rtc_read(const struct rtc *rtc, uint64_t now);
void rtc_write(struct rtc *rtc, uint8_t value);

/* Where PC firmware looks for the size of RAM: below and from 4 GiB up, in bytes. */
void rtc_put_memory(struct rtc *rtc, uint64_t low, uint64_t high);

#endif
