/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real PCI function that the guest drives itself. Its registers are mapped in the guest and it
 * reads and writes the guest's memory; neither costs an exit. What the guest must not reach is kept
 * here: a configuration space that is composed of what is known to be harmless, the MSI-X table,
 * the function's reset. The guest's interrupt messages are stored and sent by us: the real ones
 * are the kernel's.
 *
 * State under the device lock. Trusts neither the guest nor the function: what that says of itself
 * is read once.
 *
 * References: PCI Express Base 4.0 ("PCIe"), PCI Local Bus 3.0, PCI Power Management 1.2.
 */
#ifndef VMM_PASSTHROUGH_H
#define VMM_PASSTHROUGH_H

#include "abi/call.h"
#include "vmm/memory.h"
#include "vmm/platform/pci.h"

#define PASSTHROUGH_PIECES     12u
#define PASSTHROUGH_INTERRUPTS PCI_MSIX_MAX
#define PASSTHROUGH_BARS       6u
#define PASSTHROUGH_CONFIG     (PCI_CONFIG_SIZE / 4)

enum passthrough_state {
    PASSTHROUGH_ABSENT,              /* the VM has no such function, or lost it */
    PASSTHROUGH_READY,
    PASSTHROUGH_RESETTING,           /* until the kernel says that it is over */
};

/* Part of a memory BAR, which the kernel maps where we say. */
struct passthrough_piece {
    uint32_t slot;                   /* guest_place */
    uint32_t bar;
    uint64_t offset, size;
    uint64_t at;                     /* guest-physical; 0: nowhere */
};

struct passthrough {
    const char *name;
    uint32_t slot;                   /* device_control, device_read */
    bool msix;                       /* its interrupts are MSI-X entries, else there is one MSI */
    uint32_t interrupts;
    uint64_t interrupt_bits[PASSTHROUGH_INTERRUPTS];
    uint32_t pieces;
    struct passthrough_piece piece[PASSTHROUGH_PIECES];

    uint32_t original[PASSTHROUGH_CONFIG];   /* its configuration space when we started */
    uint64_t bar_size[PASSTHROUGH_BARS];     /* as the guest sees it; 0: none */
    uint64_t bits;                           /* of all its interrupts */

    enum passthrough_state state;
    bool used;                       /* a guest may have touched it since its last reset */
    bool master;                     /* what the kernel was told */
    uint8_t power_at, pcie_at;       /* offsets of capabilities, 0: none */
    uint32_t table, pending;         /* MSI-X table and pending bits: offset and BAR, as in the */
    struct pci_function pci;         /* capability */
};

/* Where the guest may see BARs. */
struct passthrough_window {
    uint64_t first, end;
};

/* Once: what the function is. The fields above `original` are given. */
void passthrough_learn(struct passthrough *p);

/* As after power-on and with the BARs where firmware would put them, from *next up. */
void passthrough_create(struct passthrough *p, const struct passthrough_window *window,
                        uint64_t *next);

/* Guest accesses. After a write to configuration space, the kernel is told what follows from it. */
uint32_t passthrough_config_read(const struct passthrough *p, unsigned offset, unsigned size);
void passthrough_config_write(struct passthrough *p, const struct passthrough_window *window,
                              unsigned offset, unsigned size, uint32_t value);

/* Whether an address is in a BAR; what is mapped doesn't come here, so it is the MSI-X table, the
 * pending bits or nothing. */
bool passthrough_decodes(const struct passthrough *p, uint64_t address, unsigned *bar,
                         uint32_t *offset);
uint64_t passthrough_read(const struct passthrough *p, unsigned bar, uint32_t offset,
                          unsigned size);
void passthrough_write(struct passthrough *p, unsigned bar, uint32_t offset, unsigned size,
                       uint64_t value);

/* The kernel's notification: raises what its bits stand for. */
void passthrough_raise(struct passthrough *p, uint64_t bits);

/* The I/O thread's turn, and when the next one is due at the latest. */
void passthrough_run(struct passthrough *p);
uint64_t passthrough_deadline(const struct passthrough *p, uint64_t now, uint32_t tsc_khz);

/* The guest has ended: the function is reset unless that was done. true: it is quiet. */
bool passthrough_stop(struct passthrough *p);

/* The kernel's calls; given by the program (vmm/runtime.c). */
bool passthrough_place(uint32_t slot, struct gpa at, bool present);
bool passthrough_control(uint32_t slot, enum bh_device_operation operation);
uint64_t passthrough_value(uint32_t slot, enum bh_device_value what, uint64_t argument);
void passthrough_lost(const char *name);

#endif
