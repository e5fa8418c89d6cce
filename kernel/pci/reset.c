/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reset ladder of one function: function-level reset (PCIe 6.6.2), else a reset of the
 * secondary bus when nothing but this function is behind the bridge (PCIe 7.5.1.3.13), else a trip
 * to D3hot and back (PM 5.4.1). Each step does a few register accesses and tells when the next one
 * may come; nothing waits. The caller has turned bus mastering off and answers for decode,
 * interrupts and bus mastering afterwards.
 */
#include "pci/pci.h"

#include "core/time.h"

enum reset_rung { RUNG_NONE, RUNG_FLR, RUNG_BUS, RUNG_POWER, RUNGS };
enum reset_phase { PHASE_DRAIN, PHASE_HOLD, PHASE_ANSWER, PHASE_VIRTUAL };

/* How long it is held and how long the function is left alone afterwards: PCIe 6.6.1, 6.6.2, PM
 * table 5-6. */
static const struct { const char *name; uint32_t hold_us, settle_us; } rungs[RUNGS] = {
    [RUNG_NONE]  = { "none", 0, 0 },
    [RUNG_FLR]   = { "function-level reset", 0, 100000 },
    [RUNG_BUS]   = { "reset of the bus behind its bridge", 2000, 100000 },
    [RUNG_POWER] = { "power state D3hot and back", 10000, 10000 },
};

enum { DRAIN_US = 100000, POLL_US = 1000, ANSWER_US = 1000000 };    /* PCIe 6.6.1, 6.6.2 */

enum {                                /* PCIe 7.5.3 */
    PCIE_CAPABILITIES = 4, PCIE_CAN_FLR = 1u << 28, PCIE_CONTROL = 8, PCIE_START_FLR = 1u << 15,
    PCIE_STATUS = 10, PCIE_PENDING = 1u << 5,
};
enum { PM_CONTROL = 4, PM_STATE = 3, PM_D3HOT = 3, PM_NO_SOFT_RESET = 1u << 3 };    /* PM 3.2.4 */
enum { BRIDGE_BUS_RESET = 1u << 6 };

static bool alone_behind_bridge(const struct pci_function *f) {
    if (f->parent == BH_NONE)
        return false;
    const struct pci_function *bridge = pci_function(f->parent);
    for (uint32_t i = 0; i < pci_count(); i++) {
        uint32_t bus = pci_function(i)->requester_id / 256;
        if (pci_function(i) != f && bus >= bridge->secondary && bus <= bridge->subordinate)
            return false;
    }
    return true;
}

static enum reset_rung choose_rung(const struct pci_function *f) {
    uint32_t id = f->requester_id;
    if (f->pcie != 0 && pci_read(id, f->pcie + PCIE_CAPABILITIES, 4) & PCIE_CAN_FLR)
        return RUNG_FLR;
    if (alone_behind_bridge(f))
        return RUNG_BUS;
    if (f->power != 0 && !(pci_read(id, f->power + PM_CONTROL, 2) & PM_NO_SOFT_RESET))
        return RUNG_POWER;
    return RUNG_NONE;
}

const char *pci_reset_method(uint32_t index) {
    return rungs[choose_rung(pci_function(index))].name;
}

/* Starts the rung, or ends what it holds. A function-level reset ends by itself. */
static void apply(const struct pci_function *f, enum reset_rung rung, bool hold) {
    if (rung == RUNG_FLR && hold)
        pci_change(f->requester_id, f->pcie + PCIE_CONTROL, 0, PCIE_START_FLR);
    if (rung == RUNG_BUS)
        pci_change(pci_function(f->parent)->requester_id, PCI_BRIDGE_CONTROL, BRIDGE_BUS_RESET,
                   hold ? BRIDGE_BUS_RESET : 0);
    if (rung == RUNG_POWER)
        pci_change(f->requester_id, f->power + PM_CONTROL, PM_STATE, hold ? PM_D3HOT : 0);
}

/* What the reset took away and the kernel had found at boot. Decode and bus mastering stay off. */
static void restore(const struct pci_function *f) {
    pci_write(f->requester_id, PCI_COMMAND, 2, PCI_COMMAND_NO_INTX);
    pci_write_bars(f->requester_id, PCI_BAR0, f->bar);
    if (f->pcie != 0)
        pci_write(f->requester_id, f->pcie + PCIE_CONTROL, 2, f->pcie_control);
    pci_isolate(f);
    pci_restore_virtual(f);
}

void pci_reset_start(uint32_t index, struct pci_reset *reset) {
    *reset = (struct pci_reset){ .phase = PHASE_DRAIN, .rung = choose_rung(pci_function(index)),
                                 .deadline = time_after_us(DRAIN_US) };
}

static enum pci_reset_result next(struct pci_reset *reset, uint32_t phase, uint64_t wait_us) {
    reset->phase = phase;
    reset->again_at = time_after_us(wait_us);
    return PCI_RESET_AGAIN;
}

static enum pci_reset_result step_drain(const struct pci_function *f, struct pci_reset *reset) {
    bool pending = f->pcie != 0 &&
                   pci_read(f->requester_id, f->pcie + PCIE_STATUS, 2) & PCIE_PENDING;
    if (pending && time_now() < reset->deadline)
        return next(reset, PHASE_DRAIN, POLL_US);
    if (reset->rung == RUNG_NONE)
        return PCI_RESET_FAILED;
    apply(f, reset->rung, true);
    return next(reset, PHASE_HOLD, rungs[reset->rung].hold_us);
}

/* A virtual function has no vendor of its own (PCIe 9.3.4.1.1). */
static bool answers(const struct pci_function *f) {
    if (f->physical != BH_NONE)
        return pci_read(f->requester_id, PCI_CLASS_REVISION, 4) == f->class_revision;
    return pci_read(f->requester_id, PCI_VENDOR, 2) == f->vendor;
}

enum pci_reset_result pci_reset_step(uint32_t index, struct pci_reset *reset) {
    const struct pci_function *f = pci_function(index);
    switch (reset->phase) {
    case PHASE_DRAIN:
        return step_drain(f, reset);
    case PHASE_HOLD:
        apply(f, reset->rung, false);
        reset->deadline = time_after_us(rungs[reset->rung].settle_us + ANSWER_US);
        return next(reset, PHASE_ANSWER, rungs[reset->rung].settle_us);
    case PHASE_VIRTUAL:
        return PCI_RESET_DONE;
    }
    if (answers(f)) {
        restore(f);
        return f->virtual_count == 0 ? PCI_RESET_DONE : next(reset, PHASE_VIRTUAL, PCI_VIRTUAL_US);
    }
    return time_now() < reset->deadline ? next(reset, PHASE_ANSWER, POLL_US) : PCI_RESET_FAILED;
}
