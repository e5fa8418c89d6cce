/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM that firmware starts: the reset vector, what the configuration device tells, and the old PC
 * devices behind their ports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vm_fake.h"
#include "vmm/cpu/x86.h"
#include "vmm/firmware/firmware.h"
#include "vmm/platform/layout.h"

enum { PIC1 = 0x20, PIC2 = 0xa0, PIT = 0x40, SYSTEM = 0x61, CONFIG = 0x510, UART_LINE = 4 };

static struct vm *vm;
static struct vcpu *cpu;

static int setup(void **state) {
    (void)state;
    vm_fake_make(2);
    vm_fake_use_firmware();
    vm = &vm_fake.vm;
    cpu = &vm->vcpu[0];
    assert_true(vm_load(vm));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

/* ---- Start ---- */

static void vcpu_0_starts_at_the_reset_vector(void **state) {
    (void)state;
    uint8_t byte;
    assert_int_equal(cpu->mode, VCPU_RUNS);
    assert_int_equal(vm->vcpu[1].mode, VCPU_WAITS_FOR_STARTUP);
    assert_int_equal(cpu->state->segment[BH_CS].base + cpu->state->rip, 0xfffffff0);
    assert_int_equal(cpu->state->cr0 & CR0_PE, 0);
    assert_true(guest_read(&vm->memory, (struct gpa){ 0xfffffff0 }, &byte, 1));
    assert_int_equal(byte, vm->memory.rom.base[FAKE_ROM - 16]);
    assert_true(guest_read(&vm->memory, (struct gpa){ 0xffff0 }, &byte, 1));
    assert_int_equal(byte, vm->memory.rom.base[FAKE_ROM - 16]);
}

/* ---- Memory type range registers ---- */

static void mtrrs_keep_what_they_can_mean(void **state) {
    (void)state;
    static const struct { uint32_t number; uint64_t value; bool good; } tries[] = {
        { 0x2ff, 0xc06, true }, { 0x2ff, 0xc02, false }, { 0x2ff, 0x1006, false },
        { 0x200, 0x80000000, true }, { 0x200, 0x80000006, true }, { 0x200, 0x80000106, false },
        { 0x20e, 0x1000003, false }, { 0x200, 1ull << 48, false },
        { 0x201, 0xffff80000800, true }, { 0x201, 0xffff80000400, false },
        { 0x20f, 1ull << 48, false }, { 0x210, 0, false }, { 0x251, 0, false },
        { 0x250, 0x0606060606060606, true }, { 0x259, 0x0006050401000606, true },
        { 0x26f, 0x0506060606060606, true }, { 0x26f, 0x0706060606060606, false },
        { 0x270, 0, false }, { 0xfe, 0x508, false },
    };
    for (unsigned i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
        uint64_t value;
        assert_int_equal(msr_write(cpu, tries[i].number, tries[i].value), tries[i].good);
        if (tries[i].good) {
            assert_true(msr_read(cpu, tries[i].number, &value));
            assert_int_equal(value, tries[i].value);
        }
    }
}

static void mtrrs_stay_with_an_init_and_go_with_a_reset(void **state) {
    (void)state;
    uint64_t value;
    assert_true(msr_read(cpu, 0xfe, &value));
    assert_int_equal(value & 0xff, MTRR_VARIABLE);
    assert_true(msr_write(cpu, 0x2ff, 0x806));
    start_reset(cpu);
    assert_true(msr_read(cpu, 0x2ff, &value));
    assert_int_equal(value, 0x806);
    assert_true(vm_load(vm));
    assert_true(msr_read(cpu, 0x2ff, &value));
    assert_int_equal(value, 0);
    vm->has_firmware = false;
    assert_false(msr_read(cpu, 0x2ff, &value));
}

static void image_is_read_only_and_ends_at_4_gib(void **state) {
    (void)state;
    uint8_t bytes[2] = { 0 };
    assert_false(guest_write(&vm->memory, (struct gpa){ 0xfffffff0 }, bytes, 1));
    assert_null(guest_range(&vm->memory, (struct gpa){ 0xfffffff0 }, 1));
    assert_true(guest_read(&vm->memory, (struct gpa){ 0xffffffff }, bytes, 1));
    assert_false(guest_read(&vm->memory, (struct gpa){ 0xffffffff }, bytes, 2));
    assert_false(guest_read(&vm->memory, (struct gpa){ 0x100000000 - FAKE_ROM - 1 }, bytes, 1));
}

static void reset_loads_everything_anew(void **state) {
    (void)state;
    uint8_t byte = 0;
    vm_fake_poke(0xffff0, &byte, 1);
    vm_fake_out(0x21, 1, 0x55);
    cpu->state->rip = 0x1234;
    assert_true(vm_load(vm));
    assert_true(guest_read(&vm->memory, (struct gpa){ 0xffff0 }, &byte, 1));
    assert_int_equal(byte, vm->memory.rom.base[FAKE_ROM - 16]);
    assert_int_equal(vm_fake_in(0x21, 1), 0xff);
    assert_int_equal(cpu->state->rip, 0xfff0);
}

static void short_image_is_refused(void **state) {
    (void)state;
    vm->memory.rom.size = 0x10000;
    assert_false(vm_load(vm));
    assert_non_null(strstr(vm_fake.last_log, "not started"));
}

/* ---- The configuration device ---- */

static void read_config(uint16_t key, void *to, size_t size) {
    vm_fake_out(CONFIG, 2, key);
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)vm_fake_in(CONFIG + 1, 1);
}

