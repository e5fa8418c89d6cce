/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC: 24 pins, version 0x20 (with the EOI register). Pure state under the caller's lock;
 * a pin that fires answers the message to route.
 *
 * References: Intel 82093AA data sheet; ICH9 data sheet 13.5 for the EOI register.
 */
#ifndef VMM_IOAPIC_H
#define VMM_IOAPIC_H

#include "vmm/cpu/apic.h"

#define IOAPIC_PAGE 0xfec00000ull
#define IOAPIC_PINS 24u

struct ioapic {
    uint32_t select;
    uint32_t id;
    uint32_t lines;                   /* levels that the devices drive */
    uint64_t entry[IOAPIC_PINS];
};

void ioapic_reset(struct ioapic *ioapic);

/* A device drives its pin; true: `message` goes out. */
bool ioapic_line(struct ioapic *ioapic, unsigned pin, bool high, struct apic_message *message);

/* The next pin, from *pin on, whose level-triggered line is still high after an EOI of `vector`:
 * clears the pin's remote IRR. To be called until it answers false. */
bool ioapic_eoi(struct ioapic *ioapic, uint8_t vector, unsigned *pin,
                struct apic_message *message);

uint32_t ioapic_read(const struct ioapic *ioapic, uint64_t offset);

/* true: unmasking let a waiting level-triggered pin fire. *eoi is set to a vector that the EOI
 * register was written with, or to APIC_NO_VECTOR. */
bool ioapic_write(struct ioapic *ioapic, uint64_t offset, uint32_t value, int *eoi,
                  struct apic_message *message);

#endif
