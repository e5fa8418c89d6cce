/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AHCI controller's register file, as the guest reads and writes it.
 */
#include "vmm/ahci/parts.h"

/* The port whose registers an offset is among, and which one; NULL: none. */
static struct ahci_port *port_at(struct ahci *ahci, uint32_t offset, uint32_t *inner) {
    if (offset < HBA_PORTS)
        return NULL;
    uint32_t number = (offset - HBA_PORTS) / PORT_REGISTERS;
    *inner = offset % PORT_REGISTERS;
    return number < ahci->ports ? &ahci->port[number] : NULL;
}

/* ---- Reads ---- */

/* SERR's bits show in the causes until they are cleared there. */
uint32_t ahci_port_causes(const struct ahci_port *port) {
    return port->causes | (port->link_error & SERR_X ? PXIS_PCS : 0);
}

static uint32_t read_control(const struct ahci_port *port) {
    uint32_t value = port->control | PXCMD_SUD | PXCMD_POD;
    if (port->control & PXCMD_FRE)
        value |= PXCMD_FR;
    if (port->control & PXCMD_ST)
        value |= PXCMD_CR | port->taken << PXCMD_CCS_SHIFT;
    return value;
}

static uint32_t read_link_status(const struct ahci_port *port) {
    switch (port->link_control & SCTL_DET) {
    case DET_NONE: return SSTS_UP;
    case DET_OFFLINE: return SSTS_OFFLINE;
    default: return 0;
    }
}

static uint32_t read_port(const struct ahci_port *port, uint32_t inner) {
    switch (inner) {
    case PORT_CLB: return (uint32_t)port->list;
    case PORT_CLBU: return (uint32_t)(port->list >> 32);
    case PORT_FB: return (uint32_t)port->received;
    case PORT_FBU: return (uint32_t)(port->received >> 32);
    case PORT_IS: return ahci_port_causes(port);
    case PORT_IE: return port->mask;
    case PORT_CMD: return read_control(port);
    case PORT_TFD: return port->status | (uint32_t)port->error << 8;
    case PORT_SIG: return port->signature;
    case PORT_SSTS: return read_link_status(port);
    case PORT_SCTL: return port->link_control;
    case PORT_SERR: return port->link_error;
    case PORT_SACT: return port->active;
    case PORT_CI: return port->issued;
    default: return 0;
    }
}

static uint32_t read_capabilities(const struct ahci *ahci) {
    return (ahci->ports - 1) | (AHCI_SLOTS - 1) << CAP_NCS_SHIFT | CAP_PMD | CAP_SAM | CAP_GEN2 |
           CAP_SCLO | CAP_SNCQ | CAP_S64A;
}

static uint32_t read_register(struct ahci *ahci, uint32_t offset) {
    uint32_t inner;
    const struct ahci_port *port = port_at(ahci, offset, &inner);
    if (port)
        return read_port(port, inner);
    switch (offset) {
    case HBA_CAP: return read_capabilities(ahci);
    case HBA_GHC: return GHC_AE | (ahci->interrupts ? GHC_IE : 0);
    case HBA_IS: return ahci->raised;
    case HBA_PI: return (1u << ahci->ports) - 1;
    case HBA_VS: return VERSION_1_3_1;
    default: return 0;
    }
}

/* ---- Writes: true, the I/O thread has something to do ---- */

static void set_low(uint64_t *field, uint32_t value) {
    *field = (*field & 0xffffffff00000000ull) | value;
}

static void set_high(uint64_t *field, uint32_t value) {
    *field = (uint32_t)*field | (uint64_t)value << 32;
}

static bool write_control(struct ahci_port *port, uint32_t value) {
    uint32_t old = port->control;
    port->control = value & PXCMD_KEPT;
    if ((old & PXCMD_ST) && !(value & PXCMD_ST))
        ahci_port_stop(port);
    if ((value & PXCMD_CLO) && !(old & PXCMD_ST))
        port->status &= (uint8_t)~(STATUS_BUSY | STATUS_DATA);
    if ((value & PXCMD_FRE) && !(old & PXCMD_FRE))
        ahci_port_receive(port);
    return false;
}

/* "Port Reset", COMRESET: as long as DET is 1; then the drive is there again. */
static bool write_link_control(struct ahci_port *port, uint32_t value) {
    uint32_t old = port->link_control & SCTL_DET;
    uint32_t now = value & SCTL_DET;
    port->link_control = value & SCTL_KEPT;
    if (now != DET_NONE && old == DET_NONE)
        ahci_port_leave(port);
    if (now == DET_NONE && old != DET_NONE)
        ahci_port_arrive(port);
    return false;
}

/* Commands are only issued to a port that runs. */
static bool write_issue(struct ahci_port *port, uint32_t inner, uint32_t value) {
    if (!(port->control & PXCMD_ST))
        return false;
    if (inner == PORT_SACT)
        port->active |= value;
    else
        port->issued |= value;
    return inner == PORT_CI;
}

static bool write_port(struct ahci_port *port, uint32_t inner, uint32_t value) {
    switch (inner) {
    case PORT_CLB: set_low(&port->list, value & CLB_MASK); return false;
    case PORT_CLBU: set_high(&port->list, value); return false;
    case PORT_FB: set_low(&port->received, value & FB_MASK); return false;
    case PORT_FBU: set_high(&port->received, value); return false;
    case PORT_IS: port->causes &= ~value; return false;
    case PORT_IE: port->mask = value & PXIS_ALL; return false;
    case PORT_CMD: return write_control(port, value);
    case PORT_SCTL: return write_link_control(port, value);
    case PORT_SERR: port->link_error &= ~value; return false;
    case PORT_SACT:
    case PORT_CI: return write_issue(port, inner, value);
    default: return false;
    }
}

/* "HBA Reset": all registers but the memory addresses; the drives are reset, too. */
static bool write_global_control(struct ahci *ahci, uint32_t value) {
    ahci->interrupts = (value & GHC_IE) != 0;
    if (!(value & GHC_HR))
        return false;
    ahci->interrupts = false;
    ahci->raised = 0;
    for (uint32_t i = 0; i < ahci->ports; i++)
        ahci_port_reset(&ahci->port[i]);
    return false;
}

static bool write_register(struct ahci *ahci, uint32_t offset, uint32_t value) {
    uint32_t inner;
    struct ahci_port *port = port_at(ahci, offset, &inner);
    if (port)
        return write_port(port, inner, value);
    if (offset == HBA_GHC)
        return write_global_control(ahci, value);
    if (offset == HBA_IS) {
        ahci->raised &= ~value;
        ahci->told &= ~value;        /* what is still there, or comes again, is told again */
    }
    return false;
}

/* ---- The window ---- */

uint64_t ahci_read(struct ahci *ahci, uint32_t offset, unsigned size) {
    uint64_t value = read_register(ahci, offset & ~3u) >> (8 * (offset % 4));
    if (size == 8)
        return value | (uint64_t)read_register(ahci, offset + 4) << 32;
    return value & ((1ull << (8 * size)) - 1);
}

bool ahci_write(struct ahci *ahci, uint32_t offset, unsigned size, uint64_t value) {
    if (size < 4)
        return false;
    bool work = write_register(ahci, offset, (uint32_t)value);
    if (size == 8)
        work |= write_register(ahci, offset + 4, (uint32_t)(value >> 32));
    ahci_collect_causes(ahci);
    return work;
}
