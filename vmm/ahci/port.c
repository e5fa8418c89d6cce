/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port and its drive: reset, start and stop, and how issued commands are taken: queued ones many
 * at a time, each other one alone.
 */
#include "vmm/ahci/parts.h"

#include "lib/c/string.h"

enum { SIGNATURE_DISK = 0x00000101, SIGNATURE_CDROM = 0xeb140101 };
enum { TRANSFER_UDMA_5 = 0x45 };

/* ---- Life ---- */

/* Commands in work end nowhere; what the backend still answers is nobody's. */
static void abandon(struct ahci_port *port) {
    backend_forget(&port->backend);
    port->queued = 0;
    port->current = AHCI_SLOTS;
    port->issued = 0;
    port->active = 0;
}

void ahci_port_stop(struct ahci_port *port) {
    abandon(port);
    port->failed = false;
    port->taken = 0;
}

/* The first FIS of a drive tells by its registers what it is (ACS, device signatures). */
static void send_signature(struct ahci_port *port) {
    uint32_t signature = port->signature;
    struct ahci_d2h fis = {
        .type = FIS_D2H, .status = port->status, .error = port->error,
        .count = (uint8_t)signature, .lba = { (uint8_t)(signature >> 8), (uint8_t)(signature >> 16),
                                              (uint8_t)(signature >> 24) },
    };
    port->signature_waits = !(port->control & PXCMD_FRE);
    if (!port->signature_waits)
        ahci_send_registers(port, &fis);
}

static void sign(struct ahci_port *port) {
    port->status = port->cdrom ? 0 : STATUS_GOOD;
    port->error = ERROR_PASSED;
    port->signature = port->cdrom ? SIGNATURE_CDROM : SIGNATURE_DISK;
    send_signature(port);
}

void ahci_port_receive(struct ahci_port *port) {
    if (port->signature_waits)
        send_signature(port);
}

void ahci_port_leave(struct ahci_port *port) {
    abandon(port);
    port->status = STATUS_BUSY;
    port->signature_waits = false;
}

static void reset_drive(struct ahci_port *port) {
    port->software_reset = false;
    port->transfer_mode = TRANSFER_UDMA_5;
    port->multiple = 0;
    port->write_through = false;
    port->sense_key = port->sense_code = 0;
    port->has_queued_error = false;
}

void ahci_port_arrive(struct ahci_port *port) {
    abandon(port);
    port->link_error |= SERR_X;
    reset_drive(port);
    sign(port);
}

void ahci_port_reset(struct ahci_port *port) {
    port->causes = port->mask = 0;
    port->control = 0;
    port->link_control = 0;
    port->link_error = 0;
    ahci_port_stop(port);
    ahci_port_arrive(port);
}

void ahci_port_create(struct ahci_port *port) {
    backend_create(&port->backend);
    port->list = port->received = 0;
    port->served = 0;
    ahci_port_reset(port);
}

/* ---- Issued commands ---- */

static bool works(const struct ahci_port *port) {
    return (port->control & PXCMD_ST) && !port->failed && pci_may_master(port->pci);
}

/* The next slot in turn that was issued; AHCI_SLOTS: none. One that is in work, and so issued
 * again, waits for its own end. */
static uint32_t next_issued(const struct ahci_port *port) {
    uint32_t waiting = port->issued & ~port->queued;
    for (uint32_t i = 1; waiting != 0 && i <= AHCI_SLOTS; i++) {
        uint32_t slot = (port->taken + i) % AHCI_SLOTS;
        if (waiting >> slot & 1)
            return slot;
    }
    return AHCI_SLOTS;
}

/* The end of a command that no frame tells of. */
static void end_silently(struct ahci_port *port, uint32_t slot) {
    port->issued &= ~(1u << slot);
    port->current = AHCI_SLOTS;
    port->status &= (uint8_t)~STATUS_BUSY;
}

/* DEVICE RESET is a packet device's, but boot loaders send it to any drive after an error. */
static void reset_by_command(struct ahci_port *port, uint32_t slot) {
    end_silently(port, slot);
    reset_drive(port);
    sign(port);
}