static uint32_t big(const uint8_t *bytes, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* A file's bytes and its size; 0: no such file. */
static uint32_t read_file(const char *name, uint8_t *to, size_t room) {
    uint8_t head[4], entries[FWCFG_ITEMS][64];
    read_config(FWCFG_DIRECTORY, head, 4);
    uint32_t count = big(head, 4);
    assert_true(count <= FWCFG_ITEMS);
    for (uint32_t i = 0; i < count; i++)
        for (unsigned j = 0; j < 64; j++)
            entries[i][j] = (uint8_t)vm_fake_in(CONFIG + 1, 1);
    for (uint32_t i = 0; i < count; i++) {
        if (strncmp((const char *)entries[i] + 8, name, 56) != 0)
            continue;
        uint32_t size = big(entries[i], 4);
        assert_true(size <= room);
        read_config((uint16_t)big(entries[i] + 4, 2), to, size);
        return size;
    }
    return 0;
}

static void configuration_has_a_bound(void **state) {
    (void)state;
    static struct fwcfg device;
    fwcfg_reset(&device);
    assert_non_null(fwcfg_add(&device, FWCFG_CPUS, FWCFG_STORE));
    assert_null(fwcfg_add_file(&device, "more", 1));
    assert_false(fwcfg_finish(&device));
}

static void configuration_tells_the_machine(void **state) {
    (void)state;
    uint8_t bytes[64];
    uint64_t size;
    read_config(FWCFG_SIGNATURE, bytes, 4);
    assert_memory_equal(bytes, "QEMU", 4);
    read_config(FWCFG_CPUS, bytes, 3);
    assert_memory_equal(bytes, "\2\0\0", 3);          /* beyond the end: zero */
    read_config(0x7777, bytes, 1);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(read_file("etc/sercon-port", bytes, sizeof(bytes)), 8);
    assert_memory_equal(bytes, "\xf8\3", 2);
    assert_int_equal(read_file("etc/e820", bytes, sizeof(bytes)), 20);
    memcpy(&size, bytes + 8, 8);
    assert_int_equal(size, FAKE_RAM);
    assert_int_equal(read_file("etc/none", bytes, sizeof(bytes)), 0);
}

static void graphics_bios_is_a_file_of_a_vm_with_a_screen(void **state) {
    (void)state;
    static uint8_t image[20000], bytes[sizeof(image)];
    for (unsigned i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i * 5 + i / 256);
    assert_int_equal(read_file("pci1234,1111.rom", bytes, sizeof(bytes)), 0);
    vm->vgabios = (struct guest_rom){ image, 0, sizeof(image) };
    assert_true(vm_load(vm));
    assert_int_equal(read_file("pci1234,1111.rom", bytes, sizeof(bytes)), sizeof(image));
    assert_memory_equal(bytes, image, sizeof(image));
    assert_int_equal(vm_fake_in(CONFIG + 1, 1), 0);      /* beyond its end */
    assert_int_equal(read_file("etc/sercon-port", bytes, sizeof(bytes)), 8);
}

/* What firmware makes of the loader's script, the tables lying at TABLES and the RSDP at ROOT. */
enum { TABLES = 0x30000, ROOT = 0x20000 };

static uint8_t *file_at(const char *name) {
    uint64_t at = strcmp(name, "etc/acpi/rsdp") == 0 ? ROOT : TABLES;
    assert_true(at == ROOT || strcmp(name, "etc/acpi/tables") == 0);
    return guest_range(&vm->memory, (struct gpa){ at }, 4096);
}

static uint32_t number(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, 4);
    return value;
}

