/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit of interrupts: what is above it in 10 ms is masked until they are over, whoever owns
 * the device and whatever that does. Fakes of the kernel's parts keep what is unmasked and signalled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/interrupt.h"

#include "core/device_state.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/thread.h"
#include "core/time.h"

enum { LIMIT = 3, TICKS_A_US = 10, WINDOW = 10000 * TICKS_A_US };
enum { DEVICE = 1, OTHER = 0, INTERRUPTS = 3 };

struct device_state devices;
struct lock device_lock;
struct plan_view plan_tables;
struct bh_counters counters;

static const struct bh_plan_interrupt interrupts[INTERRUPTS] = {
    { .device = OTHER, .kind = BH_INTERRUPT_MSIX, .channel = 0, .limit = LIMIT },
    { .device = DEVICE, .kind = BH_INTERRUPT_MSIX, .source = 1, .channel = 1, .limit = LIMIT },
    { .device = DEVICE, .kind = BH_INTERRUPT_MSIX, .source = 2, .channel = 2, .limit = LIMIT },
};
static const struct bh_plan_channel channels[INTERRUPTS];
static const struct bh_plan_device plan_devices[2];

static uint64_t now, event;
static unsigned signals[INTERRUPTS], lines;
static bool unmasked[INTERRUPTS], present[INTERRUPTS];

uint64_t time_now(void) { return now; }
uint64_t time_after_us(uint64_t microseconds) { return now + microseconds * TICKS_A_US; }
void sched_event_at(uint64_t tick) { event = tick < event ? tick : event; }
void channel_signal(uint32_t channel) { signals[channel]++; }
uint32_t thread_core(uint32_t thread) { (void)thread; return 0; }
bool plan_control(enum bh_plan_flags flag) { (void)flag; return false; }
void log_line(const char *format, ...) { (void)format; lines++; }
void panic(const char *format, ...) { (void)format; abort(); }
const char *device_owner_name(uint32_t device) { (void)device; return "owner"; }
uint32_t device_requester(uint32_t device) { return device; }
uint32_t interrupt_target(uint32_t core) { return core; }
bool interrupt_line_install(void) { return false; }
uint32_t interrupt_line_requester(void) { return BH_NONE; }
void interrupt_line_set(uint32_t line, uint32_t vector, const struct iommu_message *message) {
    (void)line, (void)vector, (void)message;
}
void interrupt_line_mask(uint32_t line, bool masked) { (void)line, (void)masked; }
enum iommu_kind iommu_kind(void) { return IOMMU_NONE; }
bool iommu_interrupt_set(uint32_t entry, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                         struct iommu_message *message) {
    (void)requester_id, (void)vector, (void)apic_id;
    memset(message, 0, sizeof(*message));
    present[entry] = true;
    return true;
}
bool iommu_interrupt_clear(uint32_t entry) { present[entry] = false; return true; }
struct pci_function *pci_function(uint32_t index) { (void)index; abort(); }
bool pci_msix_map(uint32_t index) { (void)index; return true; }
void pci_message_set(uint32_t index, bool msix, uint32_t entry, uint64_t address, uint32_t data) {
    (void)index, (void)msix, (void)entry, (void)address, (void)data;
}
void pci_message_mask(uint32_t index, bool msix, uint32_t entry, bool masked) {
    (void)index, (void)msix;
    unmasked[entry] = !masked;
}

static int install(void **state) {
    (void)state;
    plan_tables = (struct plan_view){ .interrupt = interrupts, .channel = channels,
                                      .device = plan_devices,
                                      .count = { [BH_TABLE_INTERRUPT] = INTERRUPTS } };
    now += 2 * WINDOW;                 /* whatever an earlier test left is over */
    interrupt_expire(now);
    memset(&counters, 0, sizeof(counters));
    memset(signals, 0, sizeof(signals));
    lines = 0;
    event = BH_FOREVER;
    for (uint32_t device = 0; device < 2; device++) {
        interrupt_open_device(device, false);
        interrupt_open_device(device, true);
    }
    return 0;
}

