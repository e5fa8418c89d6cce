/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: found once at boot, each checked for signature, length and checksum before it is
 * used (ACPI 6.4, chapter 5.2). Believes the firmware about the hardware, but not about lengths:
 * every structure is compared with the length of its table before a field of it is read.
 */
#include "x86/acpi.h"

#include "abi/plan.h"

#include "core/log.h"
#include "x86/ports.h"

enum {
    ACPI_MAX_TABLES   = 64,
    ACPI_MAX_LENGTH   = 16 << 20,
    ACPI_MAX_OVERRIDE = 16,
};

struct acpi_rsdp {                    /* 5.2.5.3 */
    char     signature[8];
    uint8_t  checksum;
    char     oem[6];
    uint8_t  revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t  extended_checksum;
    uint8_t  reserved[3];
} __attribute__((packed));

struct acpi_header {                  /* 5.2.6 */
    char     signature[4];
    uint32_t length;
    uint8_t  revision;
    uint8_t  checksum;
    char     oem[6];
    char     oem_table[8];
    uint32_t oem_revision;
    uint32_t creator;
    uint32_t creator_revision;
} __attribute__((packed));

struct acpi_generic_address {         /* 5.2.3.2 */
    uint8_t  space;                   /* 0 memory, 1 I/O ports */
    uint8_t  bits;
    uint8_t  offset;
    uint8_t  access;
    uint64_t address;
} __attribute__((packed));

struct acpi_fadt {                    /* 5.2.9, up to the fields used here */
    struct acpi_header header;
    uint32_t firmware_ctrl;
    uint32_t dsdt;
    uint8_t  reserved0[4];
    uint32_t smi_command;
    uint8_t  acpi_enable;
    uint8_t  reserved1[11];
    uint32_t pm1a_control;
    uint32_t pm1b_control;
    uint8_t  reserved2[40];
    uint32_t flags;
    struct acpi_generic_address reset;
    uint8_t  reset_value;
} __attribute__((packed));

enum { FADT_RESET_SUPPORTED = 1u << 10 };

struct acpi_entry {                   /* 5.2.12: head of every MADT entry */
    uint8_t type;
    uint8_t length;
} __attribute__((packed));

enum acpi_madt_type { MADT_LOCAL_APIC = 0, MADT_IO_APIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };
enum { MADT_ENABLED = 1u << 0, MADT_FIRST_ENTRY = 44 };

struct acpi_local_apic {              /* 5.2.12.2 */
    struct acpi_entry head;
    uint8_t  processor;
    uint8_t  id;
    uint32_t flags;
} __attribute__((packed));

struct acpi_io_apic {                 /* 5.2.12.3 */
    struct acpi_entry head;
    uint8_t  id;
    uint8_t  reserved;
    uint32_t address;
    uint32_t gsi_base;
} __attribute__((packed));

struct acpi_override {                /* 5.2.12.5 */
    struct acpi_entry head;
    uint8_t  bus;
    uint8_t  source;
    uint32_t gsi;
    uint16_t flags;
} __attribute__((packed));

struct acpi_x2apic {                  /* 5.2.12.12 */
    struct acpi_entry head;
    uint16_t reserved;
    uint32_t id;
    uint32_t flags;
    uint32_t processor;
} __attribute__((packed));

struct acpi_mcfg_entry {              /* PCI Firmware 3.3, table 4-3 */
    uint64_t base;
    uint16_t segment;
    uint8_t  first_bus;
    uint8_t  last_bus;
    uint32_t reserved;
} __attribute__((packed));

enum { MCFG_FIRST_ENTRY = 44 };

_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP layout");
_Static_assert(sizeof(struct acpi_header) == 36, "table header layout");
_Static_assert(offsetof(struct acpi_fadt, pm1a_control) == 64, "FADT layout");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112, "FADT layout");
_Static_assert(offsetof(struct acpi_fadt, reset_value) == 128, "FADT layout");
_Static_assert(sizeof(struct acpi_mcfg_entry) == 16, "MCFG layout");

/* Everything below is written by acpi_install on the boot core, then only read. */
static const struct acpi_header *tables[ACPI_MAX_TABLES];
static uint32_t table_count;

static uint32_t core_apic_id[BH_MAX_CORES];
static uint32_t core_count;
static struct acpi_io_apic ioapic;
static bool ioapic_found;
static uint32_t isa_gsi[ACPI_MAX_OVERRIDE];

