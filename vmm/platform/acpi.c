/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables, built byte by byte.
 */
#include "vmm/platform/acpi.h"

#include <stdbool.h>

#include "lib/c/string.h"
#include "vmm/cpu/apic.h"
#include "vmm/platform/ioapic.h"
#include "vmm/platform/layout.h"
#include "vmm/platform/rtc.h"
#include "vmm/platform/serial.h"

struct writer {
    uint8_t *bytes;
    size_t size;
    size_t at;
    bool full;
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

static uint8_t negative_sum(const uint8_t *bytes, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

/* ---- Table headers (ACPI 5.2.6) ---- */

enum { HEADER_LENGTH = 4, HEADER_CHECKSUM = 9, RSDP_SIZE = 36, RSDP_SIZE_1 = 20 };

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
    struct writer length = { w->bytes, w->size, start + HEADER_LENGTH, false };
    put(&length, w->at - start, 4);
    w->bytes[start + HEADER_CHECKSUM] = negative_sum(w->bytes + start, w->at - start);
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

/* EISA identifiers, compressed (19.3.4): PNP0A03, PNP0501, PNP0B00. */
enum eisa { EISA_PCI = 0x030ad041, EISA_SERIAL = 0x0105d041, EISA_CLOCK = 0x000bd041 };

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
    resource_memory(w, (uint32_t)LAYOUT_HOLE, (uint32_t)LAYOUT_HOLE_BARS_END);
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
    FADT_DSDT = 40, FADT_BOOT_FLAGS = 109, FADT_FLAGS = 112, FADT_RESET = 116, FADT_MINOR = 131,
    FADT_X_DSDT = 140, FADT_SLEEP_CONTROL = 244, FADT_SLEEP_STATUS = 256, FADT_SIZE = 276,
    BOOT_NO_VGA = 1u << 2,
    FLAG_WBINVD = 1u << 0, FLAG_NO_POWER_BUTTON = 1u << 4, FLAG_NO_SLEEP_BUTTON = 1u << 5,
    FLAG_RESET = 1u << 10, FLAG_HARDWARE_REDUCED = 1u << 20,
    RESET_VALUE = 0x06,
};

static size_t put_fadt(struct writer *w, uint64_t dsdt) {
    size_t table = begin_table(w, "FACP", 6);
    put_zeroes(w, (unsigned)(FADT_SIZE - (w->at - table)));
    size_t end = w->at;
    w->at = table + FADT_DSDT;
    put(w, dsdt, 4);
    w->at = table + FADT_BOOT_FLAGS;
    put(w, BOOT_NO_VGA, 2);
    w->at = table + FADT_FLAGS;
    put(w, FLAG_WBINVD | FLAG_NO_POWER_BUTTON | FLAG_NO_SLEEP_BUTTON | FLAG_RESET |
           FLAG_HARDWARE_REDUCED, 4);
    put_port_address(w, LAYOUT_PORT_RESET);
    put(w, RESET_VALUE, 1);
    w->at = table + FADT_MINOR;
    put(w, 4, 1);
    w->at = table + FADT_X_DSDT;
    put(w, dsdt, 8);
    w->at = table + FADT_SLEEP_CONTROL;
    put_port_address(w, LAYOUT_PORT_SLEEP);
    put_port_address(w, LAYOUT_PORT_SLEEP + 1);
    w->at = end;
    end_table(w, table);
    return table;
}

/* 5.2.12: local APICs and the I/O APIC. */
static size_t put_madt(struct writer *w, unsigned vcpu_count) {
    enum { LOCAL_APIC = 0, IO_APIC = 1, ENABLED = 1 };
    size_t table = begin_table(w, "APIC", 5);
    put(w, APIC_PAGE, 4);
    put(w, 0, 4);
    for (unsigned i = 0; i < vcpu_count; i++) {
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
    end_table(w, table);
    return table;
}

static void put_rsdp(struct writer *w, uint64_t xsdt) {
    put_text(w, "RSD PTR ", 8);
    put(w, 0, 1);
    put_text(w, "BULKHD", 6);
    put(w, 2, 1);
    put(w, 0, 4);
    put(w, RSDP_SIZE, 4);
    put(w, xsdt, 8);
    put(w, 0, 4);
}

size_t acpi_build(uint8_t *bytes, size_t size, uint64_t at, unsigned vcpu_count) {
    struct writer w = { bytes, size, 0, false };
    put_zeroes(&w, RSDP_SIZE);
    size_t dsdt = put_dsdt(&w);
    size_t fadt = w.full ? 0 : put_fadt(&w, at + dsdt);
    size_t madt = w.full ? 0 : put_madt(&w, vcpu_count);
    size_t xsdt = begin_table(&w, "XSDT", 1);
    put(&w, at + fadt, 8);
    put(&w, at + madt, 8);
    end_table(&w, xsdt);
    if (w.full)
        return 0;
    struct writer root = { bytes, RSDP_SIZE, 0, false };
    put_rsdp(&root, at + xsdt);
    bytes[8] = negative_sum(bytes, RSDP_SIZE_1);
    bytes[32] = negative_sum(bytes, RSDP_SIZE);
    return w.at;
}
