/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC's registers and pins.
 */
#include "vmm/platform/ioapic.h"

enum ioapic_offset { OFFSET_SELECT = 0x00, OFFSET_WINDOW = 0x10, OFFSET_EOI = 0x40 };
enum ioapic_index { INDEX_ID = 0, INDEX_VERSION = 1, INDEX_ARBITRATION = 2, INDEX_ENTRY = 0x10 };

/* Redirection entry (82093AA 3.2.4). */
#define ENTRY_VECTOR     0xffull
#define ENTRY_LOGICAL    (1ull << 11)
#define ENTRY_STATUS     (1ull << 12)
#define ENTRY_REMOTE_IRR (1ull << 14)
#define ENTRY_LEVEL      (1ull << 15)
#define ENTRY_MASKED     (1ull << 16)
#define ENTRY_READ_ONLY  (ENTRY_STATUS | ENTRY_REMOTE_IRR)
#define ENTRY_WRITABLE   0xff0000000001afffull

#define VERSION (0x20u | (IOAPIC_PINS - 1) << 16)

void ioapic_reset(struct ioapic *ioapic) {
    *ioapic = (struct ioapic){ 0 };
    for (unsigned i = 0; i < IOAPIC_PINS; i++)
        ioapic->entry[i] = ENTRY_MASKED;
}

static struct apic_message message_of(uint64_t entry) {
    return (struct apic_message){
        .destination = (uint32_t)(entry >> 56),
        .delivery = (entry >> 8) & 7,
        .vector = (uint8_t)(entry & ENTRY_VECTOR),
        .logical = (entry & ENTRY_LOGICAL) != 0,
        .level = (entry & ENTRY_LEVEL) != 0,
    };
}

/* Fires the pin unless it is masked or, level-triggered, still in service. */
static bool fire(struct ioapic *ioapic, unsigned pin, struct apic_message *message) {
    uint64_t *entry = &ioapic->entry[pin];
    if (*entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR))
        return false;
    if (*entry & ENTRY_LEVEL)
        *entry |= ENTRY_REMOTE_IRR;
    *message = message_of(*entry);
    return true;
}

bool ioapic_line(struct ioapic *ioapic, unsigned pin, bool high, struct apic_message *message) {
    if (pin >= IOAPIC_PINS)
        return false;
    uint32_t bit = 1u << pin;
    bool was = (ioapic->lines & bit) != 0;
    ioapic->lines = high ? ioapic->lines | bit : ioapic->lines & ~bit;
    return high && !was && fire(ioapic, pin, message);
}

bool ioapic_eoi(struct ioapic *ioapic, uint8_t vector, unsigned *pin,
                struct apic_message *message) {
    for (; *pin < IOAPIC_PINS; (*pin)++) {
        uint64_t *entry = &ioapic->entry[*pin];
        bool ours = (*entry & ENTRY_VECTOR) == vector && (*entry & ENTRY_REMOTE_IRR);
        if (!ours)
            continue;
        *entry &= ~ENTRY_REMOTE_IRR;
        if ((ioapic->lines >> *pin & 1) && fire(ioapic, *pin, message)) {
            (*pin)++;
            return true;
        }
    }
    return false;
}

static uint32_t read_index(const struct ioapic *ioapic) {
    uint32_t index = ioapic->select;
    if (index == INDEX_ID || index == INDEX_ARBITRATION)
        return ioapic->id;
    if (index == INDEX_VERSION)
        return VERSION;
    if (index < INDEX_ENTRY || index >= INDEX_ENTRY + 2 * IOAPIC_PINS)
        return 0;
    uint64_t entry = ioapic->entry[(index - INDEX_ENTRY) / 2];
    return (uint32_t)(index % 2 == 0 ? entry : entry >> 32);
}

uint32_t ioapic_read(const struct ioapic *ioapic, uint64_t offset) {
    switch (offset) {
    case OFFSET_SELECT: return ioapic->select;
    case OFFSET_WINDOW: return read_index(ioapic);
    default: return 0;
    }
}

static bool write_entry(struct ioapic *ioapic, uint32_t index, uint32_t value,
                        struct apic_message *message) {
    unsigned pin = (index - INDEX_ENTRY) / 2;
    uint64_t old = ioapic->entry[pin];
    uint64_t merged = index % 2 == 0 ? (old & 0xffffffff00000000ull) | value
                                     : (old & 0xffffffffull) | (uint64_t)value << 32;
    uint64_t kept = merged & ENTRY_LEVEL ? old & ENTRY_READ_ONLY : 0;
    ioapic->entry[pin] = (merged & ENTRY_WRITABLE) | kept;
    bool waiting = (merged & ENTRY_LEVEL) && (ioapic->lines >> pin & 1);
    return waiting && fire(ioapic, pin, message);
}

bool ioapic_write(struct ioapic *ioapic, uint64_t offset, uint32_t value, int *eoi,
                  struct apic_message *message) {
    uint32_t index = ioapic->select;
    *eoi = APIC_NO_VECTOR;
    if (offset == OFFSET_SELECT)
        ioapic->select = value & 0xff;
    else if (offset == OFFSET_EOI)
        *eoi = (int)(value & 0xff);
    else if (offset == OFFSET_WINDOW && index == INDEX_ID)
        ioapic->id = value & 0x0f000000;
    else if (offset == OFFSET_WINDOW && index >= INDEX_ENTRY &&
             index < INDEX_ENTRY + 2 * IOAPIC_PINS)
        return write_entry(ioapic, index, value, message);
    return false;
}