static struct {
    uint16_t pm1a, pm1b, smi_command;
    uint8_t  acpi_enable, sleep_a, sleep_b;
    bool     can_sleep;
    uint16_t reset_port;
    uint8_t  reset_value;
} power;

static bool same_bytes(const char *a, const char *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

static bool sums_to_zero(const void *bytes, uint32_t length)
{
    const uint8_t *byte = bytes;
    uint8_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + byte[i]);
    return sum == 0;
}

/* A table whose length and checksum are right, or 0. */
static const struct acpi_header *table_at(uint64_t address)
{
    if (address == 0)
        return 0;
    const struct acpi_header *header = physical_at(paddr(address), sizeof *header);
    uint32_t length = header->length;
    if (length < sizeof *header || length > ACPI_MAX_LENGTH)
        return 0;
    header = physical_at(paddr(address), length);
    return sums_to_zero(header, length) ? header : 0;
}

static void remember_table(const struct acpi_header *table)
{
    if (table != 0 && table_count < ACPI_MAX_TABLES)
        tables[table_count++] = table;
}

/* RSDT and XSDT (5.2.7, 5.2.8): a header, then addresses of `width` bytes. */
static void read_root_table(const struct acpi_header *root, uint32_t width)
{
    uint32_t entries = (root->length - (uint32_t)sizeof *root) / width;
    const uint8_t *entry = (const uint8_t *)(root + 1);
    for (uint32_t i = 0; i < entries && i < ACPI_MAX_TABLES; i++) {
        uint64_t address = 0;
        for (uint32_t byte = 0; byte < width; byte++)
            address |= (uint64_t)entry[i * width + byte] << (8 * byte);
        remember_table(table_at(address));
    }
}

static bool is_rsdp(const struct acpi_rsdp *rsdp)
{
    const uint32_t first_version_size = 20;
    return same_bytes(rsdp->signature, "RSD PTR ", 8) && sums_to_zero(rsdp, first_version_size);
}

static const struct acpi_rsdp *rsdp_in(uint64_t base, uint64_t size)
{
    for (uint64_t at = base; at + sizeof(struct acpi_rsdp) <= base + size; at += 16) {
        const struct acpi_rsdp *rsdp = physical_at(paddr(at), sizeof *rsdp);
        if (is_rsdp(rsdp))
            return rsdp;
    }
    return 0;
}

/* 5.2.5.1: in the first KiB of the extended BIOS data area, or in 0xe0000..0xfffff. */
static const struct acpi_rsdp *rsdp_of_bios(void)
{
    const uint64_t ebda_pointer = 0x40e;
    const uint8_t *bytes = physical_at(paddr(ebda_pointer), 2);
    uint64_t ebda = ((uint64_t)bytes[0] | (uint64_t)bytes[1] << 8) << 4;
    const struct acpi_rsdp *rsdp = 0;
    if (ebda >= 0x80000 && ebda < 0xa0000)
        rsdp = rsdp_in(ebda, 1024);
    return rsdp != 0 ? rsdp : rsdp_in(0xe0000, 0x20000);
}

static void find_tables(paddr_t given)
{
    const struct acpi_rsdp *rsdp =
        given.value != 0 ? physical_at(given, sizeof *rsdp) : rsdp_of_bios();
    if (rsdp == 0 || !is_rsdp(rsdp))
        panic("ACPI: no valid RSDP: this machine can't be described to the kernel");
    const struct acpi_header *root = 0;
    bool extended = rsdp->revision >= 2;
    if (extended)
        root = table_at(rsdp->xsdt);
    if (root != 0 && same_bytes(root->signature, "XSDT", 4)) {
        read_root_table(root, 8);
        return;
    }
    root = table_at(rsdp->rsdt);
    if (root == 0 || !same_bytes(root->signature, "RSDT", 4))
        panic("ACPI: neither XSDT nor RSDT is valid");
    read_root_table(root, 4);
}

const void *acpi_table(const char signature[4], uint32_t *length)
{
    for (uint32_t i = 0; i < table_count; i++) {
        if (same_bytes(tables[i]->signature, signature, 4)) {
            *length = tables[i]->length;
            return tables[i];
        }
    }
    *length = 0;
    return 0;
}

static void add_core(uint32_t id, uint32_t flags)
{
    if (!(flags & MADT_ENABLED))
        return;
    for (uint32_t i = 0; i < core_count; i++) {
        if (core_apic_id[i] == id)
            return;
    }
    if (core_count < BH_MAX_CORES)
        core_apic_id[core_count++] = id;
}