static void run_command(const uint8_t *c) {
    uint8_t *file = file_at((const char *)c + 4);
    uint64_t pointer = 0;
    uint8_t sum = 0;
    switch (number(c)) {
    case 1: assert_true(read_file((const char *)c + 4, file, 4096) > 0); break;
    case 2:
        memcpy(&pointer, file + number(c + 116), c[120]);
        pointer += TABLES;
        memcpy(file + number(c + 116), &pointer, c[120]);
        assert_string_equal((const char *)c + 60, "etc/acpi/tables");
        break;
    default:
        assert_int_equal(number(c), 3);
        for (uint32_t i = 0; i < number(c + 68); i++)
            sum = (uint8_t)(sum + file[number(c + 64) + i]);
        assert_int_equal(file[number(c + 60)], 0);   /* firmware differs in what it makes of it */
        file[number(c + 60)] = (uint8_t)-sum;
        break;
    }
}

static const uint8_t *table_at(const uint8_t *pointer, unsigned size, const char *signature) {
    uint64_t at = 0;
    uint8_t sum = 0;
    memcpy(&at, pointer, size);
    const uint8_t *bytes = guest_range(&vm->memory, (struct gpa){ at }, 64);
    assert_non_null(bytes);
    assert_memory_equal(bytes, signature, 4);
    for (uint32_t i = 0; strcmp(signature, "FACS") != 0 && i < number(bytes + 4); i++)
        sum = (uint8_t)(sum + bytes[i]);
    assert_int_equal(sum, 0);
    return bytes;
}

static void acpi_tables_follow_the_script(void **state) {
    (void)state;
    static uint8_t script[32 * 128];
    uint32_t size = read_file("etc/table-loader", script, sizeof(script));
    assert_true(size > 0 && size % 128 == 0);
    for (uint32_t at = 0; at < size; at += 128)
        run_command(script + at);
    const uint8_t *root = file_at("etc/acpi/rsdp");
    assert_memory_equal(root, "RSD PTR ", 8);
    const uint8_t *xsdt = table_at(root + 24, 8, "XSDT");
    const uint8_t *fadt = table_at(xsdt + 36, 8, "FACP");
    const uint8_t *madt = table_at(xsdt + 44, 8, "APIC");
    table_at(fadt + 36, 4, "FACS");
    table_at(fadt + 40, 4, "DSDT");
    table_at(fadt + 140, 8, "DSDT");
    assert_int_equal(number(fadt + 76), 0x608);
    assert_int_equal(number(fadt + 112) >> 20 & 1, 0);
    assert_int_equal(number(madt + 40), 1);
}

/* ---- The 8259s ---- */

static void pulse(unsigned pin) {
    irq_line(vm, pin, true);
    irq_line(vm, pin, false);
}

static void edges_are_served_by_priority(void **state) {
    (void)state;
    vm_fake_program_pics();
    pulse(UART_LINE);
    assert_true(irq_external(vm));
    pulse(LAYOUT_TIMER_PIN);
    assert_int_equal(irq_acknowledge_external(vm), 0x08);
    assert_false(irq_external(vm));                   /* 4 waits for 0's end */
    vm_fake_out(PIC1, 1, 0x0b);
    assert_int_equal(vm_fake_in(PIC1, 1), 1);
    vm_fake_out(PIC1, 1, 0x0a);
    assert_int_equal(vm_fake_in(PIC1, 1), 1u << UART_LINE);
    vm_fake_out(PIC1, 1, 0x20);
    assert_int_equal(irq_acknowledge_external(vm), 0x0c);
    vm_fake_out(PIC1, 1, 0x60 | UART_LINE);           /* specific end */
    assert_int_equal(irq_acknowledge_external(vm), 0x0f);   /* spurious */
}

static void second_chip_cascades(void **state) {
    (void)state;
    vm_fake_program_pics();
    pulse(8);
    pulse(12);
    assert_int_equal(irq_acknowledge_external(vm), 0x70);
    assert_false(irq_external(vm));
    vm_fake_out(PIC2, 1, 0x20);
    vm_fake_out(PIC1, 1, 0x20);
    assert_true(irq_external(vm));
    assert_int_equal(irq_acknowledge_external(vm), 0x74);
    vm_fake_out(PIC2, 1, 0x20);
    vm_fake_out(PIC1, 1, 0x20);
    assert_false(irq_external(vm));
}

