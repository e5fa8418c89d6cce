/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a passed-through function's guest does, carried out by the kernel's named operations: where
 * its registers are mapped, bus mastering, resets, interrupts.
 */
#include "vmm/passthrough/parts.h"

enum { POLLS_A_SECOND = 500 };

/* ---- Mappings and bus mastering ---- */

static uint64_t bar_base(const struct passthrough *p, unsigned bar) {
    return pci_config_read(&p->pci, PCI_BAR + 4 * bar, 4) & ~15u;
}

/* In D3hot it answers no access to its memory and sends none: PM 5.4.1. */
static bool is_on(const struct passthrough *p) {
    bool d0 = p->power_at == 0 || !(p->pci.config[p->power_at + POWER_CONTROL] & POWER_STATE);
    return p->state == PASSTHROUGH_READY && d0;
}

static uint64_t wanted_place(const struct passthrough *p, const struct passthrough_piece *piece,
                             const struct passthrough_window *window) {
    bool decodes = is_on(p) && (p->pci.config[PCI_COMMAND] & PCI_COMMAND_MEMORY);
    uint64_t at = bar_base(p, piece->bar) + piece->offset;
    bool good = decodes && p->bar_size[piece->bar] != 0 && at >= window->first &&
                at + piece->size <= window->end;
    return good ? at : 0;
}

static void unplace(struct passthrough_piece *piece) {
    if (piece->at != 0)
        passthrough_place(piece->slot, (struct gpa){ piece->at }, false);
    piece->at = 0;
}

/* Those that go, go first: the others may want their places. Where the kernel refuses, because
 * something else is there, a piece is nowhere. */
static void update_places(struct passthrough *p, const struct passthrough_window *window) {
    for (uint32_t i = 0; i < p->pieces; i++)
        if (p->piece[i].at != wanted_place(p, &p->piece[i], window))
            unplace(&p->piece[i]);
    for (uint32_t i = 0; i < p->pieces; i++) {
        struct passthrough_piece *piece = &p->piece[i];
        uint64_t at = wanted_place(p, piece, window);
        if (at != piece->at && passthrough_place(piece->slot, (struct gpa){ at }, true))
            piece->at = at;
    }
}

static void update_master(struct passthrough *p) {
    bool wanted = is_on(p) && pci_may_master(&p->pci);
    if (wanted == p->master)
        return;
    p->master = wanted;
    passthrough_control(p->slot, wanted ? BH_DEVICE_BUS_MASTER_ON : BH_DEVICE_BUS_MASTER_OFF);
}

/* ---- Reset ---- */

/* Bus mastering goes off at once. The guest finds the function again when it is over. */
static void start_reset(struct passthrough *p) {
    for (uint32_t i = 0; i < p->pieces; i++)
        unplace(&p->piece[i]);
    p->master = false;
    p->state = PASSTHROUGH_RESETTING;
    passthrough_control(p->slot, BH_DEVICE_RESET);
}

/* A function-level reset leaves no BAR and nothing enabled. */
static void reset_by_guest(struct passthrough *p) {
    uint64_t nowhere = UINT64_MAX / 2;
    start_reset(p);
    passthrough_compose(p, &nowhere);
    p->pci.config[PCI_COMMAND] = 0;
}

static void poll_reset(struct passthrough *p) {
    uint64_t state = passthrough_value(p->slot, BH_DEVICE_STATE, 0);
    if (state == BH_DEVICE_RESETTING)
        return;
    p->state = state == BH_DEVICE_QUIET ? PASSTHROUGH_READY : PASSTHROUGH_ABSENT;
    if (p->state == PASSTHROUGH_ABSENT)
        passthrough_lost(p->name);
}

bool passthrough_stop(struct passthrough *p) {
    if (p->state == PASSTHROUGH_ABSENT)
        return true;
    if (p->used && p->state == PASSTHROUGH_READY)
        start_reset(p);
    p->used = false;
    if (p->state == PASSTHROUGH_RESETTING)
        poll_reset(p);
    return p->state != PASSTHROUGH_RESETTING;
}

void passthrough_create(struct passthrough *p, const struct passthrough_window *window,
                        uint64_t *next) {
    if (p->state == PASSTHROUGH_ABSENT)
        return;
    p->used = true;
    passthrough_compose(p, next);
    update_places(p, window);
}

/* ---- Configuration space ---- */

