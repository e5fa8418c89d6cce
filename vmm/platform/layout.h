/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest-physical address map and the I/O ports of every VM, in one place.
 */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* Low memory, filled by the loader before the start. */
#define LAYOUT_GDT          0x0000000000000500ull
#define LAYOUT_ZERO_PAGE    0x0000000000007000ull
#define LAYOUT_COMMAND_LINE 0x0000000000008000ull
#define LAYOUT_COMMAND_LINE_SIZE 0x1000u
#define LAYOUT_PAGE_TABLES  0x000000000000a000ull   /* PML4, PDPT, four PDs */
#define LAYOUT_STACK        0x000000000001f000ull   /* grows down */
#define LAYOUT_LOW_END      0x000000000009fc00ull   /* of conventional memory */
#define LAYOUT_TEXT         0x00000000000b8000ull   /* cells of text mode, in a VM with a screen */
#define LAYOUT_TEXT_SIZE    0x0000000000008000ull
#define LAYOUT_ACPI         0x00000000000e0000ull
#define LAYOUT_ACPI_SIZE    0x0000000000008000ull
#define LAYOUT_RESET_VECTOR 0x00000000000ffff0ull   /* F000:FFF0 */
#define LAYOUT_BIOS         0x00000000000e0000ull   /* the end of the firmware's image, in RAM */
#define LAYOUT_BIOS_SIZE    0x0000000000020000ull
#define LAYOUT_HIGH_START   0x0000000000100000ull

/* The hole below 4 GiB. It begins with the BARs of passed-through functions, one after the
 * other. NVMe controllers' BARs are around their doorbells, which the tool puts at 0xe0060000 and
 * above. */
#define LAYOUT_HOLE         0x00000000c0000000ull
#define LAYOUT_FIRMWARE_HOLE 0x0000000080000000ull  /* the lowest place where firmware puts BARs */
#define LAYOUT_BARS         0x00000000e0000000ull   /* memory BARs, one after the other */
#define LAYOUT_E1000_BAR    0x00000000e0020000ull   /* beyond those of the virtio devices */
#define LAYOUT_AHCI_BAR     0x00000000e0040000ull   /* beyond that one */
#define LAYOUT_VGA_REGISTERS 0x00000000e0050000ull  /* beyond that one */
#define LAYOUT_VGA_FRAMEBUFFER 0x00000000e1000000ull
#define LAYOUT_HOLE_BARS_END 0x00000000febfffffull  /* last byte that a BAR may take */
#define LAYOUT_4G           0x0000000100000000ull

/* PCI devices 1 to LAYOUT_PCI_DEVICES: the virtio ones by their number, or the emulated network
 * card as the first, or an NVMe controller as a disk; then the AHCI controller. Interrupt pin A of
 * each is one of the I/O APIC's eight pins beyond the ISA devices' ones. NVMe controllers, the VGA
 * and what is passed through have none. */
#define LAYOUT_PCI_DEVICES  8u
#define LAYOUT_PCI_E1000    1u
#define LAYOUT_PCI_DISK     3u                      /* the first of four */
#define LAYOUT_PCI_AHCI     8u
#define LAYOUT_PCI_VGA      9u
#define LAYOUT_PCI_PASSED   10u                     /* the first of the passed-through functions */
#define LAYOUT_PCI_PIN(device) (16u + (device) % 8u)
#define LAYOUT_TIMER_PIN    2u                      /* the 8254's, which is ISA interrupt 0 */

/* Ports beyond the ISA devices' own. */
#define LAYOUT_PORT_SLEEP   0x604u                  /* ACPI sleep control and status registers */
#define LAYOUT_PORT_RESET   0xcf9u
#define LAYOUT_PORT_E1000   0x1040u                 /* I/O BAR of the emulated 82540EM */

/* Whether all of an access lies in a device's ports. */
static inline bool port_in_range(uint16_t port, unsigned size, unsigned first, unsigned count) {
    return port >= first && port + size <= first + count;
}

#endif