static void masks_and_levels(void **state) {
    (void)state;
    vm_fake_program_pics();
    vm_fake_out(0x4d1, 1, 0x0c);                      /* 10 and 11 are levels */
    assert_int_equal(vm_fake_in(0x4d1, 1), 0x0c);
    vm_fake_out(PIC2 + 1, 1, 0xff);
    irq_line(vm, 11, true);
    assert_false(irq_external(vm));
    vm_fake_out(PIC2 + 1, 1, 0);
    assert_int_equal(irq_acknowledge_external(vm), 0x73);
    vm_fake_out(PIC2, 1, 0x20);
    vm_fake_out(PIC1, 1, 0x20);
    assert_true(irq_external(vm));                    /* still high */
    irq_line(vm, 11, false);
    assert_false(irq_external(vm));
}

static void rotation_makes_the_served_the_last(void **state) {
    (void)state;
    vm_fake_program_pics();
    vm_fake_out(PIC1, 1, 0xc0 | 3);                   /* 3 lowest: 4 is highest */
    pulse(LAYOUT_TIMER_PIN);
    pulse(UART_LINE);
    assert_int_equal(irq_acknowledge_external(vm), 0x0c);
    vm_fake_out(PIC1, 1, 0xa0);                       /* rotate on end */
    pulse(UART_LINE);
    assert_int_equal(irq_acknowledge_external(vm), 0x08);
}

static void vcpu_0_takes_it_through_lint0(void **state) {
    (void)state;
    unsigned kicks = vm_fake.kicks[0];
    vm_fake_program_pics();
    pulse(UART_LINE);
    assert_int_equal(vm_fake.kicks[0], kicks + 1);
    cpu->state->rflags |= RFLAGS_IF;
    assert_false(inject_wakes(cpu));                  /* LINT0 is masked */
    vm_fake_store(APIC_PAGE + 0xf0, 4, 0x1ff);
    vm_fake_store(APIC_PAGE + 0x350, 4, 0x8700);
    assert_true(inject_wakes(cpu));
    assert_false(inject_wakes(&vm->vcpu[1]));
    cpu->state->rflags &= ~(uint64_t)RFLAGS_IF;
    inject_next(cpu);
    assert_int_equal(cpu->state->inject, 0);
    assert_true(cpu->state->want & BH_WANT_WINDOW);
    cpu->state->rflags |= RFLAGS_IF;
    inject_next(cpu);
    assert_int_equal(cpu->state->inject, EVENT_VALID | EVENT_INTERRUPT | 0x0c);
    assert_false(cpu->state->want & BH_WANT_WINDOW);
    assert_false(irq_external(vm));
}

/* ---- The 8254 ---- */

/* The fake host's TSC runs at 1 GHz. */
static void pass_ticks(uint64_t ticks) {
    vm_fake.now += ticks * 1000000000 / PIT_HZ + 1;
}

static void program_timer(unsigned channel, unsigned mode, uint16_t count) {
    vm_fake_out(PIT + 3, 1, channel << 6 | 0x30 | mode << 1);
    vm_fake_out(PIT + (uint16_t)channel, 1, count & 0xff);
    vm_fake_out(PIT + (uint16_t)channel, 1, count >> 8);
}

static unsigned count_of(unsigned channel) {
    vm_fake_out(PIT + 3, 1, channel << 6);
    unsigned low = vm_fake_in(PIT + (uint16_t)channel, 1);
    return low | vm_fake_in(PIT + (uint16_t)channel, 1) << 8;
}

static void speaker_channel_measures_time(void **state) {
    (void)state;
    vm_fake_out(SYSTEM, 1, 0);
    program_timer(2, 0, 0x800);
    pass_ticks(0x900);
    assert_int_equal(vm_fake_in(SYSTEM, 1) & 0x23, 0);      /* the gate holds it */
    vm_fake_out(SYSTEM, 1, 1);
    pass_ticks(0x400);
    assert_in_range(count_of(2), 0x3f0, 0x400);
    assert_int_equal(vm_fake_in(SYSTEM, 1) & 0x23, 1);
    vm_fake_out(SYSTEM, 1, 0);
    pass_ticks(0x1000);
    vm_fake_out(SYSTEM, 1, 1);
    assert_in_range(count_of(2), 0x3f0, 0x400);
    pass_ticks(0x400);
    assert_int_equal(vm_fake_in(SYSTEM, 1) & 0x23, 0x21);
}

