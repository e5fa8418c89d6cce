/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: found once at boot, each checked for signature, length and checksum before it is
 * used (ACPI 6.4, chapter 5.2). Believes the firmware about the hardware, but not about lengths: a
 * field beyond the end of its table reads as zero.
 */
#include "x86/acpi.h"

#include "core/log.h"
#include "core/string.h"
#include "x86/cpu.h"

enum { MAX_TABLES = 64, MAX_LENGTH = 16 << 20 };

/* Offsets in the root pointer (5.2.5.3), in every table (5.2.6), in the FADT (5.2.9). */
enum { RSDP_REVISION = 15, RSDP_RSDT = 16, RSDP_XSDT = 24, RSDP_SIZE = 36, RSDP_SIZE_1 = 20 };
enum { TABLE_LENGTH = 4, TABLE_HEADER = 36 };
enum {
    FADT_DSDT = 40, FADT_PM1A_CONTROL = 64, FADT_PM1B_CONTROL = 68, FADT_FLAGS = 112,
    FADT_RESET_SPACE = 116, FADT_RESET_ADDRESS = 120, FADT_RESET_VALUE = 128,
    FADT_CAN_RESET = 1u << 10, SPACE_PORTS = 1,
};

/* MADT (5.2.12): offsets of its entries and, within an entry, of the fields of each type. */
enum { MADT_FIRST = 44, ENTRY_TYPE = 0, ENTRY_LENGTH = 1, ENTRY_HEAD = 2 };
enum { LOCAL_APIC = 0, LOCAL_APIC_ID = 3, LOCAL_APIC_FLAGS = 4 };
enum { IO_APIC = 1, IO_APIC_ID = 2, IO_APIC_ADDRESS = 4, IO_APIC_GSI_BASE = 8 };
enum { OVERRIDE = 2, OVERRIDE_LINE = 3, OVERRIDE_GSI = 4 };
enum { X2APIC = 9, X2APIC_ID = 4, X2APIC_FLAGS = 8 };
enum { CORE_ENABLED = 1u << 0 };

/* Everything below is written by acpi_install on the boot core, then only read. */
struct acpi acpi;
static struct bytes root;              /* RSDT or XSDT (5.2.7, 5.2.8): addresses behind a header */
static uint32_t address_width;         /* of those in it */
static uint16_t pm1a_control, pm1b_control, reset_port;
static uint8_t sleep_a, sleep_b, reset_value;
static bool can_sleep;

static bool sums_to_zero(struct bytes bytes) {
    uint8_t sum = 0;
    for (uint32_t i = 0; i < bytes.length; i++)
        sum = (uint8_t)(sum + bytes.at[i]);
    return sum == 0;
}

/* The table of this name, if length and checksum are right; of length zero otherwise. */
static struct bytes table_at(uint64_t address, const char signature[4]) {
    struct bytes none = { 0, 0 };
    struct bytes table = { physical_at(paddr(address), TABLE_HEADER), TABLE_HEADER };
    if (address == 0 || memcmp(table.at, signature, 4) != 0)
        return none;
    table.length = (uint32_t)bytes_number(table, TABLE_LENGTH, 4);
    if (table.length < TABLE_HEADER || table.length > MAX_LENGTH)
        return none;
    table.at = physical_at(paddr(address), table.length);
    return sums_to_zero(table) ? table : none;
}

/* 5.2.5.1: where the loader says, else at a paragraph in the BIOS' last 128 KiB. */
static struct bytes find_rsdp(paddr_t given) {
    const uint64_t bios = 0xe0000, bios_end = 0x100000;
    uint64_t last = given.value != 0 ? given.value : bios_end - RSDP_SIZE;
    for (uint64_t at = given.value != 0 ? given.value : bios; at <= last; at += 16) {
        struct bytes rsdp = { physical_at(paddr(at), RSDP_SIZE), RSDP_SIZE };
        if (memcmp(rsdp.at, "RSD PTR ", 8) == 0 &&
            sums_to_zero((struct bytes){ rsdp.at, RSDP_SIZE_1 }))
            return rsdp;
    }
    panic("ACPI: no valid RSDP: this machine can't be described to the kernel");
}

static void find_root(paddr_t given) {
    struct bytes rsdp = find_rsdp(given);
    bool extended = bytes_number(rsdp, RSDP_REVISION, 1) >= 2;
    root = table_at(extended ? bytes_number(rsdp, RSDP_XSDT, 8) : 0, "XSDT");
    address_width = 8;
    if (root.length != 0)
        return;
    root = table_at(bytes_number(rsdp, RSDP_RSDT, 4), "RSDT");
    address_width = 4;
    if (root.length == 0)
        panic("ACPI: neither XSDT nor RSDT is valid");
}

struct bytes acpi_table(const char signature[4]) {
    struct bytes table = { 0, 0 };
    for (uint32_t i = 0; i < MAX_TABLES && table.length == 0; i++)
        table = table_at(bytes_number(root, TABLE_HEADER + i * address_width, address_width),
                         signature);
    return table;
}

static void add_core(uint64_t id, uint64_t flags) {
    bool known = false;
    for (uint32_t i = 0; i < acpi.core_count; i++)
        known = known || acpi.core_apic_id[i] == id;
    if (flags & CORE_ENABLED && !known && acpi.core_count < BH_MAX_CORES)
        acpi.core_apic_id[acpi.core_count++] = (uint32_t)id;
}