static void add_override(const struct acpi_override *override)
{
    if (override->bus == 0 && override->source < ACPI_MAX_OVERRIDE)
        isa_gsi[override->source] = override->gsi;
}

static void add_ioapic(const struct acpi_io_apic *entry)
{
    if (entry->gsi_base == 0 && !ioapic_found) {
        ioapic = *entry;
        ioapic_found = true;
    }
}

static void read_madt_entry(const struct acpi_entry *entry)
{
    const struct acpi_local_apic *apic = (const void *)entry;
    const struct acpi_x2apic *x2apic = (const void *)entry;
    if (entry->type == MADT_LOCAL_APIC && entry->length >= sizeof *apic)
        add_core(apic->id, apic->flags);
    else if (entry->type == MADT_X2APIC && entry->length >= sizeof *x2apic)
        add_core(x2apic->id, x2apic->flags);
    else if (entry->type == MADT_IO_APIC && entry->length >= sizeof(struct acpi_io_apic))
        add_ioapic((const void *)entry);
    else if (entry->type == MADT_OVERRIDE && entry->length >= sizeof(struct acpi_override))
        add_override((const void *)entry);
}

static void read_madt(void)
{
    uint32_t length;
    const uint8_t *madt = acpi_table("APIC", &length);
    if (madt == 0)
        panic("ACPI: no MADT: the cores and the I/O APIC are unknown");
    for (uint32_t at = MADT_FIRST_ENTRY; at + sizeof(struct acpi_entry) <= length;) {
        const struct acpi_entry *entry = (const void *)(madt + at);
        if (entry->length < sizeof *entry || entry->length > length - at)
            break;
        read_madt_entry(entry);
        at += entry->length;
    }
}

/* Intel SDM volume 2, CPUID leaf 0BH: EDX is the x2APIC id; leaf 01H: EBX 31:24 the 8-bit one. */
static uint32_t own_apic_id(void)
{
    uint32_t highest, a, b, c, d;
    __asm__ volatile("cpuid" : "=a"(highest), "=b"(b), "=c"(c), "=d"(d) : "a"(0), "c"(0));
    if (highest >= 0xb) {
        __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0xb), "c"(0));
        if (b != 0)
            return d;
    }
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
    return b >> 24;
}

static void put_own_core_first(void)
{
    uint32_t own = own_apic_id();
    for (uint32_t i = 1; i < core_count; i++) {
        if (core_apic_id[i] == own) {
            core_apic_id[i] = core_apic_id[0];
            core_apic_id[0] = own;
        }
    }
}

/* One element of \_S5's package: ZeroOp, OneOp or BytePrefix and a byte (20.2.3). Answers how many
 * bytes it took; 0: something else. */
static uint32_t aml_small_integer(const uint8_t *aml, uint32_t left, uint8_t *value)
{
    enum { ZERO_OP = 0x00, ONE_OP = 0x01, BYTE_PREFIX = 0x0a };
    if (left >= 1 && (aml[0] == ZERO_OP || aml[0] == ONE_OP)) {
        *value = aml[0];
        return 1;
    }
    if (left >= 2 && aml[0] == BYTE_PREFIX) {
        *value = aml[1];
        return 2;
    }
    return 0;
}

/* The sleep types of S5 from `Name (_S5, Package () {a, b, ..})` at `aml`, just behind the name. */
static bool read_s5_package(const uint8_t *aml, uint32_t left)
{
    enum { PACKAGE_OP = 0x12 };
    if (left < 3 || aml[0] != PACKAGE_OP)
        return false;
    uint32_t length_bytes = 1 + aml[1] / 64;       /* PkgLength: bits 7:6 count further bytes */
    uint32_t at = 1 + length_bytes + 1;            /* and one byte NumElements */
    if (at >= left)
        return false;
    uint32_t used = aml_small_integer(aml + at, left - at, &power.sleep_a);
    if (used == 0)
        return false;
    at += used;
    return aml_small_integer(aml + at, left - at, &power.sleep_b) != 0;
}

static void read_dsdt(uint64_t address)
{
    const struct acpi_header *dsdt = table_at(address);
    if (dsdt == 0 || !same_bytes(dsdt->signature, "DSDT", 4))
        return;
    const char *aml = (const char *)dsdt;
    for (uint32_t at = sizeof *dsdt; at + 4 < dsdt->length && !power.can_sleep; at++) {
        if (same_bytes(aml + at, "_S5_", 4))
            power.can_sleep = read_s5_package((const uint8_t *)aml + at + 4, dsdt->length - at - 4);
    }
}