static bool timer_fires(void) {
    devices_run(vm);
    if (!irq_external(vm))
        return false;
    assert_int_equal(irq_acknowledge_external(vm), 0x08);
    vm_fake_out(PIC1, 1, 0x20);
    return true;
}

static void periodic_timer_is_irq_0(void **state) {
    (void)state;
    vm_fake_program_pics();
    assert_int_equal(timers_deadline(vm), BH_FOREVER);
    program_timer(0, 2, 0);
    assert_false(timer_fires());
    uint64_t due = timers_deadline(vm);
    assert_in_range(due - vm_fake.now, 54900000, 54950000);
    vm_fake.now = due;
    assert_true(timer_fires());
    assert_false(timer_fires());
    vm_fake.now += 10 * 54925000ull;                        /* late ticks count once */
    assert_true(timer_fires());
    assert_false(timer_fires());
    assert_true(timers_deadline(vm) > vm_fake.now);
    program_timer(0, 2, 1);                                 /* the fastest is 0.5 ms */
    vm_fake.now += 1000000;
    assert_true(timer_fires());
    assert_in_range(timers_deadline(vm) - vm_fake.now, 400000, 600000);
    assert_false(timer_fires());
}

static void one_shot_fires_once(void **state) {
    (void)state;
    vm_fake_program_pics();
    program_timer(0, 0, 1000);
    pass_ticks(1001);
    assert_true(timer_fires());
    assert_int_equal(timers_deadline(vm), BH_FOREVER);
    pass_ticks(70000);
    assert_false(timer_fires());
}

static void read_back_latches_status_and_count(void **state) {
    (void)state;
    program_timer(0, 3, 0x1000);
    vm_fake_out(PIT + 3, 1, 0xc2);
    assert_int_equal(vm_fake_in(PIT, 1), 0xb6);             /* output high, both bytes, mode 3 */
    unsigned low = vm_fake_in(PIT, 1);
    assert_in_range(low | vm_fake_in(PIT, 1) << 8, 0xff0, 0x1000);
    vm_fake_out(PIT + 3, 1, 0x10);                          /* low byte only */
    vm_fake_out(PIT, 1, 0x80);
    assert_in_range(vm_fake_in(PIT, 1), 0x70, 0x80);
    assert_int_equal(vm_fake_in(PIT + 3, 1), 0xff);
}

/* ---- The rest ---- */

static void keyboard_controller_answers_without_keyboard(void **state) {
    (void)state;
    assert_int_equal(vm_fake_in(0x64, 1) & 3, 0);
    vm_fake_out(0x64, 1, 0xaa);
    assert_int_equal(vm_fake_in(0x64, 1) & 3, 1);
    assert_int_equal(vm_fake_in(0x60, 1), 0x55);
    assert_int_equal(vm_fake_in(0x64, 1) & 3, 0);
    vm_fake_out(0x64, 1, 0x60);
    vm_fake_out(0x60, 1, 0x47);
    vm_fake_out(0x64, 1, 0x20);
    assert_int_equal(vm_fake_in(0x60, 1), 0x47);
    vm_fake_out(0x60, 1, 0xff);                             /* to the keyboard: nobody there */
    assert_int_equal(vm_fake_in(0x64, 1) & 3, 1);
    assert_int_equal(vm_fake_in(0x60, 1), 0xfe);
    vm_fake_out(0x64, 1, 0xd4);
    vm_fake_out(0x60, 1, 0xff);                             /* to the mouse: no answer at all */
    assert_int_equal(vm_fake_in(0x64, 1) & 3, 0);
    vm_fake_out(0x64, 1, 0xd1);
    vm_fake_out(0x60, 1, 0);
    vm_fake_out(0x64, 1, 0xd0);
    assert_int_equal(vm_fake_in(0x60, 1), 1);               /* never pulls its reset line */
}

static void resets_end_the_life(void **state) {
    (void)state;
    vm_fake_out(0x92, 1, 2);
    assert_true(vm_runs(vm));
    vm_fake_out(0x92, 1, 3);
    assert_false(vm_runs(vm));
    assert_int_equal(vm->end_kind, VM_END_RESET);
}