static void read_madt_entry(struct bytes entry) {
    uint64_t line = bytes_number(entry, OVERRIDE_LINE, 1);
    switch (bytes_number(entry, ENTRY_TYPE, 1)) {
    case LOCAL_APIC:
        add_core(bytes_number(entry, LOCAL_APIC_ID, 1),
                 bytes_number(entry, LOCAL_APIC_FLAGS, 4));
        break;
    case X2APIC:
        add_core(bytes_number(entry, X2APIC_ID, 4), bytes_number(entry, X2APIC_FLAGS, 4));
        break;
    case IO_APIC:
        if (bytes_number(entry, IO_APIC_GSI_BASE, 4) == 0 && acpi.ioapic.value == 0) {
            acpi.ioapic_id = (uint32_t)bytes_number(entry, IO_APIC_ID, 1);
            acpi.ioapic = paddr(bytes_number(entry, IO_APIC_ADDRESS, 4));
        }
        break;
    case OVERRIDE:
        if (line < ACPI_ISA_LINES)
            acpi.isa_gsi[line] = (uint32_t)bytes_number(entry, OVERRIDE_GSI, 4);
        break;
    }
}

static void read_madt(void) {
    struct bytes madt = acpi_table("APIC"), entry;
    if (madt.length == 0)
        panic("ACPI: no MADT: the cores and the I/O APIC are unknown");
    for (uint32_t at = MADT_FIRST;;) {
        entry = bytes_next(madt, &at, bytes_number(madt, at + ENTRY_LENGTH, 1), ENTRY_HEAD);
        if (entry.length == 0)
            return;
        read_madt_entry(entry);
    }
}

/* CPUID (Intel SDM volume 2): leaf 0BH, EDX is the x2APIC id; leaf 01H, EBX 31:24 the short one. */
static void put_own_core_first(void) {
    bool extended = cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx != 0;
    uint32_t own = extended ? cpuid(0xb, 0).edx : cpuid(1, 0).ebx >> 24;
    for (uint32_t i = 1; i < acpi.core_count; i++) {
        if (acpi.core_apic_id[i] == own) {
            acpi.core_apic_id[i] = acpi.core_apic_id[0];
            acpi.core_apic_id[0] = own;
        }
    }
}

/* One element of \_S5's package: ZeroOp, OneOp or BytePrefix and a byte (20.2.3). Moves *at. */
static bool read_small_integer(struct bytes aml, uint32_t *at, uint8_t *value) {
    enum { BYTE_PREFIX = 0x0a };
    if (bytes_number(aml, *at, 1) == BYTE_PREFIX)
        (*at)++;
    *value = (uint8_t)bytes_number(aml, *at, 1);
    return (*at)++ < aml.length && *value < 8;
}

/* `Name (_S5, Package () {a, b, ..})`: behind the name PackageOp, PkgLength, of which bits 7:6 of
 * the first byte count further bytes, the number of elements, the elements. */
static void read_s5(struct bytes aml, uint32_t at) {
    enum { PACKAGE_OP = 0x12 };
    if (bytes_number(aml, at, 1) != PACKAGE_OP)
        return;
    at += 3 + (uint32_t)bytes_number(aml, at + 1, 1) / 64;
    can_sleep = read_small_integer(aml, &at, &sleep_a) && read_small_integer(aml, &at, &sleep_b);
}

static void read_fadt(void) {
    struct bytes fadt = acpi_table("FACP");
    struct bytes dsdt = table_at(bytes_number(fadt, FADT_DSDT, 4), "DSDT");
    pm1a_control = (uint16_t)bytes_number(fadt, FADT_PM1A_CONTROL, 4);
    pm1b_control = (uint16_t)bytes_number(fadt, FADT_PM1B_CONTROL, 4);
    for (uint32_t at = TABLE_HEADER; at + 4 < dsdt.length && !can_sleep; at++) {
        if (memcmp(dsdt.at + at, "_S5_", 4) == 0)
            read_s5(dsdt, at + 4);
    }
    if (bytes_number(fadt, FADT_FLAGS, 4) & FADT_CAN_RESET &&
        bytes_number(fadt, FADT_RESET_SPACE, 1) == SPACE_PORTS) {
        reset_port = (uint16_t)bytes_number(fadt, FADT_RESET_ADDRESS, 8);
        reset_value = (uint8_t)bytes_number(fadt, FADT_RESET_VALUE, 1);
    }
}

void acpi_install(paddr_t rsdp) {
    for (uint32_t line = 0; line < ACPI_ISA_LINES; line++)
        acpi.isa_gsi[line] = line;
    find_root(rsdp);
    read_madt();
    put_own_core_first();
    read_fadt();
}

/* 4.8.3.2.1: SLP_TYPx and SLP_EN of the PM1 control registers. */
void acpi_poweroff(void) {
    enum { SLEEP_TYPE_UNIT = 1u << 10, SLEEP_ENABLE = 1u << 13 };
    if (!can_sleep || pm1a_control == 0)
        return;
    port_out16(pm1a_control, (uint16_t)(sleep_a * SLEEP_TYPE_UNIT | SLEEP_ENABLE));
    if (pm1b_control != 0)
        port_out16(pm1b_control, (uint16_t)(sleep_b * SLEEP_TYPE_UNIT | SLEEP_ENABLE));
}

/* The FADT's reset register; when nothing happens, the chipset's (ICH9, 13.7.5). */
void acpi_reboot(void) {
    enum { RESET_CONTROL = 0xcf9, FULL_RESET = 0x06 };
    if (reset_port != 0)
        port_out8(reset_port, reset_value);
    port_out8(RESET_CONTROL, FULL_RESET);
}
