/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reset ladder of one function: function-level reset (PCIe 6.6.2, or by the Advanced Features
 * capability), else a trip to D3hot and back (PM 5.4.1), else a reset of the secondary bus when
 * nothing but this function is behind the bridge (PCIe 7.5.1.3.13). Each step does a few register
 * accesses and tells when the next one may come; nothing waits. The caller has turned bus mastering
 * off and answers for decode, interrupts and bus mastering afterwards.
 */
#include "pci/pci.h"

#include "core/time.h"

enum reset_rung { RUNG_NONE, RUNG_FLR, RUNG_AF, RUNG_POWER, RUNG_BUS };
enum reset_phase { PHASE_DRAIN, PHASE_HOLD, PHASE_SETTLE, PHASE_ANSWER };

enum {                                /* PCIe 7.5.3 */
    PCIE_CAPABILITIES = 4, PCIE_CAN_FLR = 1u << 28,
    PCIE_CONTROL = 8, PCIE_START_FLR = 1u << 15,
    PCIE_STATUS = 10, PCIE_PENDING = 1u << 5,
};
enum {                                /* Advanced Features, PCI ECN of 2006 */
    AF_CAPABILITIES = 3, AF_CAN_FLR = 1u << 1, AF_CONTROL = 4, AF_START_FLR = 1u << 0,
    AF_STATUS = 5, AF_PENDING = 1u << 0,
};
enum { PM_CONTROL = 4, PM_STATE_MASK = 3, PM_D3HOT = 3, PM_NO_SOFT_RESET = 1u << 3 };  /* PM 3.2.4 */
enum { BRIDGE_BUS_RESET = 1u << 6 };
enum { ACS_CONTROL = 6 };

enum reset_times_us {
    DRAIN_US = 100000,                /* PCIe 6.6.2: completion time-outs are over by then */
    POLL_US = 1000,
    POWER_US = 10000,                 /* PM table 5-6 */
    BUS_HOLD_US = 2000,               /* PCIe 6.6.1: at least 1 ms */
    SETTLE_US = 100000,               /* PCIe 6.6.1, 6.6.2 */
    ANSWER_US = 1000000,              /* PCIe 6.6.1 */
};

static bool alone_behind_bridge(const struct pci_function *f)
{
    if (f->parent == BH_NONE)
        return false;
    const struct pci_function *bridge = pci_function(f->parent);
    for (uint32_t i = 0; i < pci_count(); i++) {
        const struct pci_function *other = pci_function(i);
        uint32_t bus = other->requester_id / 256;
        if (other != f && bus >= bridge->secondary && bus <= bridge->subordinate)
            return false;
    }
    return true;
}

static enum reset_rung choose_rung(const struct pci_function *f)
{
    uint32_t rid = f->requester_id;
    if (f->pcie != 0 && pci_read32(rid, f->pcie + PCIE_CAPABILITIES) & PCIE_CAN_FLR)
        return RUNG_FLR;
    if (f->af != 0 && f->af <= 256 - 6 && pci_read8(rid, f->af + AF_CAPABILITIES) & AF_CAN_FLR)
        return RUNG_AF;
    if (alone_behind_bridge(f))
        return RUNG_BUS;
    if (f->power != 0 && f->power <= 256 - 8 &&
        !(pci_read16(rid, f->power + PM_CONTROL) & PM_NO_SOFT_RESET))
        return RUNG_POWER;
    return RUNG_NONE;
}

const char *pci_reset_method(uint32_t index)
{
    switch (choose_rung(pci_function(index))) {
    case RUNG_FLR:   return "function-level reset";
    case RUNG_AF:    return "function-level reset (conventional)";
    case RUNG_POWER: return "power state D3hot and back";
    case RUNG_BUS:   return "reset of the bus behind its bridge";
    default:         return "none";
    }
}

static bool pending(const struct pci_function *f)
{
    if (f->pcie != 0)
        return pci_read16(f->requester_id, f->pcie + PCIE_STATUS) & PCIE_PENDING;
    if (f->af != 0 && f->af <= 256 - 6)
        return pci_read8(f->requester_id, f->af + AF_STATUS) & AF_PENDING;
    return false;
}

static void set_power_state(const struct pci_function *f, uint16_t state)
{
    uint16_t control = pci_read16(f->requester_id, f->power + PM_CONTROL);
    pci_write16(f->requester_id, f->power + PM_CONTROL,
                (uint16_t)((control & ~PM_STATE_MASK) | state));
}