static void pm_registers_switch_off(void **state) {
    (void)state;
    uint32_t before = vm_fake_in(0x608, 4);
    vm_fake.now += 1000000;
    assert_in_range(vm_fake_in(0x608, 4) - before, 3570, 3590);
    assert_int_equal(vm_fake_in(0x604, 2), 1);              /* always in ACPI mode */
    vm_fake_out(0x602, 2, 0x120);
    assert_int_equal(vm_fake_in(0x600, 4), 0x01200000);
    vm_fake_out(0x604, 2, 0x2000);                          /* a sleep that there isn't */
    assert_true(vm_runs(vm));
    vm_fake_out(0x604, 2, 0x3400);
    assert_false(vm_runs(vm));
    assert_int_equal(vm->end_kind, VM_END_POWEROFF);
}

static void host_bridge_is_the_440fx(void **state) {
    (void)state;
    assert_int_equal(vm_fake_config_read(0, 0), 0x12378086);
    assert_int_equal(vm_fake_config_read(0, 0x2c), 0x11001af4);
    vm_fake_config_write(0, 0x5c, 0x33333333);
    assert_int_equal(vm_fake_config_read(0, 0x5c), 0x33333333);
    assert_int_equal(vm_fake_config_read(31, 0), 0x70008086);
    assert_int_equal(vm_fake_config_read(31, 4) & 7, 7);
    assert_int_equal(vm_fake_config_read(31, 8) >> 8, 0x060100);
    vm_fake_out(0x70, 1, 0x30);
    assert_int_equal(vm_fake_in(0x71, 1), (FAKE_RAM / 1024 - 1024) & 0xff);
}

static uint32_t read_function(unsigned device, unsigned function, unsigned offset) {
    vm_fake_out(0xcf8, 4, 0x80000000u | device << 11 | function << 8 | offset);
    return vm_fake_in(0xcfc, 4);
}

static void power_function_is_beside_the_first_device(void **state) {
    (void)state;
    assert_int_equal(read_function(1, 3, 0), 0x71138086);
    assert_int_equal(read_function(1, 3, 0x40), 0x601);
    vm_fake_out(0xcfc, 4, 0xb001);
    assert_int_equal(read_function(1, 3, 0x40), 0x601);      /* where the tables say */
    assert_int_equal(read_function(1, 3, 0x80) & 1, 1);
    assert_int_equal(read_function(1, 0, 0), 0x10411af4);
    assert_int_equal(read_function(1, 1, 0), 0xffffffff);
    assert_int_equal(read_function(0, 3, 0), 0xffffffff);
}

static void a_vm_without_firmware_has_none_of_it(void **state) {
    (void)state;
    vm_fake_free();
    vm_fake_make(1);
    assert_int_equal(vm_fake_in(0x511, 1), 0xff);
    assert_int_equal(vm_fake_in(0x21, 1), 0xff);
    assert_int_equal(vm_fake_in(0x608, 4), 0xffffffff);
    assert_int_equal(timers_deadline(&vm_fake.vm), BH_FOREVER);
    irq_line(&vm_fake.vm, UART_LINE, true);
    assert_false(irq_external(&vm_fake.vm));
    assert_int_equal(vm_fake_config_read(0, 0), 0x0d578086);
    assert_int_equal(read_function(1, 3, 0), 0xffffffff);
    assert_int_equal(read_function(31, 0, 0), 0xffffffff);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(vcpu_0_starts_at_the_reset_vector),
        TEST(mtrrs_keep_what_they_can_mean),
        TEST(mtrrs_stay_with_an_init_and_go_with_a_reset),
        TEST(image_is_read_only_and_ends_at_4_gib),
        TEST(reset_loads_everything_anew),
        TEST(short_image_is_refused),
        TEST(configuration_tells_the_machine),
        TEST(configuration_has_a_bound),
        TEST(graphics_bios_is_a_file_of_a_vm_with_a_screen),
        TEST(acpi_tables_follow_the_script),
        TEST(edges_are_served_by_priority),
        TEST(second_chip_cascades),
        TEST(masks_and_levels),
        TEST(rotation_makes_the_served_the_last),
        TEST(vcpu_0_takes_it_through_lint0),
        TEST(speaker_channel_measures_time),
        TEST(periodic_timer_is_irq_0),
        TEST(one_shot_fires_once),
        TEST(read_back_latches_status_and_count),
        TEST(keyboard_controller_answers_without_keyboard),
        TEST(resets_end_the_life),
        TEST(pm_registers_switch_off),
        TEST(host_bridge_is_the_440fx),
        TEST(power_function_is_beside_the_first_device),
        TEST(a_vm_without_firmware_has_none_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
