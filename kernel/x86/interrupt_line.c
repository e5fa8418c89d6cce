/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC with the global interrupts from 0 up (Intel 82093AA; ICH9 data sheet, 13.5): its
 * entries are in remappable format and the kernel's alone. The two 8259s are silenced.
 */
#include "core/interrupt.h"

#include "core/log.h"
#include "x86/acpi.h"
#include "x86/cpu.h"

enum { IOAPIC_SELECT = 0x00 / 4, IOAPIC_WINDOW = 0x10 / 4 };   /* 32-bit words */
enum { IOAPIC_VERSION = 0x01, IOAPIC_ENTRY = 0x10 };           /* selected registers */
enum { ENTRY_MASKED = 1u << 16 };
enum { PIC_MASTER_MASK = 0x21, PIC_SLAVE_MASK = 0xa1, PIC_ALL = 0xff };

static volatile uint32_t *registers;
static uint32_t entry_count;
static uint32_t requester = BH_NONE;

static uint32_t read_register(uint32_t index) {
    registers[IOAPIC_SELECT] = index;
    return registers[IOAPIC_WINDOW];
}

static void write_register(uint32_t index, uint32_t value) {
    registers[IOAPIC_SELECT] = index;
    registers[IOAPIC_WINDOW] = value;
}

/* The low register of the line's entry; the high one follows it. */
static uint32_t entry_of(uint32_t line) {
    INVARIANT(acpi.isa_gsi[line] < entry_count);
    return IOAPIC_ENTRY + 2 * acpi.isa_gsi[line];
}

bool interrupt_line_install(void) {
    port_out8(PIC_MASTER_MASK, PIC_ALL);
    port_out8(PIC_SLAVE_MASK, PIC_ALL);
    if (acpi.ioapic.value == 0)
        return false;
    registers = physical_registers(acpi.ioapic, BH_PAGE_SIZE);
    entry_count = read_register(IOAPIC_VERSION) / 65536 % 256 + 1;
    for (uint32_t entry = 0; entry < entry_count; entry++)
        write_register(IOAPIC_ENTRY + 2 * entry, ENTRY_MASKED);
    requester = iommu_ioapic_requester(acpi.ioapic_id);
    return true;
}

uint32_t interrupt_line_requester(void) { return requester; }

/* VT-d 5.1.5.1: bits 63:48 of the entry become bits 19:4 of the message's address, which is how the
 * format and the index get there; of a plain message, which AMD-Vi's are too, it is the target. */
void interrupt_line_set(uint32_t line, uint32_t vector, const struct iommu_message *message) {
    write_register(entry_of(line), ENTRY_MASKED);
    write_register(entry_of(line) + 1, (uint32_t)(message->address / 16 % 65536) * 65536);
    write_register(entry_of(line), ENTRY_MASKED | vector);
}

void interrupt_line_mask(uint32_t line, bool masked) {
    uint32_t entry = read_register(entry_of(line)) & ~(uint32_t)ENTRY_MASKED;
    write_register(entry_of(line), entry | (masked ? ENTRY_MASKED : 0));
}

uint32_t interrupt_target(uint32_t core) { return acpi.core_apic_id[core]; }