static void hold_bus(const struct pci_function *f, bool hold)
{
    uint32_t bridge = pci_function(f->parent)->requester_id;
    uint16_t control = pci_read16(bridge, PCI_BRIDGE_CONTROL);
    pci_write16(bridge, PCI_BRIDGE_CONTROL,
                (uint16_t)((control & ~BRIDGE_BUS_RESET) | (hold ? BRIDGE_BUS_RESET : 0)));
}

/* Starts the rung; answers how long to hold it before release(). */
static uint64_t apply(const struct pci_function *f, enum reset_rung rung)
{
    switch (rung) {
    case RUNG_FLR:
        pci_write16(f->requester_id, f->pcie + PCIE_CONTROL,
                    (uint16_t)(f->pcie_control | PCIE_START_FLR));
        return POLL_US;
    case RUNG_AF:
        pci_write8(f->requester_id, f->af + AF_CONTROL, AF_START_FLR);
        return POLL_US;
    case RUNG_POWER:
        set_power_state(f, PM_D3HOT);
        return POWER_US;
    default:
        hold_bus(f, true);
        return BUS_HOLD_US;
    }
}

static uint64_t release(const struct pci_function *f, enum reset_rung rung)
{
    if (rung == RUNG_POWER)
        set_power_state(f, 0);
    if (rung == RUNG_BUS)
        hold_bus(f, false);
    return rung == RUNG_POWER ? POWER_US : SETTLE_US;
}

/* What the reset took away and the kernel had set at boot. Decode and bus mastering stay off. */
static void restore(const struct pci_function *f)
{
    pci_write16(f->requester_id, PCI_COMMAND, PCI_COMMAND_NO_INTX);
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        if (f->bar[i].size == 0)
            continue;
        pci_write32(f->requester_id, PCI_BAR0 + 4 * i, (uint32_t)f->bar[i].base);
        if (f->bar[i].wide)
            pci_write32(f->requester_id, PCI_BAR0 + 4 * (i + 1), (uint32_t)(f->bar[i].base >> 32));
    }
    if (f->pcie != 0)
        pci_write16(f->requester_id, f->pcie + PCIE_CONTROL, f->pcie_control);
    if (f->acs_control != 0)
        pci_write16(f->requester_id, f->acs + ACS_CONTROL, f->acs_control);
}

static enum pci_reset_result wait_until(uint64_t *again_at, uint64_t microseconds)
{
    *again_at = time_after_us(microseconds);
    return PCI_RESET_AGAIN;
}

void pci_reset_start(uint32_t index, struct pci_reset *reset)
{
    reset->rung = choose_rung(pci_function(index));
    reset->phase = PHASE_DRAIN;
    reset->deadline = time_after_us(DRAIN_US);
}

static enum pci_reset_result step_drain(const struct pci_function *f, struct pci_reset *reset,
                                        uint64_t *again_at)
{
    if (pending(f) && time_now() < reset->deadline)
        return wait_until(again_at, POLL_US);
    if (reset->rung == RUNG_NONE)
        return PCI_RESET_FAILED;
    reset->phase = PHASE_HOLD;
    return wait_until(again_at, apply(f, reset->rung));
}

static enum pci_reset_result step_answer(const struct pci_function *f, struct pci_reset *reset,
                                         uint64_t *again_at)
{
    if (pci_read16(f->requester_id, PCI_VENDOR) == f->vendor) {
        restore(f);
        return PCI_RESET_DONE;
    }
    return time_now() < reset->deadline ? wait_until(again_at, POLL_US) : PCI_RESET_FAILED;
}

enum pci_reset_result pci_reset_step(uint32_t index, struct pci_reset *reset, uint64_t *again_at)
{
    const struct pci_function *f = pci_function(index);
    switch (reset->phase) {
    case PHASE_DRAIN:
        return step_drain(f, reset, again_at);
    case PHASE_HOLD:
        reset->phase = PHASE_SETTLE;
        return wait_until(again_at, release(f, reset->rung));
    case PHASE_SETTLE:
        reset->phase = PHASE_ANSWER;
        reset->deadline = time_after_us(ANSWER_US);
        return step_answer(f, reset, again_at);
    default:
        return step_answer(f, reset, again_at);
    }
}
