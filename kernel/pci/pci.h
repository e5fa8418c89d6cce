/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI as far as isolation needs it (PCI Express Base 4.0, "PCIe"; PCI Local Bus 3.0, "PCI"; PCI Power
 * Management 1.2, "PM"): functions, BARs, message interrupts, isolation groups, reset. Functions are
 * named by their index in a table filled at boot; configuration space is reached by the kernel only.
 * What a device answers is hostile: every list is bounded, every size is checked.
 */
#ifndef KERNEL_PCI_PCI_H
#define KERNEL_PCI_PCI_H

#include "abi/base.h"

#include "core/address.h"

enum pci_limits { PCI_MAX_FUNCTIONS = 256, PCI_BARS = 6, PCI_CONFIG_SIZE = 4096 };

/* Configuration space registers (PCI 6.1, 6.2; PCIe 7.5.1). */
enum pci_register {
    PCI_VENDOR            = 0x00,
    PCI_DEVICE            = 0x02,
    PCI_COMMAND           = 0x04,
    PCI_STATUS            = 0x06,
    PCI_CLASS_REVISION    = 0x08,
    PCI_CACHE_LINE        = 0x0c,
    PCI_HEADER_TYPE       = 0x0e,
    PCI_BAR0              = 0x10,
    PCI_BUS_NUMBERS       = 0x18,   /* bridges: primary, secondary, subordinate, latency */
    PCI_CAPABILITIES      = 0x34,
    PCI_BRIDGE_CONTROL    = 0x3e,
    PCI_EXTENDED          = 0x100,
};

enum pci_command {
    PCI_COMMAND_IO        = 1u << 0,
    PCI_COMMAND_MEMORY    = 1u << 1,
    PCI_COMMAND_MASTER    = 1u << 2,
    PCI_COMMAND_NO_INTX   = 1u << 10,
};

enum pci_capability_id {
    PCI_CAP_POWER = 0x01, PCI_CAP_MSI = 0x05, PCI_CAP_PCIE = 0x10, PCI_CAP_MSIX = 0x11,
    PCI_CAP_AF = 0x13,
    PCI_EXT_ACS = 0x0d,
};

enum pci_port_type {                 /* PCIe 7.5.3.2, Device/Port Type */
    PCIE_ENDPOINT = 0, PCIE_LEGACY_ENDPOINT = 1, PCIE_ROOT_PORT = 4, PCIE_UPSTREAM = 5,
    PCIE_DOWNSTREAM = 6, PCIE_TO_PCI_BRIDGE = 7, PCI_TO_PCIE_BRIDGE = 8, PCIE_INTEGRATED = 9,
    PCIE_NONE = 0xff,                /* a conventional function */
};

struct pci_bar {
    uint64_t base;                   /* as the firmware set it, fixed ever after */
    uint64_t size;                   /* bytes; 0: none */
    bool     ports, wide;            /* I/O ports; 64 bits: two registers */
};

struct pci_function {
    uint32_t requester_id;           /* bus << 8 | device << 3 | function */
    uint16_t vendor, device;
    uint32_t class_revision;         /* class << 8 | revision */
    bool     bridge, endpoint, multi_function;
    uint8_t  secondary, subordinate; /* bridges: the buses behind */
    uint32_t parent;                 /* the bridge above; BH_NONE: a root bus */
    uint32_t port_type;              /* enum pci_port_type */
    uint16_t power, msi, msix, pcie, af, acs;  /* offsets of capabilities; 0: none */
    uint16_t pcie_control, acs_control;  /* as set at boot, for after a reset */
    uint32_t msix_entries;
    uint32_t msix_bar, pba_bar;
    uint64_t msix_offset, pba_offset;
    volatile uint32_t *msix_table;
    struct pci_bar bar[PCI_BARS];
    uint32_t group;                  /* lowest index of a function in its isolation group */
    uint32_t group_reason;           /* enum pci_group_reason: why it isn't alone */
};

enum pci_group_reason {
    PCI_ALONE, PCI_MULTI_FUNCTION, PCI_PORT_WITHOUT_ACS, PCI_CONVENTIONAL_BUS, PCI_GROUP_REASONS
};

/* ecam.c: aligned accesses of 8, 16 or 32 bits within one function's 4 KiB. */
bool pci_ecam_install(void);
bool pci_bus_exists(uint32_t bus);
uint32_t pci_last_bus(void);
uint8_t pci_read8(uint32_t requester_id, uint32_t offset);
uint16_t pci_read16(uint32_t requester_id, uint32_t offset);
uint32_t pci_read32(uint32_t requester_id, uint32_t offset);
void pci_write8(uint32_t requester_id, uint32_t offset, uint8_t value);
void pci_write16(uint32_t requester_id, uint32_t offset, uint16_t value);
void pci_write32(uint32_t requester_id, uint32_t offset, uint32_t value);
bool pci_ecam_overlaps(uint64_t base, uint64_t size);

/* enumerate.c. Bus mastering of every function is off when pci_discover returns. */
void pci_discover(void);
uint32_t pci_count(void);
struct pci_function *pci_function(uint32_t index);
uint32_t pci_find(uint32_t requester_id);              /* BH_NONE: not there */
void pci_set_master(uint32_t index, bool on);          /* on: the bridges above, too */
void pci_set_decode(uint32_t index, bool memory, bool ports);
/* The other id under which a bridge above sends this function's requests; BH_NONE: none. */
uint32_t pci_alias(uint32_t index);

/* capability.c */
uint16_t pci_capability(uint32_t requester_id, enum pci_capability_id id);
uint16_t pci_extended_capability(uint32_t requester_id, enum pci_capability_id id);
void pci_read_capabilities(struct pci_function *function);

/* group.c */
void pci_compute_groups(void);
const char *pci_group_text(enum pci_group_reason reason);

/* msi.c: `entry` is the MSI-X table's entry, 0 for MSI. */
bool pci_msix_map(uint32_t index);                     /* boot only */
void pci_msix_enable(uint32_t index, bool on);
void pci_msix_set(uint32_t index, uint32_t entry, uint64_t address, uint32_t data);
void pci_msix_mask(uint32_t index, uint32_t entry, bool masked);
void pci_msi_set(uint32_t index, uint64_t address, uint32_t data);
void pci_msi_enable(uint32_t index, bool on);
/* Does [offset, offset + size) of the BAR share a page with the MSI-X table or PBA? */
bool pci_msix_touches(const struct pci_function *function, uint32_t bar, uint64_t offset,
                      uint64_t size);

/* reset.c: the ladder for one function, in steps that never wait. */
enum pci_reset_result { PCI_RESET_AGAIN, PCI_RESET_DONE, PCI_RESET_FAILED };
struct pci_reset {
    uint32_t phase;                  /* of reset.c */
    uint32_t rung;
    uint64_t deadline;               /* of the phase */
};
const char *pci_reset_method(uint32_t index);          /* for people */
void pci_reset_start(uint32_t index, struct pci_reset *reset);
enum pci_reset_result pci_reset_step(uint32_t index, struct pci_reset *reset, uint64_t *again_at);

#endif
