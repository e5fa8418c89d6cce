/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/kernel/fake_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/plan.h"
#include "core/address.h"
#include "core/boot_memory.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/time.h"
#include "x86/apic.h"

enum { MAX_RANGES = 64, HEADER = 36, MAX_TABLES = 16 };

static struct { uint64_t base, size; uint8_t *memory; } range[MAX_RANGES];
static unsigned range_count;
static uint8_t nothing[17 << 20];
static uint64_t now;

jmp_buf fake_panic_return;
bool fake_panic_expected;
char fake_panic_text[512], fake_log_text[512];
void (*fake_on_time)(void);
uint32_t fake_plan_controls;
uint8_t fake_ecam[FAKE_BUSES << 20];

void fake_map(uint64_t base, void *memory, uint64_t size) {
    if (range_count == MAX_RANGES)
        abort();
    range[range_count].base = base;
    range[range_count].size = size;
    range[range_count++].memory = memory;
}

void fake_unmap_all(void) {
    range_count = 0;
}

void *physical_at(paddr_t address, uint64_t size) {
    for (unsigned i = 0; i < range_count; i++) {
        uint64_t offset = address.value - range[i].base;
        if (address.value >= range[i].base && offset < range[i].size &&
            size <= range[i].size - offset)
            return range[i].memory + offset;
    }
    if (size > sizeof nothing)
        abort();
    memset(nothing, 0, size);
    return nothing;
}

volatile void *physical_registers(paddr_t address, uint64_t size) {
    return physical_at(address, size);
}

paddr_t boot_memory_take(uint64_t size, uint64_t alignment, const char *what) {
    (void)what;
    void *memory = aligned_alloc(alignment, size);
    memset(memory, 0, size);
    fake_map((uintptr_t)memory, memory, size);
    return paddr((uintptr_t)memory);
}

void log_line(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fake_log_text, sizeof fake_log_text, format, arguments);
    va_end(arguments);
}

void panic(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fake_panic_text, sizeof fake_panic_text, format, arguments);
    va_end(arguments);
    if (!fake_panic_expected) {
        fprintf(stderr, "panic: %s\n", fake_panic_text);
        abort();
    }
    longjmp(fake_panic_return, 1);
}

uint64_t time_now(void) {
    if (fake_on_time != 0)
        fake_on_time();
    return now += 1000;
}

uint64_t time_after_us(uint64_t microseconds) {
    return now + microseconds * 1000;
}

bool plan_control(enum bh_plan_flags flag) {
    return fake_plan_controls & (uint32_t)flag;
}

bool apic_is_x2apic(void) {
    return false;
}

uint32_t interrupt_target(uint32_t core) {
    return core;
}

/* ACPI */
static struct __attribute__((packed)) {
    char signature[8]; uint8_t sum; char oem[6]; uint8_t revision; uint32_t rsdt;
} rsdp;
static struct __attribute__((packed)) { uint8_t header[HEADER]; uint32_t entry[MAX_TABLES]; } rsdt;
static unsigned table_count;
#define RSDP_BASE  0xf0000ull
#define TABLE_BASE 0x1000000ull

static uint8_t minus_sum(const uint8_t *bytes, uint32_t length) {
    uint8_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)(0 - sum);
}

void fake_acpi_header(void *table, const char *signature, uint32_t length) {
    uint8_t *bytes = table;
    memcpy(bytes, signature, 4);
    memcpy(bytes + 4, &length, 4);
    bytes[9] = 0;
    bytes[9] = minus_sum(bytes, length);
}

void fake_acpi_begin(void) {
    memset(&rsdt, 0, sizeof rsdt);
    table_count = 0;
    memcpy(rsdp.signature, "RSD PTR ", 8);
    rsdp.sum = rsdp.revision = 0;
    rsdp.rsdt = TABLE_BASE;
    rsdp.sum = minus_sum((const uint8_t *)&rsdp, 20);
    static uint8_t rsdp_room[64];
    memcpy(rsdp_room, &rsdp, sizeof rsdp);
    fake_map(RSDP_BASE, rsdp_room, sizeof rsdp_room);
    fake_map(TABLE_BASE, &rsdt, sizeof rsdt);
    fake_acpi_header(&rsdt, "RSDT", HEADER);
}

void fake_acpi_add(void *table) {
    uint32_t length;
    memcpy(&length, (const uint8_t *)table + 4, 4);
    uint64_t base = TABLE_BASE + (table_count + 1) * 0x100000ull;
    fake_map(base, table, length);
    rsdt.entry[table_count++] = (uint32_t)base;
    fake_acpi_header(&rsdt, "RSDT", HEADER + 4 * table_count);
}

uint64_t fake_acpi_rsdp(void) {
    return RSDP_BASE;
}

/* PCI */
void fake_config8(uint32_t requester_id, uint32_t offset, uint8_t value) {
    fake_ecam[requester_id * 4096 + offset] = value;
}

void fake_config16(uint32_t requester_id, uint32_t offset, uint16_t value) {
    memcpy(&fake_ecam[requester_id * 4096 + offset], &value, 2);
}

void fake_config32(uint32_t requester_id, uint32_t offset, uint32_t value) {
    memcpy(&fake_ecam[requester_id * 4096 + offset], &value, 4);
}

void fake_function(uint32_t requester_id, uint16_t vendor, uint16_t device, uint32_t class_code,
                   uint8_t header) {
    memset(&fake_ecam[requester_id * 4096], 0, 4096);
    fake_config16(requester_id, 0, vendor);
    fake_config16(requester_id, 2, device);
    fake_config32(requester_id, 8, class_code << 8);
    fake_config8(requester_id, 14, header);
}

struct bytes fake_mcfg(void) {
    static uint8_t mcfg[60];
    uint64_t base = FAKE_ECAM_BASE;
    memcpy(mcfg + 44, &base, 8);
    mcfg[55] = FAKE_BUSES - 1;
    return (struct bytes){ mcfg, sizeof mcfg };
}
