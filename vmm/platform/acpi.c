/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables, built byte by byte.
 */
#include "vmm/platform/acpi.h"

#include <stdbool.h>

#include "lib/c/string.h"
#include "vmm/cpu/apic.h"
#include "vmm/platform/hpet.h"
#include "vmm/platform/i8042.h"
#include "vmm/platform/ioapic.h"
#include "vmm/platform/layout.h"
#include "vmm/platform/pm.h"
#include "vmm/platform/rtc.h"
#include "vmm/platform/serial.h"

struct writer {
    uint8_t *bytes;
    size_t size;
    size_t at;
    bool full;
    const struct acpi_machine *machine;
    struct acpi_fixups *fixups;
};

static void put(struct writer *w, uint64_t value, unsigned size) {
    if (w->size - w->at < size) {
        w->full = true;
        return;
    }
    for (unsigned i = 0; i < size; i++)
        w->bytes[w->at++] = (uint8_t)(value >> (8 * i));
}

static void put_text(struct writer *w, const char *text, unsigned size) {
    bool ended = false;
    for (unsigned i = 0; i < size; i++) {
        ended |= text[i] == 0;
        put(w, ended ? ' ' : (uint8_t)text[i], 1);
    }
}

static void put_zeroes(struct writer *w, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        put(w, 0, 1);
}

static void add_fixup(struct writer *w, size_t at, size_t start, size_t size) {
    if (w->fixups->count == ACPI_FIXUPS) {
        w->full = true;
        return;
    }
    w->fixups->fixup[w->fixups->count++] =
        (struct acpi_fixup){ (uint32_t)at, (uint32_t)start, (uint32_t)size };
}

/* The guest-physical address of what lies `offset` into the tables. */
static void put_pointer(struct writer *w, size_t offset, unsigned size) {
    add_fixup(w, w->at, ACPI_POINTER, size);
    put(w, w->machine->at + offset, size);
}