/* The control register: SRST going on and off again resets the drive ("Software Reset"). */
static void write_drive_control(struct ahci_port *port, uint32_t slot) {
    bool reset = (port->command[slot].fis.control & CONTROL_SRST) != 0;
    if (port->software_reset && !reset)
        reset_by_command(port, slot);
    else
        end_silently(port, slot);
    port->software_reset = reset;
}

static void begin(struct ahci_port *port, uint32_t slot) {
    const struct ahci_command *command = &port->command[slot];
    if (!(command->fis.flags & H2D_COMMAND))
        write_drive_control(port, slot);
    else if (command->fis.command == ATA_DEVICE_RESET)
        reset_by_command(port, slot);
    else if (port->cdrom)
        ahci_begin_packet(port, slot);
    else
        ahci_begin_ata(port, slot);
}

/* One that isn't queued is in work alone, and the drive is busy with it. */
static void begin_current(struct ahci_port *port) {
    port->begun = true;
    port->status = (uint8_t)((port->status & ~STATUS_ERROR) | STATUS_BUSY);
    begin(port, port->current);
}

/* A queued command leaves its slot's issue bit at once and is in work until its bit in PxSACT
 * goes. */
static void begin_queued(struct ahci_port *port, uint32_t slot) {
    struct ahci_d2h accepted = ahci_registers_of(&port->command[slot].fis);
    port->queued |= 1u << slot;
    port->issued &= ~(1u << slot);
    port->status = accepted.status = STATUS_GOOD;
    if (ahci_send_registers(port, &accepted))
        begin(port, slot);
}

static void take(struct ahci_port *port, uint32_t slot) {
    struct ahci_command *command = &port->command[slot];
    port->taken = slot;
    if (!ahci_fetch(port, command, slot)) {
        ahci_fail_port(port, PXIS_HBFS);
    } else if (command->fis.type != FIS_H2D) {
        ahci_fail_port(port, PXIS_IFS);
    } else if (ahci_is_queued(port, command)) {
        begin_queued(port, slot);
    } else {
        port->current = slot;
        port->begun = false;
    }
}

/* Whether the next issued command may be looked at. */
static bool may_take(const struct ahci_port *port) {
    bool idle = !(port->status & (STATUS_BUSY | STATUS_DATA));
    return idle && port->backend.known && backend_quiet(&port->backend);
}

static bool take_next(struct ahci_port *port) {
    if (port->current != AHCI_SLOTS) {
        if (port->begun || port->queued != 0)
            return false;
        begin_current(port);
        return true;
    }
    uint32_t slot = next_issued(port);
    if (slot == AHCI_SLOTS || !may_take(port))
        return false;
    take(port, slot);
    return true;
}

/* ---- The I/O thread's turn ---- */

/* Data that may not be stored any more is a host bus error. */
static void take_answer(struct ahci_port *port, const struct backend_answer *answer) {
    if (answer->event != BACKEND_DONE)
        return;
    if (pci_may_master(port->pci))
        ahci_complete(port, answer->tag, answer->good);
    else
        ahci_fail_port(port, PXIS_HBFS);
}

static bool take_answers(struct ahci_port *port, unsigned budget) {
    struct backend_answer answer;
    for (unsigned i = 0; i < budget; i++) {
        if (!backend_take(&port->backend, &answer))
            return false;
        take_answer(port, &answer);
    }
    return true;
}

static bool take_step(struct ahci_port *port) {
    return works(port) && (ahci_submit_one(port) || take_next(port));
}

bool ahci_port_run(struct ahci_port *port, unsigned budget, uint32_t *last) {
    backend_check(&port->backend);
    bool more = take_answers(port, budget);
    unsigned steps = 0;
    while (steps < budget && take_step(port))
        steps++;
    backend_flush(&port->backend, last);
    return more || steps == budget;
}

bool ahci_port_settle(struct ahci_port *port) {
    return backend_settle(&port->backend, works(port) && ahci_has_requests(port));
}
