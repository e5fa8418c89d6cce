/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's start and what it is told: the memory map, the ACPI tables with the script by which
 * it puts them where it likes, the number of vCPUs, the serial port as its console.
 *
 * References: QEMU, docs/specs/fw_cfg.rst; ACPI 6.4, 15 (memory map); SeaBIOS, docs/Runtime_config.md
 * for the files' names and etc/table-loader's commands.
 */
#include "vmm/firmware/firmware.h"

#include "lib/c/string.h"
#include "vmm/platform/acpi.h"
#include "vmm/platform/layout.h"
#include "vmm/platform/serial.h"

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"
#define LOADER_FILE "etc/table-loader"
#define VGABIOS_FILE "pci1234,1111.rom"   /* of the function with these numbers */

enum { TABLES_MAX = 4096 };

enum loader_command {                /* bytes of a command, and where its operands lie */
    LOADER_ALLOCATE = 1, LOADER_POINTER = 2, LOADER_CHECKSUM = 3,
    LOADER_FILE_AT = 4, LOADER_ALIGNMENT_AT = 60, LOADER_ZONE_AT = 64,
    LOADER_SOURCE_AT = 60, LOADER_OFFSET_AT = 116, LOADER_WIDTH_AT = 120,
    LOADER_SUM_AT = 60, LOADER_START_AT = 64, LOADER_LENGTH_AT = 68,
    LOADER_COMMAND = 128,
    ZONE_HIGH = 1, ZONE_LOW = 2, ALIGNMENT = 64, RSDP_ALIGNMENT = 16,
};

