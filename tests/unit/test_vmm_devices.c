/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's smaller devices, CPUID and MSRs, exits that end or keep a VM, its restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/cpu/cpuid.h"
#include "vmm/platform/layout.h"
#include "vmm/cpu/x86.h"

enum { COM1 = 0x3f8 };

static struct bh_vcpu_state *cpu;

static int setup(void **state) {
    (void)state;
    vm_fake_make(2);
    cpu = vm_fake.vm.vcpu[0].state;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

/* The serial port's pin, unmasked, to vCPU 0 with vector 0x34. */
static void route_serial(void) {
    irq_ioapic_write(&vm_fake.vm, 0, 0x10 + 2 * SERIAL_PIN);
    irq_ioapic_write(&vm_fake.vm, 0x10, 0x34);
    vm_fake_out(COM1 + 4, 1, 0x0b);
}

static bool serial_interrupted(void) {
    struct apic *apic = &vm_fake.vm.vcpu[0].apic;
    apic->svr = 0x1ff;
    apic_collect(apic);
    bool came = apic_next(apic) == 0x34;
    if (came) {
        struct apic_effect effect;
        apic_take(apic, 0x34);
        apic_write(apic, APIC_EOI, 0, 0, &effect);
    }
    return came;
}

static void serial_line_sends_and_receives(void **state) {
    (void)state;
    char text[8] = { 0 };
    route_serial();
    vm_fake_out(COM1 + 1, 1, 3);
    assert_true(serial_interrupted());                  /* the transmitter is empty */
    assert_int_equal(vm_fake_in(COM1 + 2, 1) & 0xf, 2);
    assert_int_equal(vm_fake_in(COM1 + 2, 1) & 0xf, 1);
    vm_fake_out(COM1, 1, 'h');
    vm_fake_out(COM1, 1, 'i');
    assert_int_equal(vm_fake.io_kicks, 1);
    devices_run(&vm_fake.vm);
    assert_int_equal(stream_read(&vm_fake.serial_peer, text, sizeof(text)), 2);
    assert_string_equal(text, "hi");
    vm_fake_in(COM1 + 2, 1);
    serial_interrupted();
    stream_write(&vm_fake.serial_peer, "ok", 2);
    stream_flush(&vm_fake.serial_peer);
    devices_run(&vm_fake.vm);
    assert_true(serial_interrupted());
    assert_int_equal(vm_fake_in(COM1 + 5, 1) & 1, 1);
    assert_int_equal(vm_fake_in(COM1, 1), 'o');
    assert_int_equal(vm_fake_in(COM1, 1), 'k');
    assert_int_equal(vm_fake_in(COM1 + 5, 1) & 1, 0);
}

static void serial_fifo_holds_the_rest_back(void **state) {
    (void)state;
    static const uint8_t many[40] = { 1 };
    stream_write(&vm_fake.serial_peer, many, sizeof(many));
    stream_flush(&vm_fake.serial_peer);
    devices_run(&vm_fake.vm);
    assert_int_equal(vm_fake.vm.serial.received_count, SERIAL_FIFO);
    unsigned kicks = vm_fake.io_kicks;
    vm_fake_in(COM1, 1);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
}

static void serial_without_a_listener_never_stalls(void **state) {
    (void)state;
    vm_fake.vm.has_serial_link = false;
    for (unsigned i = 0; i < 5000; i++) {
        unsigned kicks = vm_fake.io_kicks;
        assert_true(vm_fake_in(COM1 + 5, 1) & 0x20);
        vm_fake_out(COM1, 1, 'x');
        if (vm_fake.io_kicks != kicks)
            devices_run(&vm_fake.vm);
    }
}

static uint8_t cmos(uint8_t index) {
    vm_fake_out(0x70, 1, index);
    return (uint8_t)vm_fake_in(0x71, 1);
}

static void clock_tells_the_time(void **state) {
    (void)state;
    vm_fake.vm.boot_tsc = vm_fake.now;
    vm_fake.vm.boot_time = 1709210096;                  /* 2024-02-29 12:34:56 */
    assert_int_equal(cmos(0), 0x56);
    assert_int_equal(cmos(2), 0x34);
    assert_int_equal(cmos(4), 0x12);
    assert_int_equal(cmos(7), 0x29);
    assert_int_equal(cmos(8), 0x02);
    assert_int_equal(cmos(9), 0x24);
    assert_int_equal(cmos(0x32), 0x20);
    vm_fake.now += 4ull * 1000 * vm_fake.vm.tsc_khz;
    assert_int_equal(cmos(0), 0x00);
    assert_int_equal(cmos(2), 0x35);
    vm_fake_out(0x70, 1, 0x40);
    vm_fake_out(0x71, 1, 0xa5);
    assert_int_equal(cmos(0x40), 0xa5);
}

static void the_machine_s_clock_is_understood(void **state) {
    static const uint64_t days[][2] = {                 /* the clock's, Unix's */
        { 0x240229123456, 1709210096 }, { 0x240301000000, 1709251200 },
        { 0x000101000000, 946684800 }, { 0x991231235959, 4102444799 },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(days) / sizeof(days[0]); i++)
        assert_int_equal(rtc_unix_time(days[i][0]), days[i][1]);
}

static struct cpuid ask(uint32_t leaf, uint32_t subleaf) {
    static const uint8_t code[] = { 0x0f, 0xa2 };
    vm_fake_code(code, sizeof(code));
    cpu->gpr[BH_RAX] = leaf;
    cpu->gpr[BH_RCX] = subleaf;
    vm_fake_exit(BH_EXIT_CPUID, 0, 0, 0);
    return (struct cpuid){ (uint32_t)cpu->gpr[BH_RAX], (uint32_t)cpu->gpr[BH_RBX],
                           (uint32_t)cpu->gpr[BH_RCX], (uint32_t)cpu->gpr[BH_RDX] };
}

static void cpuid_is_an_allow_list(void **state) {
    (void)state;
    uint64_t rip = cpu->rip;
    struct cpuid one = ask(1, 0);
    assert_int_equal(cpu->rip, rip + 2);
    assert_true(one.ecx & 1u << 31);                    /* hypervisor */
    assert_true(one.ecx & 1u << 24);                    /* TSC deadline */
    assert_false(one.ecx & 1u << 3);                    /* MONITOR */
    assert_false(one.ecx & 1u << 27);                   /* OSXSAVE follows the guest's CR4 */
    cpu->cr4 |= CR4_OSXSAVE;
    assert_true(ask(1, 0).ecx & 1u << 27);
    assert_false(ask(0x80000001, 0).ecx & 1u << 2);     /* SVM */
    assert_int_equal(ask(7, 0).edx, 0);
    assert_int_equal(ask(0xd, 0).eax, 7);
    assert_int_equal(ask(0xd, 0).ebx, 576);
    cpu->xcr0 = 7;
    assert_int_equal(ask(0xd, 0).ebx, 832);
    assert_int_equal(ask(0x40000000, 0).ebx, 0x4b4d564b);
    assert_int_equal(ask(0x40000001, 0).eax, 1u << 6);    /* paravirtual EOI */
    assert_int_equal(ask(0xb, 1).ebx, 2);
    assert_int_equal(ask(0x8000001f, 0).eax, 0);
    assert_int_equal(ask(0x12345678, 9).edx, 0);
}

static void repeated_exits_follow_changed_code(void **state) {
    (void)state;
    static const uint8_t prefixed[] = { 0x66, 0x0f, 0xa2 };
    uint64_t rip = cpu->rip;
    ask(0, 0);
    cpu->rip = rip;
    ask(0, 0);
    assert_int_equal(cpu->rip, rip + 2);
    cpu->rip = rip;
    vm_fake_code(prefixed, sizeof(prefixed));
    vm_fake_exit(BH_EXIT_CPUID, 0, 0, 0);
    assert_int_equal(cpu->rip, rip + 3);
}

static void unknown_msr_faults(void **state) {
    (void)state;
    cpu->gpr[BH_RCX] = 0x1234;
    vm_fake_exit(BH_EXIT_MSR, 0, 0, 0);
    assert_int_equal(cpu->inject, EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_GP);
}

static void tsc_and_its_adjustment_move_together(void **state) {
    (void)state;
    struct vcpu *vcpu = &vm_fake.vm.vcpu[0];
    uint64_t value;
    assert_true(msr_write(vcpu, 0x10, 500));
    assert_true(msr_read(vcpu, 0x10, &value));
    assert_int_equal(value, 500);
    assert_true(msr_read(vcpu, 0x3b, &value));
    assert_true(msr_write(vcpu, 0x3b, value + 100));
    assert_true(msr_read(vcpu, 0x10, &value));
    assert_int_equal(value, 600);
}

static void xsetbv_is_checked(void **state) {
    (void)state;
    static const uint8_t code[] = { 0x0f, 0x01, 0xd1 };
    static const struct { uint32_t index; uint64_t value; bool good; } tries[] = {
        { 0, 7, true }, { 0, 3, true }, { 0, 1, true }, { 0, 5, false }, { 0, 6, false },
        { 0, 0x207, false }, { 0, 0, false }, { 1, 7, false },
    };
    for (unsigned i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
        cpu->inject = 0;
        vm_fake_code(code, sizeof(code));
        cpu->gpr[BH_RCX] = tries[i].index;
        cpu->gpr[BH_RAX] = tries[i].value;
        cpu->gpr[BH_RDX] = 0;
        vm_fake_exit(BH_EXIT_XSETBV, 0, 0, 0);
        assert_int_equal(cpu->inject == 0, tries[i].good);
        assert_true(!tries[i].good || cpu->xcr0 == tries[i].value);
    }
}

static void control_registers_are_checked(void **state) {
    (void)state;
    static const uint8_t to_cr4[] = { 0x0f, 0x22, 0xe0 };   /* mov cr4, rax */
    static const uint8_t to_cr0[] = { 0x0f, 0x22, 0xc0 };
    vm_fake_code(to_cr4, sizeof(to_cr4));
    cpu->gpr[BH_RAX] = CR4_PAE | CR4_SMEP;
    vm_fake_exit(BH_EXIT_CR_WRITE + 4, 0, 0, 0);
    assert_int_equal(cpu->cr4, CR4_PAE | CR4_SMEP);
    vm_fake_code(to_cr4, sizeof(to_cr4));
    cpu->gpr[BH_RAX] = CR4_PAE | 1u << 31;
    vm_fake_exit(BH_EXIT_CR_WRITE + 4, 0, 0, 0);
    assert_true(cpu->inject & EVENT_VALID);
    cpu->inject = 0;
    vm_fake_code(to_cr0, sizeof(to_cr0));
    cpu->gpr[BH_RAX] = CR0_PG;                          /* paging without protection */
    vm_fake_exit(BH_EXIT_CR0, 0, 0, 0);
    assert_true(cpu->inject & EVENT_VALID);
}

static void port_strings_move(void **state) {
    (void)state;
    static const uint8_t code[] = { 0xf3, 0x6e };       /* rep outsb */
    char text[4] = { 0 };
    vm_fake_poke(0x3000, "abc", 3);
    cpu->gpr[BH_RSI] = 0x3000;
    cpu->gpr[BH_RCX] = 3;
    vm_fake_code(code, sizeof(code));
    vm_fake_exit(BH_EXIT_PORT, (uint64_t)COM1 << 16 | 1 << 4 | 1 << 3 | 1 << 2, 0, cpu->rip + 2);
    devices_run(&vm_fake.vm);
    assert_int_equal(stream_read(&vm_fake.serial_peer, text, 3), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(cpu->gpr[BH_RCX], 0);
}

/* Linux asks 50,000 times of a channel that reads as ones. */
static void absent_timer_is_not_waited_for(void **state) {
    (void)state;
    assert_int_equal(vm_fake_in(0x42, 1), 0);
    assert_int_equal(vm_fake_in(0x61, 1), 0);
}

static void absent_ports_read_as_ones(void **state) {
    (void)state;
    assert_int_equal(vm_fake_in(0x60, 1), 0xff);
    assert_int_equal(vm_fake_in(0xffff, 4), 0xffffffff);
    vm_fake_out(0xffff, 4, 0);
    vm_fake_out(0xcfe, 4, 0);
    assert_int_equal(vm_fake_in(0x3fe, 2), 0xffff);
}

static void park_all(void) {
    for (unsigned i = 0; i < vm_fake.vm.vcpu_count; i++)
        vm_fake.vm.vcpu[i].parked = 1;
}

static void guest_switches_itself_off(void **state) {
    (void)state;
    vm_fake.vm.restart_on_reset = true;
    vm_fake_out(LAYOUT_PORT_SLEEP, 1, 5 << 2 | 1 << 5);
    assert_int_equal(vm_fake.vm.state, VM_ENDING);
    vm_settle_end(&vm_fake.vm);
    assert_int_equal(vm_fake.vm.state, VM_ENDING);      /* until each vCPU is parked */
    park_all();
    vm_settle_end(&vm_fake.vm);
    assert_int_equal(vm_fake.vm.state, VM_STOPPED);
}

static void triple_fault_says_where_and_stops(void **state) {
    (void)state;
    cpu->rip = 0xabcdef;
    vm_fake_exit(BH_EXIT_SHUTDOWN, 0, 0, 0);
    assert_non_null(strstr(vm_fake.last_log, "triple fault"));
    assert_non_null(strstr(vm_fake.last_log, "0xabcdef"));
    assert_int_equal(vm_fake.logged, 1);
    park_all();
    vm_settle_end(&vm_fake.vm);
    assert_int_equal(vm_fake.vm.state, VM_STOPPED);
}

static void every_reset_is_noticed(void **state) {
    (void)state;
    static const struct { uint16_t port; uint8_t value; } ways[] = { { 0xcf9, 6 }, { 0x64, 0xfe } };
    for (unsigned i = 0; i < 2; i++) {
        vm_fake.vm.state = VM_RUNNING;
        vm_fake_out(ways[i].port, 1, ways[i].value);
        assert_int_equal(vm_fake.vm.state, VM_ENDING);
        assert_int_equal(vm_fake.vm.end_kind, VM_END_RESET);
    }
}

static void restart_refuses_a_bad_image_and_stops(void **state) {
    (void)state;
    static const uint8_t nothing[600];
    vm_fake.vm.restart_on_reset = true;
    vm_fake.vm.image = (struct loader_input){ nothing, sizeof(nothing), NULL, 0, "", { 0 },
                                              false };
    vm_end(&vm_fake.vm, VM_END_RESET);
    park_all();
    vm_settle_end(&vm_fake.vm);
    assert_int_equal(vm_fake.vm.state, VM_STOPPED);
    assert_non_null(strstr(vm_fake.last_log, "boot header"));
}

/* One early end and start; answers the seconds that the guest had to wait. */
static uint64_t wait_after_fault(void) {
    uint64_t began = vm_fake.now;
    vm_end(&vm_fake.vm, VM_END_FAULT);
    park_all();
    vm_settle_end(&vm_fake.vm);
    if (vm_fake.vm.state == VM_ENDING) {
        vm_fake.now = vm_deadline(&vm_fake.vm) - 1;
        vm_settle_end(&vm_fake.vm);
        assert_int_equal(vm_fake.vm.state, VM_ENDING);
        vm_fake.now++;
        vm_settle_end(&vm_fake.vm);
    }
    assert_int_equal(vm_fake.vm.state, VM_RUNNING);
    assert_true(vm_deadline(&vm_fake.vm) == BH_FOREVER);
    return (vm_fake.now - began) / 1000 / vm_fake.vm.tsc_khz;
}

static void guest_that_ends_at_once_waits_longer_each_time(void **state) {
    (void)state;
    static const uint64_t waits[] = { 0, 1, 2, 4, 8, 16, 32, 32 };
    static uint8_t image[FAKE_KERNEL];
    vm_fake_kernel(image);
    vm_fake.vm.image = (struct loader_input){ image, sizeof(image), NULL, 0, "", { 0 },
                                              false };
    vm_fake.vm.restart_on_reset = true;
    vm_fake.now = 1;
    assert_true(vm_load(&vm_fake.vm));
    for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        assert_int_equal(wait_after_fault(), waits[i]);
    vm_fake.now += 20ull * 1000 * vm_fake.vm.tsc_khz;    /* a life of 20 s */
    assert_int_equal(wait_after_fault(), 0);
    assert_int_equal(wait_after_fault(), 0);
    assert_int_equal(wait_after_fault(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(serial_line_sends_and_receives),
        TEST(serial_fifo_holds_the_rest_back),
        TEST(serial_without_a_listener_never_stalls),
        TEST(clock_tells_the_time),
        TEST(the_machine_s_clock_is_understood),
        TEST(cpuid_is_an_allow_list),
        TEST(repeated_exits_follow_changed_code),
        TEST(unknown_msr_faults),
        TEST(tsc_and_its_adjustment_move_together),
        TEST(xsetbv_is_checked),
        TEST(control_registers_are_checked),
        TEST(port_strings_move),
        TEST(absent_timer_is_not_waited_for),
        TEST(absent_ports_read_as_ones),
        TEST(guest_switches_itself_off),
        TEST(triple_fault_says_where_and_stops),
        TEST(every_reset_is_noticed),
        TEST(restart_refuses_a_bad_image_and_stops),
        TEST(guest_that_ends_at_once_waits_longer_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