static uint8_t negative_sum(const uint8_t *bytes, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

/* The byte at `at` makes the sum of [start, start + size) zero. */
static void put_checksum(struct writer *w, size_t at, size_t start, size_t size) {
    w->bytes[at] = negative_sum(w->bytes + start, size);
    add_fixup(w, at, start, size);
}

/* ---- Table headers (ACPI 5.2.6) ---- */

enum { HEADER_LENGTH = 4, HEADER_CHECKSUM = 9, RSDP_SIZE = ACPI_RSDP_SIZE, RSDP_SIZE_1 = 20 };

static size_t begin_table(struct writer *w, const char *signature, unsigned revision) {
    while (w->at % 16 != 0 && !w->full)
        put(w, 0, 1);
    size_t start = w->at;
    put_text(w, signature, 4);
    put(w, 0, 4);
    put(w, revision, 1);
    put(w, 0, 1);
    put_text(w, "BULKHD", 6);
    put_text(w, "BULKHEAD", 8);
    put(w, 1, 4);
    put_text(w, "BLKH", 4);
    put(w, 1, 4);
    return start;
}

static void end_table(struct writer *w, size_t start) {
    if (w->full)
        return;
    struct writer length = { .bytes = w->bytes, .size = w->size, .at = start + HEADER_LENGTH };
    put(&length, w->at - start, 4);
    put_checksum(w, start + HEADER_CHECKSUM, start, w->at - start);
}

/* ---- AML (ACPI 20.2) ---- */

enum aml {
    AML_NAME = 0x08, AML_BYTE = 0x0a, AML_DWORD = 0x0c, AML_SCOPE = 0x10, AML_BUFFER = 0x11,
    AML_PACKAGE = 0x12, AML_EXTENSION = 0x5b, AML_DEVICE = 0x82,
};

/* A package length of two bytes, filled in by end_package (20.2.4). */
static size_t begin_package(struct writer *w) {
    put(w, 0, 2);
    return w->at - 2;
}

static void end_package(struct writer *w, size_t start) {
    size_t length = w->at - start;
    if (w->full)
        return;
    w->bytes[start] = (uint8_t)(0x40 | length % 16);
    w->bytes[start + 1] = (uint8_t)(length / 16);
}

static size_t begin_device(struct writer *w, const char *name) {
    put(w, AML_EXTENSION, 1);
    put(w, AML_DEVICE, 1);
    size_t start = begin_package(w);
    put_text(w, name, 4);
    return start;
}

static void name_dword(struct writer *w, const char *name, uint32_t value) {
    put(w, AML_NAME, 1);
    put_text(w, name, 4);
    put(w, AML_DWORD, 1);
    put(w, value, 4);
}

struct buffer { size_t package; size_t length_at; };

/* Name (_CRS, Buffer () {...}) whose content follows. */
static struct buffer begin_resources(struct writer *w) {
    put(w, AML_NAME, 1);
    put_text(w, "_CRS", 4);
    put(w, AML_BUFFER, 1);
    size_t package = begin_package(w);
    put(w, AML_BYTE, 1);
    put(w, 0, 1);
    return (struct buffer){ package, w->at - 1 };
}

static void end_resources(struct writer *w, struct buffer buffer) {
    put(w, 0x79, 1);                 /* end tag, checksum not used (6.4.2.9) */
    put(w, 0, 1);
    if (!w->full)
        w->bytes[buffer.length_at] = (uint8_t)(w->at - buffer.length_at - 1);
    end_package(w, buffer.package);
}

/* I/O port descriptor (6.4.2.5). */
static void resource_ports(struct writer *w, uint16_t first, uint8_t count) {
    put(w, 0x47, 1);
    put(w, 1, 1);
    put(w, first, 2);
    put(w, first, 2);
    put(w, 1, 1);
    put(w, count, 1);
}

/* IRQ descriptor without flags: edge, active high (6.4.2.1). */
static void resource_interrupt(struct writer *w, unsigned line) {
    put(w, 0x22, 1);
    put(w, 1u << line, 2);
}

enum window { WINDOW_MEMORY = 0, WINDOW_PORTS = 1, WINDOW_BUSES = 2 };
enum { WINDOW_FIXED = 0x0c };        /* minimum and maximum are fixed, producer, positive decode */

/* Word address space descriptor (6.4.3.5.3). */
static void resource_words(struct writer *w, enum window kind, uint8_t flags, uint16_t first,
                           uint16_t last) {
    put(w, 0x88, 1);
    put(w, 13, 2);
    put(w, kind, 1);
    put(w, WINDOW_FIXED, 1);
    put(w, flags, 1);
    put(w, 0, 2);
    put(w, first, 2);
    put(w, last, 2);
    put(w, 0, 2);
    put(w, (uint16_t)(last - first + 1u), 2);
}

/* Double-word address space descriptor (6.4.3.5.2): memory, read-write, not cacheable. */
static void resource_memory(struct writer *w, uint32_t first, uint32_t last) {
    put(w, 0x87, 1);
    put(w, 23, 2);
    put(w, WINDOW_MEMORY, 1);
    put(w, WINDOW_FIXED, 1);
    put(w, 1, 1);
    put(w, 0, 4);
    put(w, first, 4);
    put(w, last, 4);
    put(w, 0, 4);
    put(w, last - first + 1, 4);
}

/* EISA identifiers, compressed (19.3.4): PNP0A03, PNP0501, PNP0B00, PNP0303. */
enum eisa {
    EISA_PCI = 0x030ad041, EISA_SERIAL = 0x0105d041, EISA_CLOCK = 0x000bd041,
    EISA_KEYBOARD = 0x0303d041,
};

/* An entry of the routing table (6.2.13): pin A of a device to a pin of the I/O APIC, with no link
 * device between. The operating system takes it as level-triggered. */
static void put_route(struct writer *w, unsigned device) {
    enum { ANY_FUNCTION = 0xffff, PIN_A = 0, NO_SOURCE = 0 };
    put(w, AML_PACKAGE, 1);
    size_t package = begin_package(w);
    put(w, 4, 1);
    put(w, AML_DWORD, 1);
    put(w, device << 16 | ANY_FUNCTION, 4);
    put(w, PIN_A, 1);
    put(w, NO_SOURCE, 1);
    put(w, AML_BYTE, 1);
    put(w, LAYOUT_PCI_PIN(device), 1);
    end_package(w, package);
}

static void put_routes(struct writer *w) {
    put(w, AML_NAME, 1);
    put_text(w, "_PRT", 4);
    put(w, AML_PACKAGE, 1);
    size_t package = begin_package(w);
    put(w, LAYOUT_PCI_DEVICES, 1);
    for (unsigned i = 1; i <= LAYOUT_PCI_DEVICES; i++)
        put_route(w, i);
    end_package(w, package);
}

static void put_host_bridge(struct writer *w) {
    enum { ENTIRE_RANGE = 3 };
    size_t device = begin_device(w, "PCI0");
    name_dword(w, "_HID", EISA_PCI);
    name_dword(w, "_UID", 0);
    struct buffer resources = begin_resources(w);
    resource_words(w, WINDOW_BUSES, 0, 0, 0);
    resource_ports(w, 0xcf8, 8);
    resource_words(w, WINDOW_PORTS, ENTIRE_RANGE, 0x1000, 0xffff);
    resource_memory(w, w->machine->hole, (uint32_t)LAYOUT_HOLE_BARS_END);
    end_resources(w, resources);
    put_routes(w);
    end_package(w, device);
}

static void put_serial(struct writer *w) {
    size_t device = begin_device(w, "COM1");
    name_dword(w, "_HID", EISA_SERIAL);
    name_dword(w, "_UID", 1);
    struct buffer resources = begin_resources(w);
    resource_ports(w, SERIAL_PORT, SERIAL_PORTS);
    resource_interrupt(w, SERIAL_PIN);
    end_resources(w, resources);
    end_package(w, device);
}

static void put_clock(struct writer *w) {
    size_t device = begin_device(w, "RTC_");
    name_dword(w, "_HID", EISA_CLOCK);
    struct buffer resources = begin_resources(w);
    resource_ports(w, RTC_PORT_INDEX, 2);
    end_resources(w, resources);
    end_package(w, device);
}

static void put_keyboard(struct writer *w) {
    size_t device = begin_device(w, "KBD_");
    name_dword(w, "_HID", EISA_KEYBOARD);
    struct buffer resources = begin_resources(w);
    resource_ports(w, I8042_PORT_DATA, 1);
    resource_ports(w, I8042_PORT_COMMAND, 1);
    resource_interrupt(w, I8042_PIN);
    end_resources(w, resources);
    end_package(w, device);
}

/* Name (_S5_, Package () {5, 0}): soft-off (7.4.2). */
static void put_soft_off(struct writer *w) {
    put(w, AML_NAME, 1);
    put_text(w, "_S5_", 4);
    put(w, AML_PACKAGE, 1);
    size_t package = begin_package(w);
    put(w, 2, 1);
    put(w, AML_BYTE, 1);
    put(w, 5, 1);
    put(w, 0, 1);
    end_package(w, package);
}

static size_t put_dsdt(struct writer *w) {
    size_t table = begin_table(w, "DSDT", 2);
    put_soft_off(w);
    put(w, AML_SCOPE, 1);
    size_t scope = begin_package(w);
    put_text(w, "\\_SB_", 5);
    put_host_bridge(w);
    put_serial(w);
    put_clock(w);
    if (w->machine->screen)
        put_keyboard(w);
    end_package(w, scope);
    end_table(w, table);
    return table;
}

/* ---- Static tables ---- */

/* Generic address structure of an 8-bit I/O port (5.2.3.2). */
static void put_port_address(struct writer *w, uint16_t port) {
    put(w, 1, 1);
    put(w, 8, 1);
    put(w, 0, 1);
    put(w, 1, 1);
    put(w, port, 8);
}

enum fadt {                          /* 5.2.9 */
    FADT_FACS = 36, FADT_DSDT = 40, FADT_SCI = 46, FADT_PM1_EVENT = 56, FADT_PM1_CONTROL = 64,
    FADT_PM_TIMER = 76, FADT_LENGTHS = 88, FADT_LATENCIES = 96, FADT_CENTURY = 108,
    FADT_BOOT_FLAGS = 109, FADT_FLAGS = 112, FADT_RESET = 116, FADT_MINOR = 131,
    FADT_X_DSDT = 140, FADT_SLEEP_CONTROL = 244, FADT_SLEEP_STATUS = 256, FADT_SIZE = 276,
    BOOT_LEGACY_DEVICES = 1u << 0, BOOT_I8042 = 1u << 1, BOOT_NO_VGA = 1u << 2,
    FLAG_WBINVD = 1u << 0, FLAG_NO_POWER_BUTTON = 1u << 4, FLAG_NO_SLEEP_BUTTON = 1u << 5,
    FLAG_RESET = 1u << 10, FLAG_HARDWARE_REDUCED = 1u << 20,
    RESET_VALUE = 0x06, NO_SUCH_STATE = 0xffff, SCI = 9,
};

static void put_at(struct writer *w, size_t at, uint64_t value, unsigned size) {
    struct writer place = { .bytes = w->bytes, .size = w->size, .at = at };
    put(&place, value, size);
}

/* Reduced hardware: sleep control and status registers instead of PM1's. */
static void fill_reduced(struct writer *w, size_t table) {
    w->at = table + FADT_SLEEP_CONTROL;
    put_port_address(w, LAYOUT_PORT_SLEEP);
    put_port_address(w, LAYOUT_PORT_SLEEP + 1);
}

/* The fixed hardware of platform/pm.c, always in ACPI mode. */
static void fill_fixed(struct writer *w, size_t table, size_t facs) {
    w->at = table + FADT_FACS;
    put_pointer(w, facs, 4);
    put_at(w, table + FADT_SCI, SCI, 2);
    put_at(w, table + FADT_PM1_EVENT, PM_PORT, 4);
    put_at(w, table + FADT_PM1_CONTROL, PM_PORT_CONTROL, 4);
    put_at(w, table + FADT_PM_TIMER, PM_PORT_TIMER, 4);
    put_at(w, table + FADT_LENGTHS, 0x04000204, 4);    /* event, control, control 2, timer */
    put_at(w, table + FADT_LATENCIES, NO_SUCH_STATE, 2);
    put_at(w, table + FADT_LATENCIES + 2, NO_SUCH_STATE, 2);
    put_at(w, table + FADT_CENTURY, RTC_CENTURY, 1);
}

static unsigned boot_flags(const struct acpi_machine *machine) {
    return (machine->fixed_hardware ? BOOT_LEGACY_DEVICES : 0) |
           (machine->screen ? BOOT_I8042 : BOOT_NO_VGA);
}

static size_t put_fadt(struct writer *w, size_t dsdt, size_t facs) {
    bool fixed = w->machine->fixed_hardware;
    size_t table = begin_table(w, "FACP", 6);
    put_zeroes(w, (unsigned)(FADT_SIZE - (w->at - table)));
    size_t end = w->at;
    if (w->full)
        return table;
    put_at(w, table + FADT_BOOT_FLAGS, boot_flags(w->machine), 2);
    put_at(w, table + FADT_FLAGS,
           FLAG_WBINVD | FLAG_NO_POWER_BUTTON | FLAG_NO_SLEEP_BUTTON | FLAG_RESET |
               (fixed ? 0 : FLAG_HARDWARE_REDUCED), 4);
    w->at = table + FADT_RESET;
    put_port_address(w, LAYOUT_PORT_RESET);
    put(w, RESET_VALUE, 1);
    put_at(w, table + FADT_MINOR, 4, 1);
    if (fixed)
        fill_fixed(w, table, facs);
    else
        fill_reduced(w, table);
    w->at = table + FADT_DSDT;
    put_pointer(w, dsdt, 4);
    w->at = table + FADT_X_DSDT;
    put_pointer(w, dsdt, 8);
    w->at = end;
    end_table(w, table);
    return table;
}

/* 5.2.10: what firmware and system share in sleep, of which there is none. */
static size_t put_facs(struct writer *w) {
    enum { FACS_SIZE = 64, FACS_VERSION_AT = 32 };
    while (w->at % FACS_SIZE != 0 && !w->full)
        put(w, 0, 1);
    size_t table = w->at;
    put_text(w, "FACS", 4);
    put(w, FACS_SIZE, 4);
    put_zeroes(w, FACS_VERSION_AT - 8);
    put(w, 2, 1);
    put_zeroes(w, FACS_SIZE - FACS_VERSION_AT - 1);
    return table;
}

/* 5.2.12.5: an ISA interrupt that isn't the I/O APIC's pin of the same number, or no edge. */
static void put_override(struct writer *w, unsigned line, unsigned pin, unsigned flags) {
    enum { OVERRIDE = 2, ISA = 0 };
    put(w, OVERRIDE, 1);
    put(w, 10, 1);
    put(w, ISA, 1);
    put(w, line, 1);
    put(w, pin, 4);
    put(w, flags, 2);
}

/* 5.2.12: local APICs and the I/O APIC. */
static size_t put_madt(struct writer *w) {
    enum { LOCAL_APIC = 0, IO_APIC = 1, ENABLED = 1, HAS_PICS = 1, LEVEL_HIGH = 0x0d };
    size_t table = begin_table(w, "APIC", 5);
    put(w, APIC_PAGE, 4);
    put(w, w->machine->fixed_hardware ? HAS_PICS : 0, 4);
    for (unsigned i = 0; i < w->machine->vcpu_count; i++) {
        put(w, LOCAL_APIC, 1);
        put(w, 8, 1);
        put(w, i, 1);
        put(w, i, 1);
        put(w, ENABLED, 4);
    }
    put(w, IO_APIC, 1);
    put(w, 12, 1);
    put(w, 0, 1);
    put(w, 0, 1);
    put(w, IOAPIC_PAGE, 4);
    put(w, 0, 4);
    if (w->machine->fixed_hardware) {
        put_override(w, 0, LAYOUT_TIMER_PIN, 0);
        put_override(w, SCI, SCI, LEVEL_HIGH);
    }
    end_table(w, table);
    return table;
}

/* IA-PC HPET 1.0a, 3.2.4. */
static size_t put_hpet(struct writer *w) {
    enum { MEMORY = 0, MIN_TICK = 1000, NO_PAGE_GUARANTEE = 0 };
    size_t table = begin_table(w, "HPET", 1);
    put(w, HPET_ID, 4);
    put(w, MEMORY, 1);
    put(w, 64, 1);
    put(w, 0, 2);
    put(w, HPET_PAGE, 8);
    put(w, 0, 1);
    put(w, MIN_TICK, 2);
    put(w, NO_PAGE_GUARANTEE, 1);
    end_table(w, table);
    return table;
}

static void put_rsdp(struct writer *w, size_t xsdt) {
    enum { CHECKSUM_1 = 8, CHECKSUM_2 = 32 };
    size_t end = w->at;
    w->at = 0;
    put_text(w, "RSD PTR ", 8);
    put(w, 0, 1);
    put_text(w, "BULKHD", 6);
    put(w, 2, 1);
    put(w, 0, 4);
    put(w, RSDP_SIZE, 4);
    put_pointer(w, xsdt, 8);
    put(w, 0, 4);
    put_checksum(w, CHECKSUM_1, 0, RSDP_SIZE_1);
    put_checksum(w, CHECKSUM_2, 0, RSDP_SIZE);
    w->at = end;
}

size_t acpi_build(uint8_t *bytes, size_t size, const struct acpi_machine *machine,
                  struct acpi_fixups *fixups) {
    struct writer w = { bytes, size, 0, false, machine, fixups };
    fixups->count = 0;
    put_zeroes(&w, RSDP_SIZE);
    size_t dsdt = put_dsdt(&w);
    size_t facs = machine->fixed_hardware ? put_facs(&w) : 0;
    size_t fadt = put_fadt(&w, dsdt, facs);
    size_t madt = put_madt(&w);
    size_t hpet = machine->hpet ? put_hpet(&w) : 0;
    size_t xsdt = begin_table(&w, "XSDT", 1);
    put_pointer(&w, fadt, 8);
    put_pointer(&w, madt, 8);
    if (machine->hpet)
        put_pointer(&w, hpet, 8);
    end_table(&w, xsdt);
    if (w.full)
        return 0;
    put_rsdp(&w, xsdt);
    return w.full ? 0 : w.at;
}