/* A function that is being reset, or is lost, answers nothing. */
uint32_t passthrough_config_read(const struct passthrough *p, unsigned offset, unsigned size) {
    if (p->state == PASSTHROUGH_READY)
        return pci_config_read(&p->pci, offset, size);
    return UINT32_MAX >> (32 - 8 * size);
}

static bool wants_reset(const struct passthrough *p) {
    return p->pcie_at != 0 &&
           (p->pci.config[p->pcie_at + PCIE_CONTROL + 1] & PCIE_START_FLR_HIGH) != 0;
}

void passthrough_config_write(struct passthrough *p, const struct passthrough_window *window,
                              unsigned offset, unsigned size, uint32_t value) {
    if (p->state != PASSTHROUGH_READY)
        return;
    pci_config_write(&p->pci, offset, size, value);
    if (wants_reset(p)) {
        reset_by_guest(p);
        return;
    }
    update_places(p, window);
    update_master(p);
}

/* ---- The pages that aren't mapped ---- */

bool passthrough_decodes(const struct passthrough *p, uint64_t address, unsigned *bar,
                         uint32_t *offset) {
    for (unsigned i = 0; i < PASSTHROUGH_BARS && is_on(p); i++) {
        *bar = i;
        if (p->bar_size[i] != 0 && pci_in_memory_bar(&p->pci, i, address, offset))
            return true;
    }
    return false;
}

/* The place in a structure of the MSI-X capability, which names its BAR in three bits. */
static bool in_structure(uint32_t structure, uint32_t size, unsigned bar, uint32_t offset,
                         uint32_t *place) {
    enum { BIR = 7 };
    *place = offset - (structure & ~(uint32_t)BIR);
    return (structure & BIR) == bar && *place < size;
}

static uint32_t read_dword(const struct passthrough *p, unsigned bar, uint32_t offset) {
    uint32_t place;
    if (in_structure(p->table, p->pci.msix_count * PCI_MSIX_ENTRY, bar, offset, &place))
        return pci_msix_read(&p->pci, place);
    if (in_structure(p->pending, 4, bar, offset, &place))
        return pci_msix_pending(&p->pci);
    return in_structure(p->pending, 8, bar, offset, &place) ? 0 : UINT32_MAX;
}

/* Table and pending bits are read and written by dwords and quadwords: PCI 6.8.2. */
uint64_t passthrough_read(const struct passthrough *p, unsigned bar, uint32_t offset,
                          unsigned size) {
    if (p->pci.msix_at == 0 || size < 4 || offset % size != 0)
        return UINT64_MAX >> (64 - 8 * size);
    uint64_t value = read_dword(p, bar, offset);
    return size == 4 ? value : value | (uint64_t)read_dword(p, bar, offset + 4) << 32;
}

void passthrough_write(struct passthrough *p, unsigned bar, uint32_t offset, unsigned size,
                       uint64_t value) {
    uint32_t place;
    if (p->pci.msix_at == 0 || size < 4 || offset % size != 0 ||
        !in_structure(p->table, p->pci.msix_count * PCI_MSIX_ENTRY, bar, offset, &place))
        return;
    pci_msix_write(&p->pci, place, (uint32_t)value);
    if (size == 8)
        pci_msix_write(&p->pci, place + 4, (uint32_t)(value >> 32));
}

/* ---- Interrupts ---- */

/* While messages are off, what comes is lost, as on the function's own bus. */
static void raise(struct passthrough *p, uint32_t number) {
    if (!p->msix)
        pci_msi_raise(&p->pci);
    else if (pci_msix_enabled(&p->pci))
        pci_msix_raise(&p->pci, number);
}

void passthrough_raise(struct passthrough *p, uint64_t bits) {
    for (uint32_t i = 0; i < p->interrupts && p->state == PASSTHROUGH_READY; i++)
        if (bits & p->interrupt_bits[i])
            raise(p, i);
}

/* ---- The I/O thread's turn ---- */

void passthrough_run(struct passthrough *p) {
    if (p->state == PASSTHROUGH_RESETTING)
        poll_reset(p);
}

uint64_t passthrough_deadline(const struct passthrough *p, uint64_t now, uint32_t tsc_khz) {
    bool resetting = p->state == PASSTHROUGH_RESETTING;
    return resetting ? now + (uint64_t)tsc_khz * 1000 / POLLS_A_SECOND : BH_FOREVER;
}