static void deliver(uint32_t interrupt, unsigned times) {
    for (unsigned i = 0; i < times; i++)
        interrupt_deliver(VECTOR_DEVICE_FIRST + interrupt);
}

static bool is_open(uint32_t interrupt) {
    assert_int_equal(unmasked[interrupt], present[interrupt]);
    return present[interrupt];
}

static uint64_t stormed(uint32_t interrupt) {
    return counters.interrupt[interrupt][BH_INTERRUPT_STORMS];
}

static void as_many_as_allowed_arrive(void **state) {
    (void)state;
    for (unsigned window = 0; window < 5; window++, now += WINDOW) {
        deliver(1, LIMIT);
        assert_true(is_open(1));
    }
    assert_int_equal(signals[1], 5 * LIMIT);
    assert_int_equal(event, BH_FOREVER);
}

static void what_is_above_is_masked_until_the_window_ends(void **state) {
    (void)state;
    uint64_t end = now + WINDOW;
    deliver(1, LIMIT + 1);
    assert_false(is_open(1));
    assert_true(is_open(0) && is_open(2));
    assert_int_equal(event, 0);        /* the dispatcher asks at once until when */
    assert_int_equal(interrupt_expire(now), end);
    deliver(1, 10);                    /* on their way when it was masked */
    assert_int_equal(signals[1], LIMIT + 1);
    now = end - 1;
    assert_int_equal(interrupt_expire(now), end);
    assert_false(is_open(1));
    now = end;
    assert_int_equal(interrupt_expire(now), BH_FOREVER);
    assert_true(is_open(1));
    assert_int_equal(signals[1], LIMIT + 2);            /* what came meanwhile is lost */
    deliver(1, LIMIT);
    assert_true(is_open(1));
}

static void each_has_its_own_window(void **state) {
    (void)state;
    uint64_t first = now + WINDOW;
    deliver(1, LIMIT + 1);
    now += 100;
    deliver(2, LIMIT + 1);
    assert_int_equal(interrupt_expire(now), first);
    assert_int_equal(interrupt_expire(first), first + 100);
    assert_true(is_open(1));
    assert_false(is_open(2));
    assert_int_equal(interrupt_expire(first + 100), BH_FOREVER);
    assert_true(is_open(2));
}

/* Neither its reset nor its owner's next life lets a device have more. */
static void a_reset_gives_no_more(void **state) {
    (void)state;
    deliver(1, LIMIT);
    interrupt_renew_device(DEVICE);
    deliver(1, 1);
    assert_false(is_open(1));
    interrupt_renew_device(DEVICE);
    assert_false(is_open(1));
    interrupt_open_device(DEVICE, false);
    interrupt_open_device(DEVICE, true);
    assert_true(is_open(1));
    deliver(1, 1);
    assert_false(is_open(1));
    assert_int_equal(stormed(1), 2);
}

static void nothing_opens_for_an_owner_that_stopped(void **state) {
    (void)state;
    deliver(1, LIMIT + 1);
    interrupt_open_device(DEVICE, false);
    now += WINDOW;
    assert_int_equal(interrupt_expire(now), BH_FOREVER);
    assert_false(is_open(1));
    assert_int_equal(signals[1], LIMIT + 1);
}

static void one_line_for_many_storms(void **state) {
    (void)state;
    for (unsigned i = 0; i < 9; i++, now += WINDOW) {
        interrupt_expire(now);
        deliver(1, LIMIT + 1);
    }
    assert_int_equal(stormed(1), 9);
    assert_int_equal(lines, 4);        /* the first, second, fourth, eighth */
}

#define TEST(name) cmocka_unit_test_setup(name, install)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(as_many_as_allowed_arrive),
        TEST(what_is_above_is_masked_until_the_window_ends),
        TEST(each_has_its_own_window),
        TEST(a_reset_gives_no_more),
        TEST(nothing_opens_for_an_owner_that_stopped),
        TEST(one_line_for_many_storms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