static void put(uint8_t *bytes, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static void put_name(uint8_t *bytes, const char *name) {
    memcpy(bytes, name, strlen(name));
}

static void add_number(struct fwcfg *fwcfg, uint16_t key, unsigned size, uint64_t value) {
    uint8_t *bytes = fwcfg_add(fwcfg, key, size);
    if (bytes)
        put(bytes, size, value);
}

static void add_numbers(struct fwcfg *fwcfg, unsigned vcpu_count) {
    enum { TRADITIONAL = 1 };
    uint8_t *signature = fwcfg_add(fwcfg, FWCFG_SIGNATURE, 4);
    if (signature)
        memcpy(signature, "QEMU", 4);
    add_number(fwcfg, FWCFG_ID, 4, TRADITIONAL);
    add_number(fwcfg, FWCFG_CPUS, 2, vcpu_count);
    add_number(fwcfg, FWCFG_MAX_CPUS, 2, vcpu_count);
    add_number(fwcfg, FWCFG_IRQ0_OVERRIDE, 1, 1);
}

static void add_console(struct fwcfg *fwcfg) {
    uint8_t *port = fwcfg_add_file(fwcfg, "etc/sercon-port", 8);
    if (port)
        put(port, 8, SERIAL_PORT);
}

/* RAM only: the firmware knows the holes of a PC. */
static void add_memory_map(struct fwcfg *fwcfg, const struct guest_memory *memory) {
    enum { ENTRY = 20, RAM = 1 };
    unsigned parts = memory->part[1].size != 0 ? 2 : 1;
    uint8_t *entry = fwcfg_add_file(fwcfg, "etc/e820", parts * ENTRY);
    for (unsigned i = 0; entry && i < parts; i++, entry += ENTRY) {
        put(entry, 8, memory->part[i].gpa);
        put(entry + 8, 8, memory->part[i].size);
        put(entry + 16, 4, RAM);
    }
}

static uint8_t *put_allocate(uint8_t *at, const char *file, uint32_t alignment, uint8_t zone) {
    put(at, 4, LOADER_ALLOCATE);
    put_name(at + LOADER_FILE_AT, file);
    put(at + LOADER_ALIGNMENT_AT, 4, alignment);
    put(at + LOADER_ZONE_AT, 1, zone);
    return at + LOADER_COMMAND;
}

/* The RSDP comes first in the tables, and is a file of its own. */
static uint8_t *put_fixup(uint8_t *at, const struct acpi_fixup *fixup) {
    bool pointer = fixup->start == ACPI_POINTER;
    put(at, 4, pointer ? LOADER_POINTER : LOADER_CHECKSUM);
    put_name(at + LOADER_FILE_AT, fixup->at < ACPI_RSDP_SIZE ? RSDP_FILE : TABLES_FILE);
    if (pointer) {
        put_name(at + LOADER_SOURCE_AT, TABLES_FILE);
        put(at + LOADER_OFFSET_AT, 4, fixup->at);
        put(at + LOADER_WIDTH_AT, 1, fixup->size);
    } else {
        put(at + LOADER_SUM_AT, 4, fixup->at);
        put(at + LOADER_START_AT, 4, fixup->start);
        put(at + LOADER_LENGTH_AT, 4, fixup->size);
    }
    return at + LOADER_COMMAND;
}

/* OVMF sums up what it finds there, too. */
static void clear_checksums(uint8_t *tables, const struct acpi_fixups *fixups) {
    for (unsigned i = 0; i < fixups->count; i++)
        if (fixups->fixup[i].start != ACPI_POINTER)
            tables[fixups->fixup[i].at] = 0;
}

static uint32_t bar_window(const struct guest_memory *memory) {
    uint64_t end = memory->part[0].gpa + memory->part[0].size;
    return (uint32_t)(end > LAYOUT_FIRMWARE_HOLE ? LAYOUT_HOLE : LAYOUT_FIRMWARE_HOLE);
}

static bool add_tables(struct fwcfg *fwcfg, const struct guest_memory *memory,
                       const struct firmware_machine *firmware) {
    struct acpi_fixups fixups;
    const struct acpi_machine machine = { .hole = bar_window(memory),
                                          .vcpu_count = firmware->vcpu_count,
                                          .screen = firmware->screen, .hpet = firmware->hpet,
                                          .fixed_hardware = true };
    uint8_t *tables = fwcfg_add_file(fwcfg, TABLES_FILE, TABLES_MAX);
    uint8_t *rsdp = fwcfg_add_file(fwcfg, RSDP_FILE, ACPI_RSDP_SIZE);
    if (!rsdp || acpi_build(tables, TABLES_MAX, &machine, &fixups) == 0)
        return false;
    clear_checksums(tables, &fixups);
    memcpy(rsdp, tables, ACPI_RSDP_SIZE);
    uint8_t *at = fwcfg_add_file(fwcfg, LOADER_FILE, (2 + fixups.count) * LOADER_COMMAND);
    if (!at)
        return false;
    at = put_allocate(at, RSDP_FILE, RSDP_ALIGNMENT, ZONE_LOW);
    at = put_allocate(at, TABLES_FILE, ALIGNMENT, ZONE_HIGH);
    for (unsigned i = 0; i < fixups.count; i++)
        at = put_fixup(at, &fixups.fixup[i]);
    return true;
}

const char *firmware_load(const struct guest_memory *memory,
                          const struct firmware_machine *machine, struct fwcfg *fwcfg) {
    const struct guest_rom *rom = &memory->rom;
    if (rom->size < LAYOUT_BIOS_SIZE)
        return "the firmware's image is shorter than 128 KiB: give one of the distribution's";
    const uint8_t *end = rom->base + (rom->size - LAYOUT_BIOS_SIZE);
    if (!guest_write(memory, (struct gpa){ LAYOUT_BIOS }, end, LAYOUT_BIOS_SIZE))
        return "the VM's memory is too small: give it at least 16 MiB";
    fwcfg_reset(fwcfg);
    add_numbers(fwcfg, machine->vcpu_count);
    add_console(fwcfg);
    add_memory_map(fwcfg, memory);
    if (machine->vgabios.size != 0)
        fwcfg_add_image(fwcfg, VGABIOS_FILE, machine->vgabios.base,
                        (uint32_t)machine->vgabios.size);
    if (!add_tables(fwcfg, memory, machine) || !fwcfg_finish(fwcfg))
        return "the ACPI tables find no room: give the VM fewer vCPUs";
    return NULL;
}
