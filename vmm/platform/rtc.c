/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CMOS clock's registers.
 */
#include "vmm/platform/rtc.h"

#include <stdbool.h>

enum rtc_register {
    RTC_SECONDS = 0, RTC_MINUTES = 2, RTC_HOURS = 4, RTC_WEEKDAY = 6, RTC_DAY = 7, RTC_MONTH = 8,
    RTC_YEAR = 9, RTC_A = 10, RTC_B = 11, RTC_C = 12, RTC_D = 13,
    RTC_EXTENDED = 0x30, RTC_ABOVE_16M = 0x34, RTC_ABOVE_4G = 0x5b,
};

enum rtc_bit {
    A_DIVIDER = 0x26,                /* the usual 32,768 Hz time base */
    B_24_HOURS = 1u << 1, B_BINARY = 1u << 2,
    D_VALID = 1u << 7,
    HOURS_PM = 0x80,
};

struct date { unsigned year, month, day; };

/* Days since 1970-01-01 to the Gregorian calendar, counted in years that begin in March, so that
 * the leap day is a year's last. */
static struct date date_of(uint64_t days) {
    uint64_t shifted = days + 719468;             /* since 0000-03-01 */
    uint64_t era = shifted / 146097;
    unsigned day = (unsigned)(shifted % 146097);  /* in the 400 years */
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned year_day = day - (365 * year + year / 4 - year / 100);
    unsigned march_month = (5 * year_day + 2) / 153;
    struct date date = {
        .year = (unsigned)(year + era * 400 + (march_month >= 10 ? 1 : 0)),
        .month = march_month < 10 ? march_month + 3 : march_month - 9,
        .day = year_day - (153 * march_month + 2) / 5 + 1,
    };
    return date;
}

/* The byte of a packed clock, counted from the lowest, which holds two decimals. */
static uint64_t decimals(uint64_t clock, unsigned byte) {
    uint64_t value = clock >> 8 * byte & 0xff;
    return value / 16 * 10 + value % 16;
}

/* Months counted from March, as in date_of. */
uint64_t rtc_unix_time(uint64_t clock) {
    uint64_t year = 2000 + decimals(clock, 5), month = decimals(clock, 4);
    uint64_t y = month <= 2 ? year - 1 : year;
    uint64_t m = month <= 2 ? month + 9 : month - 3;
    uint64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + decimals(clock, 3) -
                    1 - 719468;
    return ((days * 24 + decimals(clock, 2)) * 60 + decimals(clock, 1)) * 60 + decimals(clock, 0);
}

void rtc_reset(struct rtc *rtc) {
    *rtc = (struct rtc){ .bytes = { [RTC_A] = A_DIVIDER, [RTC_B] = B_24_HOURS } };
}

void rtc_select(struct rtc *rtc, uint8_t index) {
    rtc->index = index & 0x7f;
}

static uint8_t encode(const struct rtc *rtc, unsigned value) {
    if (rtc->bytes[RTC_B] & B_BINARY)
        return (uint8_t)value;
    return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static uint8_t encode_hours(const struct rtc *rtc, unsigned hours) {
    if (rtc->bytes[RTC_B] & B_24_HOURS)
        return encode(rtc, hours);
    uint8_t value = encode(rtc, (hours + 11) % 12 + 1);
    return hours >= 12 ? value | HOURS_PM : value;
}

uint8_t rtc_read(const struct rtc *rtc, uint64_t now) {
    uint64_t days = now / 86400;
    unsigned second = (unsigned)(now % 86400);
    struct date date = date_of(days);
    switch (rtc->index) {
    case RTC_SECONDS: return encode(rtc, second % 60);
    case RTC_MINUTES: return encode(rtc, second / 60 % 60);
    case RTC_HOURS: return encode_hours(rtc, second / 3600);
    case RTC_WEEKDAY: return encode(rtc, (unsigned)((days + 4) % 7) + 1);
    case RTC_DAY: return encode(rtc, date.day);
    case RTC_MONTH: return encode(rtc, date.month);
    case RTC_YEAR: return encode(rtc, date.year % 100);
    case RTC_CENTURY: return encode(rtc, date.year / 100);
    case RTC_C: return 0;
    case RTC_D: return D_VALID;
    default: return rtc->bytes[rtc->index];
    }
}

void rtc_write(struct rtc *rtc, uint8_t value) {
    bool clock = rtc->index <= RTC_YEAR || rtc->index == RTC_CENTURY;
    bool status = rtc->index == RTC_C || rtc->index == RTC_D;
    if (clock || status)
        return;
    rtc->bytes[rtc->index] = rtc->index == RTC_A ? value & 0x7f : value;
}

static void put_size(struct rtc *rtc, unsigned at, unsigned count, uint64_t value) {
    for (unsigned i = 0; i < count; i++)
        rtc->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

void rtc_put_memory(struct rtc *rtc, uint64_t low, uint64_t high) {
    enum { MIB = 1 << 20, KIB = 1 << 10, UNIT = 64 << 10, EXTENDED_MAX = 0xffff };
    uint64_t extended = (low - MIB) / KIB;
    put_size(rtc, RTC_EXTENDED, 2, extended < EXTENDED_MAX ? extended : EXTENDED_MAX);
    put_size(rtc, RTC_ABOVE_16M, 2, low > 16 * MIB ? (low - 16 * MIB) / UNIT : 0);
    put_size(rtc, RTC_ABOVE_4G, 3, high / UNIT);
}
