/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI as far as isolation needs it (PCI Express Base 4.0, "PCIe"; PCI Local Bus 3.0, "PCI"; PCI
 * Power Management 1.2, "PM"): functions, BARs, message interrupts, isolation groups, reset.
 * Functions are named by their index in a table filled at boot; configuration space is reached by
 * the kernel only. What a device answers is hostile: every list is bounded, every size is checked.
 */
#pragma once

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
    PCI_HEADER_TYPE       = 0x0e,
    PCI_BAR0              = 0x10,
    PCI_BUS_NUMBERS       = 0x18,   /* bridges: primary, secondary, subordinate, latency */
    PCI_CAPABILITIES      = 0x34,
    PCI_BRIDGE_MEMORY     = 0x20,   /* bridges: first and last MiB of the window behind */
    PCI_BRIDGE_CONTROL    = 0x3e,
};

enum pci_command {
    PCI_COMMAND_IO        = 1u << 0,
    PCI_COMMAND_MEMORY    = 1u << 1,
    PCI_COMMAND_MASTER    = 1u << 2,
    PCI_COMMAND_NO_INTX   = 1u << 10,
};

enum pci_capability_id {
    PCI_CAP_POWER = 0x01, PCI_CAP_MSI = 0x05, PCI_CAP_PCIE = 0x10, PCI_CAP_MSIX = 0x11,
    PCI_EXT_ACS = 0x0d, PCI_EXT_SRIOV = 0x10,
};

enum pci_port_type {                 /* PCIe 7.5.3.2, Device/Port Type */
    PCIE_ROOT_PORT = 4, PCIE_UPSTREAM = 5, PCIE_TO_PCI_BRIDGE = 7,
    PCIE_NONE = 0xff,                /* a conventional function */
};

struct pci_bar {
    uint64_t base;                   /* as the firmware set it, fixed ever after */
    uint64_t size;                   /* bytes; 0: none */
    bool     ports, wide;            /* I/O ports; 64 bits: two registers */
};

struct pci_area { uint32_t bar; uint64_t offset, size; };   /* registers within a BAR */

struct pci_function {
    uint32_t requester_id;           /* bus << 8 | device << 3 | function */
    uint32_t vendor, device;
    uint32_t class_revision;         /* class << 8 | revision */
    bool     bridge, endpoint, multi_function;
    uint32_t secondary, subordinate; /* bridges: the buses behind */
    uint32_t parent;                 /* the bridge above; BH_NONE: a root bus */
    uint32_t port_type;              /* enum pci_port_type */
    uint32_t power, msi, msix, pcie, acs, sriov;   /* offsets of capabilities; 0: none */
    uint32_t pcie_control;           /* as found at boot, for after a reset */
    uint32_t msix_entries;
    struct pci_area msix_table, msix_pending;
    volatile uint32_t *msix_words;   /* the table, when it is mapped */
    struct pci_bar bar[PCI_BARS];
    uint32_t physical;               /* of a virtual function: its physical one; else BH_NONE */
    uint32_t virtual_count;          /* of a physical one, whose BARs for all follow */
    struct pci_bar virtual_bar[PCI_BARS];
    uint32_t group;                  /* lowest index of a function in its isolation group */
    const char *group_reason;        /* for people: why it isn't alone in it; 0: it is */
};

/* ecam.c: aligned accesses of 1, 2 or 4 bytes within one function's 4 KiB. */
bool pci_ecam_install(void);
bool pci_bus_exists(uint32_t bus);
bool pci_ecam_overlaps(uint64_t base, uint64_t size);
uint32_t pci_read(uint32_t requester_id, uint32_t offset, uint32_t width);
void pci_write(uint32_t requester_id, uint32_t offset, uint32_t width, uint32_t value);
/* The 16 bits at `offset`, with `clear` cleared and `set` set. */
void pci_change(uint32_t requester_id, uint32_t offset, uint32_t clear, uint32_t set);

/* enumerate.c. Bus mastering of every function is off when pci_discover returns. */
void pci_discover(void);
uint32_t pci_count(void);
struct pci_function *pci_function(uint32_t index);
uint32_t pci_find(uint32_t requester_id);              /* BH_NONE: not there */
void pci_set_master(uint32_t index, bool on);          /* on: the bridges above, too */
void pci_set_decode(uint32_t index, bool memory, bool ports);
/* One function more; its bus mastering and its INTx line go off. */
struct pci_function *pci_add_function(uint32_t requester_id, uint32_t parent, bool multi);
/* Sizes the BARs whose registers begin at `offset`. */
void pci_size_bars(uint32_t requester_id, uint32_t offset, struct pci_bar bars[PCI_BARS]);
void pci_write_bars(uint32_t requester_id, uint32_t offset, const struct pci_bar bars[PCI_BARS]);
/* The end of a memory BAR but this one that has a byte in [base, base + size); 0: none has. */
uint64_t pci_foreign_bar_in(const struct pci_bar *own, uint64_t base, uint64_t size);
/* The other id under which a bridge above sends this function's requests; BH_NONE: none. */
uint32_t pci_alias(uint32_t index);

/* capability.c */
uint32_t pci_capability(uint32_t requester_id, enum pci_capability_id id);
uint32_t pci_extended_capability(uint32_t requester_id, enum pci_capability_id id);
void pci_read_capabilities(struct pci_function *function);
/* The errors that it has signalled since: PCI status in bits 15:14, PCIe Device Status in 3:0. */
uint32_t pci_take_errors(const struct pci_function *function);

enum { PCI_VIRTUAL_US = 100000 };   /* until virtual functions answer, PCIe 9.3.3.3.1 */
/* sriov.c: at boot, before groups. Answers why it can't be, for people; 0: done. */
const char *pci_make_virtual(uint32_t physical, uint32_t count);
uint32_t pci_virtual(uint32_t physical, uint32_t number);       /* BH_NONE: not there */
void pci_restore_virtual(const struct pci_function *physical);  /* none are left on, or those made */

/* group.c */
void pci_compute_groups(void);
/* Turns access control services on, also after a reset; false: it doesn't have all it needs. */
bool pci_isolate(const struct pci_function *function);

/* msi.c: `entry` is the MSI-X table's entry. */
bool pci_msix_map(uint32_t index);                     /* boot only; false: no usable table */
void pci_message_set(uint32_t index, bool msix, uint32_t entry, uint64_t address, uint32_t data);
void pci_message_mask(uint32_t index, bool msix, uint32_t entry, bool masked);
/* Does [offset, offset + size) of the BAR share a page with the MSI-X table or PBA? */
bool pci_msix_touches(const struct pci_function *function, uint32_t bar, uint64_t offset,
                      uint64_t size);

/* reset.c: the ladder for one function, in steps that never wait. */
enum pci_reset_result { PCI_RESET_AGAIN, PCI_RESET_DONE, PCI_RESET_FAILED };
struct pci_reset {
    uint32_t phase, rung;            /* of reset.c */
    uint64_t deadline, again_at;     /* of the phase; not before: the next step */
};
const char *pci_reset_method(uint32_t index);          /* for people */
void pci_reset_start(uint32_t index, struct pci_reset *reset);
enum pci_reset_result pci_reset_step(uint32_t index, struct pci_reset *reset);
