/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: the TSC's rate measured once against channel 2 of the PIT (8254 data sheet), and the wall
 * clock read once from the RTC (MC146818 data sheet). Both belong to the kernel for ever.
 */
#include "core/time.h"

#include "core/counter.h"
#include "core/log.h"
#include "x86/cpu.h"

enum pit_port { PIT_CHANNEL2 = 0x42, PIT_COMMAND = 0x43, PIT_GATE = 0x61 };
#define PIT_CHANNEL2_ONE_SHOT 0xb0     /* channel 2, both bytes, mode 0 */
#define PIT_CHANNEL2_LATCH    0x80
#define PIT_GATE_ON    0x01
#define PIT_SPEAKER_ON 0x02
#define PIT_OUTPUT     0x20
#define PIT_HZ         1193182u
#define PIT_LONGEST  0xffffu           /* 55 ms */
#define PIT_STRETCH  (PIT_HZ / 50)     /* measured over at least 20 ms */
#define SAMPLES      16u
#define MAX_POLLS      10000000u

enum rtc_port { RTC_INDEX = 0x70, RTC_DATA = 0x71 };
enum rtc_register {
    RTC_SECOND = 0, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH = 8, RTC_YEAR = 9,
    RTC_STATUS_A = 10,
};
#define RTC_UPDATING 0x80

static uint64_t khz;

uint64_t time_now(void) { return tsc_read(); }

uint64_t time_ticks_of_us(uint64_t microseconds) { return microseconds * khz / 1000; }

uint64_t time_after_us(uint64_t microseconds) {
    return tsc_read() + time_ticks_of_us(microseconds);
}

/* When the counter stood where: TSC values around a latch of it. Whatever delays a sample makes it
 * wider, so the tightest of several is taken, however long the others took. */
struct sample { uint64_t tsc, width, count; };

static struct sample sample_tightest(void) {
    struct sample best = { .width = UINT64_MAX };

    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint64_t before = tsc_read();
        port_out8(PIT_COMMAND, PIT_CHANNEL2_LATCH);
        uint64_t width = tsc_read() - before, low = port_in8(PIT_CHANNEL2);
        uint64_t count = low | (uint64_t)port_in8(PIT_CHANNEL2) << 8;
        if (width < best.width)
            best = (struct sample){ before + width / 2, width, count };
    }
    return best;
}

/* The TSC's kHz; 0: the counter ran out meanwhile. */
static uint64_t measure(void) {
    uint8_t gate = port_in8(PIT_GATE) & (uint8_t)~PIT_SPEAKER_ON;
    struct sample start, end;

    port_out8(PIT_GATE, gate | PIT_GATE_ON);
    port_out8(PIT_COMMAND, PIT_CHANNEL2_ONE_SHOT);
    port_out8(PIT_CHANNEL2, PIT_LONGEST & 0xff);
    port_out8(PIT_CHANNEL2, PIT_LONGEST >> 8);
    start = end = sample_tightest();
    for (uint32_t i = 0; i < MAX_POLLS && start.count - end.count < PIT_STRETCH; i++)
        end = sample_tightest();
    if ((port_in8(PIT_GATE) & PIT_OUTPUT) || start.count <= end.count)
        return 0;
    return (end.tsc - start.tsc) * PIT_HZ / (start.count - end.count) / 1000;
}

static uint8_t rtc_read(enum rtc_register at) {
    port_out8(RTC_INDEX, (uint8_t)at);
    return port_in8(RTC_DATA);
}

/* Its registers of the time and date; what they mean is for whoever wants to know. */
static uint64_t read_clock(void) {
    static const uint8_t registers[] = { RTC_YEAR, RTC_MONTH, RTC_DAY, RTC_HOUR, RTC_MINUTE,
                                         RTC_SECOND };
    uint64_t clock = 0;

    for (uint32_t i = 0; i < MAX_POLLS && (rtc_read(RTC_STATUS_A) & RTC_UPDATING); i++)
        ;
    for (uint32_t i = 0; i < sizeof registers; i++)
        clock = clock << 8 | rtc_read(registers[i]);
    return clock;
}

void time_install(void) {
    for (uint32_t i = 0; i < SAMPLES && khz == 0; i++)
        khz = measure();
    if (khz == 0)
        panic("boot: the timer (PIT channel 2) doesn't count; the clock rate can't be measured");
    counters.machine[BH_MACHINE_TSC_KHZ] = khz;
    counters.machine[BH_MACHINE_BOOT_TSC] = tsc_read();
    counters.machine[BH_MACHINE_BOOT_TIME] = read_clock();
}