static void read_fadt(void)
{
    enum { IO_PORTS = 1 };
    uint32_t length;
    const struct acpi_fadt *fadt = acpi_table("FACP", &length);
    if (fadt == 0 || length < offsetof(struct acpi_fadt, reserved2))
        return;
    power.pm1a = (uint16_t)fadt->pm1a_control;
    power.pm1b = (uint16_t)fadt->pm1b_control;
    power.smi_command = (uint16_t)fadt->smi_command;
    power.acpi_enable = fadt->acpi_enable;
    read_dsdt(fadt->dsdt);
    if (length >= sizeof *fadt && (fadt->flags & FADT_RESET_SUPPORTED) &&
        fadt->reset.space == IO_PORTS) {
        power.reset_port = (uint16_t)fadt->reset.address;
        power.reset_value = fadt->reset_value;
    }
}

void acpi_install(paddr_t rsdp)
{
    for (uint32_t line = 0; line < ACPI_MAX_OVERRIDE; line++)
        isa_gsi[line] = line;
    find_tables(rsdp);
    read_madt();
    put_own_core_first();
    read_fadt();
}

uint32_t acpi_core_count(void)
{
    return core_count;
}

uint32_t acpi_core_apic_id(uint32_t core)
{
    INVARIANT(core < core_count);
    return core_apic_id[core];
}

bool acpi_ioapic(uint32_t *id, paddr_t *registers, uint32_t *gsi_base)
{
    if (!ioapic_found)
        return false;
    *id = ioapic.id;
    *registers = paddr(ioapic.address);
    *gsi_base = ioapic.gsi_base;
    return true;
}

uint32_t acpi_isa_gsi(uint32_t isa_line)
{
    return isa_line < ACPI_MAX_OVERRIDE ? isa_gsi[isa_line] : isa_line;
}

bool acpi_ecam(uint32_t *segment, paddr_t *base, uint32_t *first_bus, uint32_t *last_bus)
{
    uint32_t length;
    const uint8_t *mcfg = acpi_table("MCFG", &length);
    if (mcfg == 0 || length < MCFG_FIRST_ENTRY + sizeof(struct acpi_mcfg_entry))
        return false;
    const struct acpi_mcfg_entry *entry = (const void *)(mcfg + MCFG_FIRST_ENTRY);
    *segment = entry->segment;
    *base = paddr(entry->base);
    *first_bus = entry->first_bus;
    *last_bus = entry->last_bus;
    return entry->base != 0 && entry->first_bus <= entry->last_bus;
}

/* 4.8.3.2.1: SLP_TYPx and SLP_EN of the PM1 control registers; SCI_EN tells that ACPI is on. */
enum { PM1_SCI_EN = 1u << 0, PM1_SLP_TYPE_UNIT = 1u << 10, PM1_SLP_EN = 1u << 13 };

static uint16_t sleep_command(uint8_t type)
{
    return (uint16_t)((type & 7u) * PM1_SLP_TYPE_UNIT | PM1_SLP_EN);
}

static void enable_acpi_mode(void)
{
    if (power.smi_command == 0 || (port_in16(power.pm1a) & PM1_SCI_EN))
        return;
    port_out8(power.smi_command, power.acpi_enable);
    for (uint32_t tries = 0; tries < 100000 && !(port_in16(power.pm1a) & PM1_SCI_EN); tries++)
        continue;
}

void acpi_poweroff(void)
{
    if (!power.can_sleep || power.pm1a == 0)
        return;
    enable_acpi_mode();
    port_out16(power.pm1a, sleep_command(power.sleep_a));
    if (power.pm1b != 0)
        port_out16(power.pm1b, sleep_command(power.sleep_b));
}

/* The FADT's reset register; where there is none or nothing happens, the chipset's (ICH9, 13.7.5)
 * and at last the keyboard controller's reset line. */
void acpi_reboot(void)
{
    enum { RESET_CONTROL = 0xcf9, FULL_RESET = 0x06, KEYBOARD = 0x64, PULSE_RESET = 0xfe };
    if (power.reset_port != 0)
        port_out8(power.reset_port, power.reset_value);
    port_out8(RESET_CONTROL, FULL_RESET);
    port_out8(KEYBOARD, PULSE_RESET);
}
